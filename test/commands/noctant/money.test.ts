import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { currencyOf, minorUnits, openingBalance } from '../../../src/commands/noctant/money.ts'
import { Rejected, type RejectionCode } from '../../../src/commands/noctant/rejection.ts'

function codeOf(work: () => unknown): RejectionCode | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof Rejected) return error.code
    throw error
  }
}

describe('currencies', () => {
  it('are read in any case and written in upper case', () => {
    expect(['usd', 'Eur', 'JPY'].map(currencyOf)).toStrictEqual(['USD', 'EUR', 'JPY'])
  })

  it.each(['', 'US', 'USDT', 'ZZZ', '123', 'U D', '$'])('do not include %j', (text) => {
    expect(codeOf(() => currencyOf(text))).toBe('invalid_currency')
  })

  it('have the minor units that ISO 4217 gives them, not those that a locale shows', () => {
    const units = { USD: 2, EUR: 2, JPY: 0, KRW: 0, KWD: 3, BHD: 3, IQD: 3, CLF: 4, UYW: 4, RSD: 2, PKR: 2, LBP: 2 }
    const seen = Object.fromEntries(Object.keys(units).map((code) => [code, minorUnits(code)]))
    expect(seen).toStrictEqual(units)
  })
})

describe('an opening balance', () => {
  it.each([
    ['100000', 'USD', '100000.00'],
    ['0.01', 'USD', '0.01'],
    ['2500.50000', 'EUR', '2500.50'],
    ['5000', 'JPY', '5000'],
    ['1e5', 'USD', '100000.00'],
    ['1.5', 'KWD', '1.500'],
    ['999999999999', 'USD', '999999999999.00'],
    ['99999999999.99', 'USD', '99999999999.99'],
  ])('of %s %s is written %s', (text, currency, written) => {
    expect(openingBalance(text, currency)).toBe(written)
  })

  it.each([
    ['0', 'USD'],
    ['0.00', 'USD'],
    ['-0', 'USD'],
    ['-1', 'USD'],
    ['0.001', 'USD'],
    ['0.5', 'JPY'],
    ['1.0005', 'KWD'],
    ['999999999999.01', 'USD'],
    ['1000000000000', 'USD'],
    ['1e400', 'USD'],
    ['1e-3', 'USD'],
    ['0x10', 'USD'],
    [' 5', 'USD'],
    ['NaN', 'USD'],
    ['Infinity', 'USD'],
    ['ten', 'USD'],
    ['', 'USD'],
  ])('of %j %s is refused', (text, currency) => {
    expect(codeOf(() => openingBalance(text, currency))).toBe('invalid_amount')
  })

  it('is exact for every amount of cents', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 99_999_999_999_900n }), (cents) => {
        const written = `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`
        expect(openingBalance(written, 'USD')).toBe(written)
      }),
    )
  })
})
