import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { giveBack, type Lot, lotOf, monthsLater, sumOf, take, withLots } from '../../../src/commands/firsthand/lots.ts'
import { day } from './story.ts'

const kind = fc.constantFrom('purchase' as const, 'bonus' as const, 'free_tier' as const)
const lot: fc.Arbitrary<Lot> = fc.record({
  lotId: fc.integer({ min: 0, max: 999 }).map((n) => `crtx_${String(n).padStart(3, '0')}`),
  kind,
  endsAt: fc.integer({ min: 1, max: 400 }).map(day),
  remaining: fc.bigInt({ min: 1n, max: 10_000n }),
})
const lots = fc.uniqueArray(lot, { maxLength: 8, selector: ({ lotId }) => lotId }).map((made) => withLots([], made))
/** As a lot is after something was taken. */
const maybeEmpty = fc.tuple(lot, fc.boolean()).map(([of, isEmpty]) => (isEmpty ? { ...of, remaining: 0n } : of))
const total = (of: readonly Lot[]): bigint => of.reduce((sum, { remaining }) => sum + remaining, 0n)
/** Lots, and an amount that they hold. */
const holding = lots.chain((of) => fc.tuple(fc.constant(of), fc.bigInt({ min: 0n, max: total(of) })))

describe('lots', () => {
  it('are kept in the order of their ends, then of their age, and without empty ones', () => {
    fc.assert(
      fc.property(lots, fc.uniqueArray(maybeEmpty, { selector: ({ lotId }) => lotId }), (before, changed) => {
        const after = withLots(before, changed)
        expect(after.map(({ endsAt, lotId }) => `${endsAt} ${lotId}`)).toStrictEqual(
          after.map(({ endsAt, lotId }) => `${endsAt} ${lotId}`).toSorted(),
        )
        expect(after.every(({ remaining }) => remaining > 0n)).toBe(true)
      }),
    )
  })

  it('give exactly what is taken, from those that end first', () => {
    fc.assert(
      fc.property(holding, ([of, amount]) => {
        const parts = take(of, amount)
        expect(sumOf(parts)).toBe(amount)
        expect(total(withLots(of, parts.map(lotOf)))).toBe(total(of) - amount)
        expect(parts.map(({ lotId }) => lotId)).toStrictEqual(of.slice(0, parts.length).map(({ lotId }) => lotId))
        // Only the last of them may have something left.
        expect(parts.slice(0, -1).every(({ remainingCents }) => remainingCents === '0')).toBe(true)
      }),
    )
  })

  it('refuse to give more than they hold', () => {
    fc.assert(
      fc.property(lots, fc.bigInt({ min: 1n, max: 100n }), (of, more) => {
        expect(() => take(of, total(of) + more)).toThrow('lack')
      }),
    )
  })

  it('take back any part of what was taken, to the cent, the last that was taken first', () => {
    const back = holding.chain(([of, amount]) =>
      fc.tuple(fc.constant(of), fc.constant(amount), fc.bigInt({ min: 0n, max: amount })),
    )
    fc.assert(
      fc.property(back, ([of, amount, part]) => {
        const held = take(of, amount)
        const left = withLots(of, held.map(lotOf))
        const parts = giveBack(left, held, part, day(0))
        expect(sumOf(parts)).toBe(part)
        expect(total(withLots(left, parts.map(lotOf)))).toBe(total(of) - amount + part)
        const order = held.map(({ lotId }) => lotId).toReversed()
        expect(parts.map(({ lotId }) => lotId)).toStrictEqual(order.slice(0, parts.length))
        expect(() => giveBack(left, held, amount + 1n, day(0))).toThrow('more than was held')
      }),
    )
  })

  it('are good for 30 days at least once something came back', () => {
    fc.assert(
      fc.property(holding, fc.integer({ min: 0, max: 500 }), ([of, amount], days) => {
        const held = take(of, amount)
        const parts = giveBack(withLots(of, held.map(lotOf)), held, amount, day(days))
        for (const { lotId, endsAt } of parts) {
          const before = of.find((each) => each.lotId === lotId)!.endsAt
          expect(endsAt).toBe(before < day(days + 30) ? day(days + 30) : before)
        }
      }),
    )
  })
})

describe('months', () => {
  it.each([
    ['2026-03-02T09:00:00.000Z', 12, '2027-03-02T09:00:00.000Z'],
    ['2028-02-29T23:59:59.999Z', 12, '2029-02-28T23:59:59.999Z'],
    ['2027-02-28T00:00:00.000Z', 12, '2028-02-28T00:00:00.000Z'],
    ['2026-12-31T00:00:00.000Z', 2, '2027-02-28T00:00:00.000Z'],
    ['2026-01-31T12:00:00.000Z', 1, '2026-02-28T12:00:00.000Z'],
  ])('%s and %i months are %s', (from, months, to) => expect(monthsLater(from, months)).toBe(to))
})
