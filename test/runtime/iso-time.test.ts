import { expect, it } from 'vitest'
import { isoOf, msOf } from '../../src/runtime/iso-time.ts'

it('a time is written as JavaScript writes it, and read back, whichever was asked about before', () => {
  const times = [0, 1_772_442_000_000, 1_772_442_000_000, 1_772_442_000_001, 0]
  for (const ms of times) {
    expect(isoOf(ms)).toBe(new Date(ms).toISOString())
    expect(msOf(isoOf(ms))).toBe(ms)
  }
})

it('a text in another form is read, and changes nothing of how times are written', () => {
  expect(msOf('2026-03-02T09:00:00+01:00')).toBe(Date.UTC(2026, 2, 2, 8))
  expect(isoOf(Date.UTC(2026, 2, 2, 8))).toBe('2026-03-02T08:00:00.000Z')
  expect([msOf('no time'), msOf('no time')]).toEqual([Number.NaN, Number.NaN])
  expect(() => isoOf(Number.NaN)).toThrow(RangeError)
  expect(isoOf(7)).toBe('1970-01-01T00:00:00.007Z')
})
