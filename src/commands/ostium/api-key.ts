/** The text of an agent's API key: `bsvc_<id>_<secret and check>`. It is shown once; only its hash is kept. */
import { type GeneratedKey, keyTexts } from '../../api-keys/key-text.ts'

const texts = keyTexts('bsvc', [''])

export const generateAgentKey = (): GeneratedKey => texts.generate('')

/** The id that a text names; undefined where it is no key of ours. */
export const textIdOf = (text: string): string | undefined => texts.parse(text)?.keyId
