/** Amounts and currencies: decimal strings, ISO 4217 codes with their minor units. */
import { Decimal } from 'decimal.js'
import { Rejected } from '../rejection.ts'

/** Amounts up to 30 digits and back without rounding. */
const Exact = Decimal.clone({ precision: 60, toExpNeg: -100, toExpPos: 100 })

/** What an amount may look like; 40 digits bound the work of reading it. */
const DECIMAL = /^[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?$/

/** The largest opening balance: 12 digits before the point. */
const MAX_OPENING_BALANCE = new Exact('999999999999')

const known = new Set(Intl.supportedValuesOf('currency'))

/** The ISO 4217 code in upper case. Rejects with invalid_currency. */
export function currencyOf(text: string): string {
  const code = text.toUpperCase()
  if (!known.has(code)) throw new Rejected('invalid_currency', `${text} is no ISO 4217 currency code.`, '/currency')
  return code
}

/**
 * Currencies whose minor unit is not a hundredth, by ISO 4217. Intl is no source for this: it says what a locale shows
 * (none for IQD or PKR), and it changes with the runtime, while a recorded amount does not.
 */
const unusualMinorUnits = new Map(
  Object.entries({
    0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
    3: 'BHD IQD JOD KWD LYD OMR TND',
    4: 'CLF UYW',
  }).flatMap(([digits, codes]) => codes.split(' ').map((code) => [code, Number(digits)] as const)),
)

/** Digits after the point, by ISO 4217: 2 for EUR, 0 for JPY, 3 for KWD. */
export const minorUnits = (currency: string): number => unusualMinorUnits.get(currency) ?? 2

/**
 * An opening balance in the currency's own digits: positive, exact, `"100000"` → `"100000.00"`.
 * Rejects with invalid_amount.
 */
export function openingBalance(text: string, currency: string): string {
  if (!DECIMAL.test(text)) {
    throw new Rejected('invalid_amount', 'The initial balance must be a decimal number.', '/initial_balance')
  }
  const amount = new Exact(text)
  const digits = minorUnits(currency)
  if (!amount.isPositive() || amount.isZero()) {
    throw new Rejected('invalid_amount', 'The initial balance must be positive.', '/initial_balance')
  }
  if (amount.greaterThan(MAX_OPENING_BALANCE)) {
    throw new Rejected('invalid_amount', `The initial balance is above ${MAX_OPENING_BALANCE}.`, '/initial_balance')
  }
  if (amount.decimalPlaces() > digits) {
    throw new Rejected('invalid_amount', `${currency} has at most ${digits} decimals.`, '/initial_balance')
  }
  return amount.toFixed(digits)
}
