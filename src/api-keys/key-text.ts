/**
 * Keys as text: `<prefix>_<id>_<secret><check>`. The id finds the key's record, the secret (256 bits) proves it, and the
 * check tells a mistyped key from a wrong one without a query. Only a hash of the whole text is ever stored.
 */
import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

export interface GeneratedKey {
  /** The key itself, to be shown once. */
  key: string
  keyId: string
  /** What is stored: see hashKey. */
  keyHash: string
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Random bytes: the id is found by chance as little as the secret is. They are part of the text’s form. */
const ID_BYTES = 12
const SECRET_BYTES = 32
/** Base62 digits of these bytes: ⌈bytes × 8 / log2(62)⌉. */
const ID_LENGTH = 17
const SECRET_LENGTH = 43
const CHECK_LENGTH = 6

const PATTERN = new RegExp(
  `^([a-z]+(?:_[a-z]+)*)_([0-9A-Za-z]{${ID_LENGTH}})_[0-9A-Za-z]{${SECRET_LENGTH + CHECK_LENGTH}}$`,
)

/** A new key. `random` gives unpredictable bytes. */
export function generateKey(prefix: string, random: (bytes: number) => Uint8Array = randomBytes): GeneratedKey {
  const keyId = base62(toInteger(random(ID_BYTES)), ID_LENGTH)
  const secret = base62(toInteger(random(SECRET_BYTES)), SECRET_LENGTH)
  const unchecked = `${prefix}_${keyId}_${secret}`
  const key = unchecked + check(unchecked)
  return { key, keyId, keyHash: hashKey(key) }
}

/** The prefix and id of a key; undefined where the form or the check is wrong. */
export function parseKey(text: string): { prefix: string; keyId: string } | undefined {
  const parts = PATTERN.exec(text)
  if (!parts) return undefined
  const unchecked = text.slice(0, -CHECK_LENGTH)
  if (check(unchecked) !== text.slice(-CHECK_LENGTH)) return undefined
  return { prefix: parts[1]!, keyId: parts[2]! }
}

/** SHA-256 of the whole key, hex. A fast hash is enough: the secret's 256 bits cannot be guessed. */
export const hashKey = (key: string): string => hash('sha256', key)

/** Base62 of a CRC-32, which is a number of 32 bits: every request comes through here. */
function check(text: string): string {
  let digits = ''
  for (let rest = crc32(text); rest > 0; rest = Math.floor(rest / 62)) digits = DIGITS[rest % 62] + digits
  return digits.padStart(CHECK_LENGTH, '0')
}

const toInteger = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)

function base62(value: bigint, length: number): string {
  let digits = ''
  for (let rest = value; rest > 0n; rest /= 62n) digits = DIGITS[Number(rest % 62n)] + digits
  return digits.padStart(length, '0')
}

/** A context's keys as text: how they are made, and what they say of themselves. */
export interface KeyTexts<Environment extends string> {
  /** A new key. `random` gives unpredictable bytes. */
  generate(environment: Environment, random?: (bytes: number) => Uint8Array): GeneratedKey
  /** Undefined where the text is not a key of this context. */
  parse(text: string): { environment: Environment; keyId: string } | undefined
}

/** Keys that begin with this prefix and one of the environments: `nct_sandbox_…`; `''` alone: with the prefix only. */
export function keyTexts<Environment extends string>(
  prefix: string,
  environments: readonly Environment[],
): KeyTexts<Environment> {
  const prefixOf = (environment: Environment) => (environment === '' ? prefix : `${prefix}_${environment}`)
  const byPrefix = new Map(environments.map((environment) => [prefixOf(environment), environment]))
  return {
    generate: (environment, random) => generateKey(prefixOf(environment), random),
    parse(text) {
      const parsed = parseKey(text)
      const environment = parsed && byPrefix.get(parsed.prefix)
      return environment === undefined ? undefined : { environment, keyId: parsed!.keyId }
    },
  }
}
