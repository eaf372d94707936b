/** API keys as text: `kt_<id>_<secret><check>`. */
import { hashKey, keyTexts } from '../../api-keys/key-text.ts'
import type { KeyFacts } from '../../events/killatamata/vocabulary.ts'
import { prefixedId } from '../../runtime/ulid.ts'

const texts = keyTexts('kt', [''])

/** Characters by which people tell keys apart. */
const PREFIX_LENGTH = 11

/** A new key: its text, to be shown once, and what is kept of it. `random` gives so many unpredictable bytes. */
export function generateApiKey(at: string, random?: (bytes: number) => Uint8Array) {
  const { key: apiKey, keyId: textId, keyHash } = texts.generate('', random)
  const facts: Omit<KeyFacts, 'label'> = {
    ...{ keyId: prefixedId('key', at, textId), textId, keyHash },
    keyPrefix: apiKey.slice(0, PREFIX_LENGTH),
  }
  return { apiKey, facts }
}

/** What is kept of a key that there is already; undefined: the text is no key. */
export function keyFactsOf(apiKey: string, at: string): Omit<KeyFacts, 'label'> | undefined {
  const textId = textIdOf(apiKey)
  if (textId === undefined) return undefined
  const keyId = prefixedId('key', at, textId)
  return { keyId, textId, keyHash: hashKey(apiKey), keyPrefix: apiKey.slice(0, PREFIX_LENGTH) }
}

/** The id that the text has in it, or undefined where it is no key. */
export const textIdOf = (text: string): string | undefined => texts.parse(text)?.keyId
