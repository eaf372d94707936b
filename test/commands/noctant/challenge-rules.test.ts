import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  beginStep,
  breachOf,
  drawdownAnchor,
  follow,
  profitOf,
  reachedBy,
  rollDay,
  stepOf,
} from '../../../src/commands/noctant/challenge-rules.ts'
import type { ChallengeMeasures } from '../../../src/events/noctant/challenge.ts'
import type { EngineEvent } from '../../../src/events/noctant/engine.ts'
import type { TemplateStep, TemplateTerms } from '../../../src/events/noctant/template.ts'
import { exampleTerms } from '../../support/examples/challenge.ts'
import { engineLog } from '../../support/examples/engine-log.ts'
import { uuidOf } from '../../support/examples.ts'

/** Noon in New York, in winter: the trading day began at 22:00Z the evening before. */
const noon = (day: number, second = 0) => new Date(Date.UTC(2026, 0, 4 + day, 17, 0, second)).toISOString()
const termsWith = (change: Partial<TemplateStep>): TemplateTerms => {
  const [first] = exampleTerms.steps
  return { ...exampleTerms, steps: [{ ...first!, minimumTradingDays: 0, ...change }] }
}
const begin = (terms: TemplateTerms) => beginStep(terms, 1, terms.initialBalance, noon(1))
const log = () => engineLog(uuidOf('rules'))

/** The measures after these events, each with its day closed before it where that is over. */
const measured = (terms: TemplateTerms, ...events: EngineEvent[]): ChallengeMeasures =>
  events.reduce(
    (measures, event) => follow(rollDay(measures, event.data.occurredAt, terms), event, terms),
    begin(terms),
  )

describe('the daily loss', () => {
  const terms = termsWith({ maximumDailyLoss: { kind: 'percent', value: '5' }, maximumDrawdown: null })

  it('is broken by the cent below its floor, not on it', () => {
    expect(breachOf(measured(terms, log().marked(noon(1, 1), '100000.00', '95000.00', true)), terms)).toBeUndefined()
    expect(breachOf(measured(terms, log().marked(noon(1, 1), '100000.00', '94999.99', true)), terms)).toStrictEqual({
      rule: 'maximum_daily_loss',
      limit: { kind: 'percent', value: '5' },
      limitAmount: '5000.00',
      anchor: '100000.00',
      floor: '95000.00',
      equity: '94999.99',
      engineSequence: 1,
    })
  })

  it('hangs from the equity that the day began with, open positions among it', () => {
    const { marked } = log()
    const events = [marked(noon(1, 1), '100000.00', '103000.00', true), marked(noon(2), '100000.00', '98000.00', true)]
    const measures = measured(terms, ...events)
    expect(measures.day).toMatchObject({ startEquity: '103000.00', startsAt: '2026-01-05T22:00:00.000Z' })
    expect(breachOf(measures, terms)).toBeUndefined()
    const next = follow(measures, marked(noon(2, 1), '100000.00', '97999.99', true), terms)
    expect(breachOf(next, terms)).toMatchObject({ anchor: '103000.00', floor: '98000.00' })
  })

  it('is that of the initial balance, whatever the day began with', () => {
    const { changed, marked } = log()
    const grown = [
      changed(noon(1, 1), '100000', '200000.00'),
      marked(noon(1, 1), '200000.00'),
      marked(noon(2), '195000.00'),
    ]
    expect(breachOf(measured(terms, ...grown), terms)).toBeUndefined()
    expect(breachOf(measured(terms, ...grown, marked(noon(2, 1), '194999.99')), terms)).toMatchObject({
      floor: '195000.00',
    })
  })

  it('takes amounts as they are', () => {
    const amount = termsWith({ maximumDailyLoss: { kind: 'amount', value: '0.01' }, maximumDrawdown: null })
    expect(breachOf(measured(amount, log().marked(noon(1, 1), '99999.98')), amount)).toMatchObject({
      floor: '99999.99',
    })
  })
})

