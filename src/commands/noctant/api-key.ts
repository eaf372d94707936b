/** An operator's API keys: `nct_<environment>_<id>_<secret><check>`. */
import { environment } from '../../events/noctant/vocabulary.ts'
import { type GeneratedKey, generateKey, hashKey, parseKey } from '../key-text.ts'

export type Environment = (typeof environment.options)[number]

const PREFIX = new RegExp(`^nct_(${environment.options.join('|')})$`)

/** A new key. `random` gives so many unpredictable bytes. */
export const generateApiKey = (of: Environment, random?: (bytes: number) => Uint8Array): GeneratedKey =>
  generateKey(`nct_${of}`, random)

/** What a key says of itself, or undefined where the text is no key of an operator's. */
export function parseApiKey(text: string): { environment: Environment; keyId: string } | undefined {
  const parsed = parseKey(text)
  const of = parsed && PREFIX.exec(parsed.prefix)?.[1]
  return of === undefined ? undefined : { environment: of as Environment, keyId: parsed!.keyId }
}

export const hashApiKey = hashKey
