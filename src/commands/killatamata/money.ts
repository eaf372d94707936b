/** Dollars in millionths, and in the forms in which callers see them. No amount is ever a double. */

export const MICROS_PER_CENT = 10_000n
export const MICROS_PER_DOLLAR = 1_000_000n
/** The largest whole number that JSON's readers hold exactly: no balance grows beyond it. */
export const BALANCE_MAX_MICROS = 9_007_199_254_740_991n

const PLACES = 6

/** Dollars with six decimals: `12.340000`. The amount is not negative. */
export function usdText(micros: bigint): string {
  const fraction = String(micros % MICROS_PER_DOLLAR).padStart(PLACES, '0')
  return `${micros / MICROS_PER_DOLLAR}.${fraction}`
}

export const microsOfCents = (cents: bigint): bigint => cents * MICROS_PER_CENT

/** As a number of JSON. Balances stay within what one holds. */
export function numberOf(micros: bigint): number {
  if (micros > BALANCE_MAX_MICROS) throw new Error(`${micros} is beyond what a number holds`)
  return Number(micros)
}