describe('the drawdown', () => {
  const limit = { kind: 'percent', value: '10' } as const
  const only = (mode: 'static' | 'trailing_intraday' | 'trailing_end_of_day') =>
    termsWith({ maximumDailyLoss: null, maximumDrawdown: { ...limit, mode } })
  const story = (last: string) => {
    const { marked } = log()
    return [
      marked(noon(1, 1), '100000.00', '108000.00', true),
      marked(noon(1, 2), '100000.00', '104000.00', true),
      marked(noon(2), '100000.00', last, true),
    ]
  }

  it.each([
    ['static', '90000.00'],
    ['trailing_intraday', '98000.00'],
    ['trailing_end_of_day', '94000.00'],
  ] as const)('%s has its floor at %s', (mode, floor) => {
    const terms = only(mode)
    const below = (Number(floor) - 0.01).toFixed(2)
    expect(breachOf(measured(terms, ...story(floor)), terms)).toBeUndefined()
    expect(breachOf(measured(terms, ...story(below)), terms)).toMatchObject({
      rule: 'maximum_drawdown',
      floor,
      equity: below,
    })
  })

  it('at the end of days does not move before the first day is over, nor down after a bad one', () => {
    const terms = only('trailing_end_of_day')
    const { marked } = log()
    const first = measured(terms, marked(noon(1, 1), '100000.00', '108000.00', true))
    expect(drawdownAnchor(first, stepOf(terms, 1), terms)).toBe('100000.00')
    const bad = measured(terms, ...story('95000.00'), engineLog(uuidOf('rules'), 3).marked(noon(3), '96000.00'))
    expect(drawdownAnchor(bad, stepOf(terms, 1), terms)).toBe('104000.00')
  })

  it('comes after the daily loss where both are broken', () => {
    const terms = termsWith({ maximumDailyLoss: limit, maximumDrawdown: { ...limit, mode: 'static' } })
    expect(breachOf(measured(terms, log().marked(noon(1, 1), '1.00')), terms)?.rule).toBe('maximum_daily_loss')
  })

  it('trails as an independent count in cents does, in any order of marks and days', () => {
    const cents = (amount: number) => (amount / 100).toFixed(2)
    const mark = fc.record({ equity: fc.integer({ min: 8_500_000, max: 12_000_000 }), nextDay: fc.boolean() })
    fc.assert(
      fc.property(fc.array(mark, { minLength: 1, maxLength: 30 }), (marks) => {
        const { marked } = log()
        let [day, last, peak, peakEod] = [1, 10_000_000, 10_000_000, 10_000_000]
        const events = marks.map(({ equity, nextDay }, index) => {
          if (nextDay) {
            day += 1
            peakEod = Math.max(peakEod, last)
          }
          last = equity
          peak = Math.max(peak, equity)
          return marked(noon(day, index), '100000.00', cents(equity), true)
        })
        for (const [mode, top] of [
          ['trailing_intraday', peak],
          ['trailing_end_of_day', peakEod],
        ] as const) {
          const terms = only(mode)
          const breach = breachOf(measured(terms, ...events), terms)
          expect(breach?.floor).toBe(last < top - 1_000_000 ? cents(top - 1_000_000) : undefined)
        }
      }),
    )
  })
})

describe('money that was not traded for', () => {
  const terms = termsWith({
    maximumDailyLoss: { kind: 'amount', value: '1000' },
    maximumDrawdown: { kind: 'amount', value: '2000', mode: 'trailing_intraday' },
    profitTarget: { kind: 'amount', value: '500' },
  })

  it.each(['correction', 'payout'] as const)('by a %s breaks no rule', (cause) => {
    const { changed, marked } = log()
    const taken = measured(terms, changed(noon(1, 1), '-5000.00', '95000.00', cause), marked(noon(1, 1), '95000.00'))
    expect(breachOf(taken, terms)).toBeUndefined()
    expect(taken).toMatchObject({ totalPnl: '0.00', dailyPnl: '0.00', peakEquity: '95000.00' })
    expect(profitOf(taken, terms)).toBe('0.00')
  })

  it('by a correction reaches no target', () => {
    const { changed, marked } = log()
    const given = measured(
      terms,
      changed(noon(1, 1), '600.00', '100600.00', 'correction'),
      marked(noon(1, 1), '100600.00'),
    )
    expect(reachedBy(given, terms)).toBeUndefined()
  })

  it('leaves a static floor where it was when profit is paid out', () => {
    const fixed = termsWith({
      maximumDailyLoss: null,
      maximumDrawdown: { kind: 'amount', value: '2000', mode: 'static' },
    })
    const { changed, marked } = log()
    const story = [changed(noon(1, 1), '3000.00', '103000.00'), marked(noon(1, 1), '103000.00')]
    const paid = measured(
      fixed,
      ...story,
      changed(noon(1, 2), '-3000.00', '100000.00', 'payout'),
      marked(noon(1, 2), '97999.99'),
    )
    expect(breachOf(paid, fixed)).toMatchObject({ anchor: '100000.00', floor: '98000.00' })
    expect(profitOf(paid, fixed)).toBe('999.99')
  })
})

