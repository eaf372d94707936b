/** Amounts: exactly as they were written, or refused. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decimalOf, unitsOf, unitsOfNumber } from '../../../src/commands/ostium/decimals.ts'

describe('a decimal in text', () => {
  it.each([
    ['0', 2, 0n],
    ['-0.0', 2, 0n],
    ['5', 6, 5_000_000n],
    ['42500.00', 18, 42_500n * 10n ** 18n],
    ['0.000001', 6, 1n],
    ['-0.000001', 6, -1n],
    ['1.5', 2, 150n],
  ])('%s of %i places is %s', (text, places, units) => {
    expect(unitsOf(text, places)).toBe(units)
  })

  it.each([
    ['more places than there are', '1.505', 2],
    ['more places, though they are zeros', '1.500', 2],
    ['an exponent', '1e3', 6],
    ['a plus', '+1', 6],
    ['a space', ' 1', 6],
    ['a separator', '1,000', 6],
    ['a leading zero', '01', 6],
    ['no whole part', '.5', 6],
    ['no part behind the point', '1.', 6],
    ['other digits', '١', 6],
    ['hexadecimal', '0x1', 6],
    ['no number', 'NaN', 6],
    ['nothing', '', 6],
    ['more than 80 characters', `0.${'0'.repeat(80)}`, 18],
  ])('is refused with %s', (_why, text, places) => {
    expect(unitsOf(text, places)).toBeUndefined()
  })

  it('comes back as it was, with all its places', () => {
    const units = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n })
    fc.assert(
      fc.property(
        units,
        fc.constantFrom(2, 6, 18),
        (each, places) => unitsOf(decimalOf(each, places), places) === each,
      ),
    )
  })
})

describe('a JSON number', () => {
  it.each([
    ['0.29', 2, 29n],
    ['0.25', 2, 25n],
    ['100', 2, 10_000n],
    ['33.33', 2, 3_333n],
    ['0.000001', 6, 1n],
    ['1e-6', 6, 1n],
    ['2.5e1', 2, 2_500n],
    ['0.50', 2, 50n],
    ['0', 2, 0n],
    ['0e5', 2, 0n],
    ['-0.05', 2, -5n],
  ])('%s of %i places is %s', (text, places, units) => {
    expect(unitsOfNumber(text, places)).toBe(units)
  })

  it.each(['0.291', '1e-3', '0.2900000000000000000001', '1e300'])(
    '%s lies between two units, or beyond all',
    (text) => {
      expect(unitsOfNumber(text, 2)).toBeUndefined()
    },
  )

  it('is read by its digits, however a double would have it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10_000 }),
        (units) => unitsOfNumber(String(units / 100), 2) === BigInt(units),
      ),
    )
  })
})
