import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTimeZone, tradingDayOf } from '../../../src/commands/noctant/trading-day.ts'

const newYork = { timeZone: 'America/New_York', time: '17:00' }
const hours = (day: { startsAt: string; endsAt: string }) =>
  (Date.parse(day.endsAt) - Date.parse(day.startsAt)) / 3_600_000

describe('a trading day', () => {
  it.each([
    // The clocks of New York go forward on 8 March 2026 and back on 1 November 2026.
    ['in winter', newYork, '2026-01-15T12:00:00.000Z', '2026-01-14T22:00:00.000Z', '2026-01-15T22:00:00.000Z'],
    ['in summer', newYork, '2026-07-15T12:00:00.000Z', '2026-07-14T21:00:00.000Z', '2026-07-15T21:00:00.000Z'],
    [
      'right on the boundary',
      newYork,
      '2026-07-15T21:00:00.000Z',
      '2026-07-15T21:00:00.000Z',
      '2026-07-16T21:00:00.000Z',
    ],
    [
      'a millisecond before',
      newYork,
      '2026-07-15T20:59:59.999Z',
      '2026-07-14T21:00:00.000Z',
      '2026-07-15T21:00:00.000Z',
    ],
    ['that loses an hour', newYork, '2026-03-08T12:00:00.000Z', '2026-03-07T22:00:00.000Z', '2026-03-08T21:00:00.000Z'],
    ['that gains an hour', newYork, '2026-11-01T12:00:00.000Z', '2026-10-31T21:00:00.000Z', '2026-11-01T22:00:00.000Z'],
    [
      'whose boundary the clocks skip',
      { timeZone: 'Europe/Prague', time: '02:30' },
      '2026-03-29T12:00:00.000Z',
      '2026-03-29T01:30:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ],
    [
      'whose boundary comes twice',
      { timeZone: 'Europe/Prague', time: '02:30' },
      '2026-10-25T12:00:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ],
    [
      'between the two times of its boundary',
      { timeZone: 'Europe/Prague', time: '02:30' },
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ],
    [
      'at midnight, where midnight is skipped',
      { timeZone: 'Africa/Cairo', time: '00:00' },
      '2026-04-24T12:00:00.000Z',
      '2026-04-23T22:00:00.000Z',
      '2026-04-24T21:00:00.000Z',
    ],
    [
      'with an offset of quarter hours',
      { timeZone: 'Asia/Kathmandu', time: '00:00' },
      '2026-01-15T12:00:00.000Z',
      '2026-01-14T18:15:00.000Z',
      '2026-01-15T18:15:00.000Z',
    ],
  ])('%s', (_, boundary, at, startsAt, endsAt) => {
    expect(tradingDayOf(at, boundary)).toStrictEqual({ startsAt, endsAt })
  })

  it('holds the instant that it was asked for, lasts 23 to 25 hours, and ends where the next begins', () => {
    const zones = ['America/New_York', 'Europe/Prague', 'Australia/Lord_Howe', 'Asia/Tokyo', 'UTC', 'America/St_Johns']
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }),
        fc.constantFrom(...zones),
        fc.integer({ min: 0, max: 23 }),
        fc.constantFrom('00', '15', '30'),
        (date, timeZone, hour, minute) => {
          const boundary = { timeZone, time: `${String(hour).padStart(2, '0')}:${minute}` }
          const day = tradingDayOf(date.toISOString(), boundary)
          expect(Date.parse(day.startsAt)).toBeLessThanOrEqual(date.getTime())
          expect(Date.parse(day.endsAt)).toBeGreaterThan(date.getTime())
          expect(hours(day)).toBeGreaterThanOrEqual(23)
          expect(hours(day)).toBeLessThanOrEqual(25)
          expect(tradingDayOf(day.endsAt, boundary).startsAt).toBe(day.endsAt)
          expect(tradingDayOf(day.startsAt, boundary)).toStrictEqual(day)
        },
      ),
      { numRuns: 300 },
    )
  })
})

it.each([
  ['Europe/Prague', true],
  ['UTC', true],
  ['Middle/Earth', false],
  ['', false],
])('%s as a time zone: %s', (name, expected) => {
  expect(isTimeZone(name)).toBe(expected)
})