describe('the target', () => {
  const terms = termsWith({ minimumTradingDays: 2, minimumProfitableDays: 1 })
  const win = (from: ReturnType<typeof log>, day: number, change: string, balance: string, open = false) => [
    from.filled(noon(day)),
    from.changed(noon(day, 1), change, balance),
    from.marked(noon(day, 1), balance, balance, open),
  ]

  it('is reached with the days, on the closed balance, to the cent', () => {
    const one = log()
    const days = [...win(one, 1, '5000.00', '105000.00'), ...win(one, 2, '5000.00', '110000.00')]
    expect(reachedBy(measured(terms, ...days), terms)).toStrictEqual({
      target: { kind: 'percent', value: '10' },
      targetAmount: '10000.00',
      profit: '10000.00',
      tradingDays: 2,
      profitableDays: 1,
      minimumTradingDays: 2,
      minimumProfitableDays: 1,
    })
    const short = log()
    const almost = [...win(short, 1, '5000.00', '105000.00'), ...win(short, 2, '4999.99', '109999.99')]
    expect(reachedBy(measured(terms, ...almost), terms)).toBeUndefined()
  })

  it('waits for open positions, for trading days and for profitable ones', () => {
    const open = log()
    const held = [...win(open, 1, '5000.00', '105000.00'), ...win(open, 2, '5000.00', '110000.00', true)]
    expect(reachedBy(measured(terms, ...held), terms)).toBeUndefined()
    expect(reachedBy(measured(terms, ...win(log(), 1, '10000.00', '110000.00')), terms)).toBeUndefined()
    const late = log()
    const flatFirst = [...win(late, 1, '0.00', '100000.00'), ...win(late, 2, '10000.00', '110000.00')]
    const measures = measured(terms, ...flatFirst)
    expect(measures).toMatchObject({ tradingDays: 2, profitableDays: 0 })
    expect(reachedBy(measures, terms)).toBeUndefined()
    expect(reachedBy(rollDay(measures, noon(3), terms), terms)).toMatchObject({ profitableDays: 1 })
  })

  it('counts a day as profitable from the minimum on, and only where something was traded', () => {
    const minimum = termsWith({ profitableDayMinimum: '50.00' })
    const daysOf = (change: string) =>
      rollDay(
        measured(minimum, log().filled(noon(1)), engineLog(uuidOf('rules'), 1).changed(noon(1), change, '0')),
        noon(2),
        minimum,
      ).profitableDays
    expect([daysOf('49.99'), daysOf('50.00')]).toStrictEqual([0, 1])
    expect(
      rollDay(measured(minimum, log().changed(noon(1), '60.00', '0', 'swap')), noon(2), minimum).profitableDays,
    ).toBe(0)
  })

  it('is not there for a funded step', () => {
    const funded = termsWith({ kind: 'funded', profitTarget: null })
    expect(reachedBy(measured(funded, log().marked(noon(1, 1), '500000.00')), funded)).toBeUndefined()
  })
})

it('adds up a thousand tenths without losing one', () => {
  const terms = termsWith({})
  const { changed } = log()
  const events = Array.from({ length: 1_000 }, () => changed(noon(1, 1), '0.1', '0', 'commission'))
  expect(measured(terms, ...events).day.realized).toBe('100.00')
})
