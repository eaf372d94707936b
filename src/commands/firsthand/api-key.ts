/** A buyer's API keys as text: `fh_live_sk_<id>_<secret><check>`, and with `test` likewise. */
import { keyTexts } from '../../api-keys/key-text.ts'
import type { Environment } from '../../events/firsthand/vocabulary.ts'

const texts = keyTexts('fh', ['live_sk', 'test_sk'])

const HINT_LENGTH = 4

/** A new key: its text, to be shown once, and what is kept of it. `random` gives so many unpredictable bytes. */
export function generateApiKey(environment: Environment, random?: (bytes: number) => Uint8Array) {
  const { key: secret, keyId: textId, keyHash } = texts.generate(`${environment}_sk`, random)
  return { secret, textId, keyHash, hint: secret.slice(-HINT_LENGTH) }
}

/** The id that the text has in it, or undefined where it is no key of a buyer. */
export const textIdOf = (text: string): string | undefined => texts.parse(text)?.keyId

/** What stands before the secret. */
export const prefixOf = (environment: Environment, textId: string): string => `fh_${environment}_sk_${textId}`
