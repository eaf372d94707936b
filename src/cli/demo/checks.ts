/** What a run of the demo has checked, and what it found. */
import { Decimal } from 'decimal.js'

export interface Check {
  name: string
  expected: string
  seen: string
  ok: boolean
}

export interface Checklist {
  readonly checks: readonly Check[]
  /** The two are the same. Numbers and booleans are compared as they are, never rounded. */
  equal(name: string, seen: unknown, expected: unknown): void
  /** A check in words; `seen` is shown as it is. */
  holds(name: string, ok: boolean, expected: string, seen: unknown): void
}

/** Room for every digit of any sum of money here. */
const Exact = Decimal.clone({ precision: 60, toExpNeg: -100, toExpPos: 100 })
export const decimal = (text: string): Decimal => new Exact(text)

const PLAIN = /^-?\d+(\.\d+)?$/
/** True for a decimal as the API must write it: a string, no exponent. */
export const isPlainDecimal = (value: unknown): value is string => typeof value === 'string' && PLAIN.test(value)

/** A decimal by its value, `0.60` as `0.6`, to be compared as text; anything else is shown for what it is not. */
export const byValue = (value: unknown): string =>
  isPlainDecimal(value) ? decimal(value).toFixed() : `${JSON.stringify(value)}, no plain decimal`

export function createChecklist(): Checklist {
  const checks: Check[] = []
  const holds = (name: string, ok: boolean, expected: string, seen: unknown) => {
    checks.push({ name, expected, seen: shown(seen), ok })
  }
  return {
    checks,
    holds,
    equal: (name, seen, expected) => holds(name, Object.is(seen, expected), shown(expected), seen),
  }
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing'))
