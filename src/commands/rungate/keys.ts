/**
 * Agents' keys and admin tokens as text: `rg_sk_<id><secret><check>` and `rg_adm_<id><secret><check>`. The kernel's form has
 * one more line before the secret, which is left out in what callers see and put back before it is read.
 */
import { keyTexts } from '../../api-keys/key-text.ts'
import type { KeyFacts } from '../../events/rungate/vocabulary.ts'

const texts = keyTexts('rg', ['sk', 'adm'])
export type KeySort = 'sk' | 'adm'

const WITH_LINE = /^(rg_(?:sk|adm)_[0-9A-Za-z]{17})_/
const WITHOUT_LINE = /^(rg_(?:sk|adm)_[0-9A-Za-z]{17})(?=[0-9A-Za-z]{49}$)/
/** Characters by which people tell keys apart. */
const PREFIX_LENGTH = 11

/** A new key: its text, to be shown once, and what is kept of it. `random` gives so many unpredictable bytes. */
export function generateKey(
  sort: KeySort,
  random?: (bytes: number) => Uint8Array,
): { secret: string; facts: KeyFacts } {
  const { key, keyId: textId, keyHash } = texts.generate(sort, random)
  const secret = key.replace(WITH_LINE, '$1')
  return { secret, facts: { textId, keyHash, keyPrefix: secret.slice(0, PREFIX_LENGTH) } }
}

/** The text in the form that is hashed; undefined where it is no key of this sort. */
export function hashedForm(sort: KeySort, text: string): string | undefined {
  const lined = text.replace(WITHOUT_LINE, '$1_')
  return lined !== text && texts.parse(lined)?.environment === sort ? lined : undefined
}

/** The id in a text of that form. */
export const textIdOf = (lined: string): string | undefined => texts.parse(lined)?.keyId
