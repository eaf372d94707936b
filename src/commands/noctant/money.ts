/** Amounts and currencies: decimal strings, ISO 4217 codes with their minor units. */
import { Decimal } from 'decimal.js'
import { Rejected } from './rejection.ts'

/** Amounts up to 30 digits and back without rounding. */
export const Exact = Decimal.clone({ precision: 60, toExpNeg: -100, toExpPos: 100 })

/** What an amount may look like; 40 digits bound the work of reading it. */
const DECIMAL = /^[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?$/

/** The largest amount of any kind: 12 digits before the point. */
const MAX_AMOUNT = new Exact('999999999999')

/**
 * The currencies in use by ISO 4217 (list one), without funds codes, metals and test codes. Intl's list is none of it:
 * it also has what is history, and follows the runtime's version.
 */
const known = new Set(
  `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP
  CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
  ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
  MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
  SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYI UYU UYW UZS
  VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG`.split(/\s+/),
)

export const isCurrency = (code: string): boolean => known.has(code)

/** The ISO 4217 code in upper case. Rejects with invalid_currency. */
export function currencyOf(text: string): string {
  const code = text.toUpperCase()
  if (!isCurrency(code)) throw new Rejected('invalid_currency', `${text} is no ISO 4217 currency code.`, '/currency')
  return code
}

/** Rejects with invalid_currency where the engine keeps no accounts in it, since it would refuse the account for ever. */
export function requireKept(currency: string, kept: readonly string[]): void {
  if (kept.includes(currency)) return
  const detail = `No accounts are kept in ${currency}; the engine trades ${kept.join(', ')}.`
  throw new Rejected('invalid_currency', detail, '/currency')
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
  return amountOf(text, currency, { name: 'initial balance', pointer: '/initial_balance', signed: false })
}

/** An amount to be paid or taken, positive, in the currency's own digits. Rejects with invalid_amount. */
export const positiveAmount = (text: string, currency: string): string =>
  amountOf(text, currency, { name: 'amount', pointer: '/amount', signed: false })

/** An amount to be added, positive or negative but not zero, in the currency's own digits. Rejects with invalid_amount. */
export const signedAmount = (text: string, currency: string): string =>
  amountOf(text, currency, { name: 'amount', pointer: '/amount', signed: true })

function amountOf(text: string, currency: string, of: { name: string; pointer: string; signed: boolean }): string {
  const refused = (detail: string) => new Rejected('invalid_amount', detail, of.pointer)
  if (!DECIMAL.test(text)) throw refused(`The ${of.name} must be a decimal number.`)
  const amount = new Exact(text)
  const digits = minorUnits(currency)
  if (amount.isZero() && of.signed) throw refused(`The ${of.name} must not be zero.`)
  if (!of.signed && (!amount.isPositive() || amount.isZero())) throw refused(`The ${of.name} must be positive.`)
  if (amount.abs().greaterThan(MAX_AMOUNT)) throw refused(`The ${of.name} is above ${MAX_AMOUNT}.`)
  if (amount.decimalPlaces() > digits) throw refused(`${currency} has at most ${digits} decimals.`)
  return amount.toFixed(digits)
}
