/**
 * Amounts in USD as whole numbers of 10^-24, so that sums and comparisons are exact and take nanoseconds. A price has at most
 * twelve places and is for a million tokens, so every cost fits.
 */

const PLACES = 24
/** Of ten, up to that of a unit. */
const POWERS = Array.from({ length: PLACES + 1 }, (_, exponent) => 10n ** BigInt(exponent))
const UNIT = POWERS[PLACES]!

/** Of decimal text; places beyond the 24th count up, so that nothing is ever less than it was. */
export function unitsOf(text: string): bigint {
  const point = text.indexOf('.')
  if (point < 0) return BigInt(text) * UNIT
  const fraction = text.slice(point + 1)
  const missing = POWERS[PLACES - fraction.length]
  if (missing !== undefined) return BigInt(text.slice(0, point) + fraction) * missing
  const kept = BigInt(text.slice(0, point) + fraction.slice(0, PLACES))
  return /[1-9]/.test(fraction.slice(PLACES)) ? kept + 1n : kept
}

/** Of a limit: places beyond the 24th do not count, so that it is never more than it was. */
export function limitOf(text: string): bigint {
  const point = text.indexOf('.')
  return unitsOf(point < 0 ? text : text.slice(0, point + 1 + PLACES))
}

/** Plain decimal text without trailing zeros; negative amounts are 0. */
export function usdOf(units: bigint): string {
  if (units <= 0n) return '0'
  const digits = units.toString().padStart(PLACES + 1, '0')
  const point = digits.length - PLACES
  let end = digits.length
  while (end > point && digits[end - 1] === '0') end--
  const whole = digits.slice(0, point)
  return end === point ? whole : `${whole}.${digits.slice(point, end)}`
}
