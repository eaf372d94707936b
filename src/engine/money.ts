/**
 * Exact decimals. Amounts are kept to the digits of their currency and rounded half to even, once, at the moment they
 * are booked or shown; everything before that is computed with 40 significant digits. Strings never carry an exponent.
 */
import { Decimal as DecimalJs } from 'decimal.js'

export const Decimal = DecimalJs.clone({ precision: 40, rounding: DecimalJs.ROUND_HALF_EVEN })
export type Decimal = InstanceType<typeof Decimal>

const currencyDigits: Readonly<Record<string, number>> = {
  USD: 2,
  EUR: 2,
  GBP: 2,
  AUD: 2,
  CAD: 2,
  CHF: 2,
  JPY: 0,
}

/** The currencies that accounts can be kept in: those with a cross to every price (docs/engine.md). */
export const accountCurrencies: readonly string[] = Object.keys(currencyDigits)

/** Minor digits of a currency that accounts can be kept in; undefined for any other. */
export function digitsOf(currency: string): number | undefined {
  return Object.hasOwn(currencyDigits, currency) ? currencyDigits[currency] : undefined
}

function digitsKnown(currency: string): number {
  const digits = digitsOf(currency)
  if (digits === undefined) throw new RangeError(`no accounts are kept in ${currency}`)
  return digits
}

export function decimal(value: string | number | Decimal): Decimal {
  return new Decimal(value)
}

/** An amount rounded half to even to its currency's digits. */
export function roundMoney(amount: Decimal, currency: string): Decimal {
  return amount.toDecimalPlaces(digitsKnown(currency), Decimal.ROUND_HALF_EVEN).plus(0)
}

/** An amount as text with exactly its currency's digits: `1250.50`, `-3.00`, `110` (JPY). Never `-0.00`. */
export function moneyText(amount: Decimal, currency: string): string {
  const rounded = roundMoney(amount, currency)
  return (rounded.isZero() ? rounded.abs() : rounded).toFixed(digitsKnown(currency))
}

/** A price with at least the symbol's digits, and more only where they are not zero (averages have them). */
export function priceText(price: Decimal, priceDigits: number): string {
  return price.decimalPlaces() > priceDigits ? price.toFixed() : price.toFixed(priceDigits)
}

/** A plain decimal without trailing zeros: quantities, percentages. */
export function plainText(value: Decimal): string {
  return value.isZero() ? '0' : value.toFixed()
}

/** True where the amount has no more digits than its currency. */
export function fitsCurrency(amount: Decimal, currency: string): boolean {
  return amount.decimalPlaces() <= digitsKnown(currency)
}
