/**
 * Ids that sort by time, with a prefix that says what they name: `job_01KB5N…`. The 26 characters are a ULID
 * (github.com/ulid/spec): 48 bits of time in milliseconds and 80 bits that follow from a seed. The same moment and seed
 * make the same id, so no chance is needed where a command has an id of its own already.
 */
import { hash } from 'node:crypto'

/** Crockford's base 32: no I, L, O and U. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** Of a ULID, and of its parts. */
const LENGTH = 26
const SEED_BITS = 80n
const SEQUENCE_BITS = 32n

/**
 * `at` is RFC 3339, `seed` differs for any two ids of one prefix and moment. Ids of one moment that have a `sequence`
 * (from 0, below 2^32) sort by it.
 */
export function prefixedId(prefix: string, at: string, seed: string, sequence?: number): string {
  const digest = BigInt(`0x${hash('sha256', `${prefix} ${seed}`).slice(0, 20)}`)
  const rest = SEED_BITS - SEQUENCE_BITS
  const low = sequence === undefined ? digest : (BigInt(sequence) << rest) | (digest & ((1n << rest) - 1n))
  return written(prefix, (BigInt(Date.parse(at)) << SEED_BITS) | low)
}

function written(prefix: string, bits: bigint): string {
  let value = bits
  let digits = ''
  for (let left = LENGTH; left > 0; left--, value >>= 5n) digits = DIGITS[Number(value & 31n)] + digits
  return `${prefix}_${digits}`
}

/** The 128 bits of a UUID in this form, which sorts by nothing; `uuidOfPrefixed` reads it. */
export const prefixedUuid = (prefix: string, uuid: string): string =>
  written(prefix, BigInt(`0x${uuid.replaceAll('-', '')}`))

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/** Whether the text is such an id of this prefix. */
export const isPrefixedId = (prefix: string, text: string): boolean =>
  text.startsWith(`${prefix}_`) && ULID.test(text.slice(prefix.length + 1))

/** The 128 bits of such an id as a UUID, for what is kept by UUIDs; undefined where the text is no such id. */
export function uuidOfPrefixed(text: string): string | undefined {
  const ulid = text.slice(text.lastIndexOf('_') + 1)
  if (ulid === text || !ULID.test(ulid)) return undefined
  let value = 0n
  for (const digit of ulid) value = (value << 5n) | BigInt(DIGITS.indexOf(digit))
  return value
    .toString(16)
    .padStart(32, '0')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
