/**
 * Amounts of requests in the units of the contracts, exactly or not at all: what has more places than the unit is refused
 * and never rounded. A wrong unit here is money lost.
 */

/** Places after the point of each kind of amount. */
export const PLACES = { price: 18, usdc: 6, leverage: 2, percent: 2, fee: 6 } as const

/** A longer text is no amount of anything. */
const LENGTH_MAX = 80
const DECIMAL = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/

/**
 * A decimal text as whole units of 10^-places; undefined: it is no such text, or has more places, be they zeros. The minus
 * is for whoever asks for it to refuse.
 */
export function unitsOf(text: string, places: number): bigint | undefined {
  if (text.length > LENGTH_MAX) return undefined
  const [, sign, whole = '', fraction = ''] = DECIMAL.exec(text) ?? []
  if (sign === undefined || fraction.length > places) return undefined
  const units = BigInt(whole + fraction.padEnd(places, '0'))
  return sign === '' ? units : -units
}

const NUMBER = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?$/

/** The text of a JSON number as whole units of 10^-places; undefined: it lies between two of them, or far beyond all. */
export function unitsOfNumber(text: string, places: number): bigint | undefined {
  if (text.length > LENGTH_MAX) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text) ?? []
  if (sign === undefined) return undefined
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return 0n
  // The power of ten of the last digit that counts, in units.
  const power = Number(exponent) - fraction.length + (digits.length - significant.length) + places
  if (power < 0 || power > LENGTH_MAX) return undefined
  const units = BigInt(significant) * 10n ** BigInt(power)
  return sign === '' ? units : -units
}

/** Whole units as a decimal text with all of its places: 1500000 of 6 → `1.500000`. */
export function decimalOf(units: bigint, places: number): string {
  const digits = String(units < 0n ? -units : units).padStart(places + 1, '0')
  return `${units < 0n ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`
}
