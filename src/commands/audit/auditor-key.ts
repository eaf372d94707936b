/** An auditor's key as text: `audit_<id>_<secret><check>`. */
import { type GeneratedKey, keyTexts } from '../../api-keys/key-text.ts'

const texts = keyTexts('audit', [''])

export const generateAuditorKey = (): GeneratedKey => texts.generate('')

/** The id that a key names, or undefined where the text is no auditor's key. */
export const auditorKeyIdOf = (text: string): string | undefined => texts.parse(text)?.keyId
