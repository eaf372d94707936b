/** Keys under which a request is answered once and for all, and what a request is known by. */
import { Problem } from '../../errors.ts'

/** Visible ASCII. */
const KEY = /^[\x21-\x7e]{1,255}$/

/** The key as it was sent. Throws a Problem (400) where it has no proper form. */
export function checkKey(key: string | undefined): string | undefined {
  if (key === undefined || KEY.test(key)) return key
  throw new Problem('parameter_invalid', 'An Idempotency-Key has 1 to 255 visible ASCII characters.')
}

/** Amounts in units as text, which digests can take. */
export const textsOf = (value: unknown): unknown => {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map(textsOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, textsOf(each)]))
}
