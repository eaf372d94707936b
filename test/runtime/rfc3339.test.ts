import { describe, expect, it } from 'vitest'
import { parseMoment } from '../../src/audit/moment.ts'
import { readTime, timeMs } from '../../src/runtime/rfc3339.ts'

describe('a time', () => {
  it.each([
    ['2026-03-02T08:00:00Z', '2026-03-02T08:00:00.000Z'],
    ['2026-03-02t08:00:00.123456789z', '2026-03-02T08:00:00.123Z'],
    ['2026-03-02T08:00+01:00', '2026-03-02T07:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2017-01-01T00:59:60.5+01:00', '2017-01-01T00:00:00.500Z'],
  ])('%s is %s, for auditors too', (text, utc) => {
    expect(new Date(timeMs(text)).toISOString()).toBe(utc)
    expect(parseMoment(text)).toEqual({ time: new Date(utc) })
  })

  it.each(['2026-02-30T08:00:00Z', '2026-03-02T08:00:60Z', '2026-03-02 08:00:00Z', '2026-03-02T08:00:00', 'now', ''])(
    '"%s" is none',
    (text) => {
      expect(timeMs(text)).toBeNaN()
      expect(parseMoment(text)).toBeUndefined()
    },
  )

  it('of an auditor may be a day alone, which begins at its midnight', () => {
    expect(parseMoment('2026-03-02')).toEqual({ time: new Date('2026-03-02T00:00:00Z') })
    expect(parseMoment('2026-02-30')).toBeUndefined()
  })

  it.each([
    '2026-03-02T08:01:59.120Z',
    '1969-12-31T23:59:01.005Z',
    '0001-01-01T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
  ])('%s is read the same as with another digit behind it', (text) =>
    expect(readTime(text)).toEqual(readTime(text.replace('Z', '0Z'))),
  )
})
