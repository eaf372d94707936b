import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPrefixedId, prefixedId, uuidOfPrefixed } from '../../src/runtime/ulid.ts'

const time = fc.date({ min: new Date('2000-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
const isLess = (a: string, b: string) => a < b

test('an id has its prefix and 26 characters of Crockford’s base 32, and the same moment and seed make the same one', () => {
  fc.assert(
    fc.property(time, fc.string(), (at, seed) => {
      const id = prefixedId('job', at.toISOString(), seed)
      expect(id).toMatch(/^job_[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
      expect(isPrefixedId('job', id)).toBe(true)
      expect(prefixedId('job', at.toISOString(), seed)).toBe(id)
    }),
  )
})

test('the first ten characters are the time, as other programs read them', () => {
  // The example of the ULID specification: 01ARYZ6S41 is 1469918176385 ms.
  expect(prefixedId('x', new Date(1_469_918_176_385).toISOString(), 's').slice(2, 12)).toBe('01ARYZ6S41')
})

test('a later moment sorts behind an earlier one, and in one moment a greater sequence behind a smaller one', () => {
  fc.assert(
    fc.property(time, fc.nat(), fc.nat(), fc.string(), (at, a, b, seed) => {
      const next = new Date(at.getTime() + 1)
      expect(isLess(prefixedId('x', at.toISOString(), seed), prefixedId('x', next.toISOString(), seed))).toBe(true)
      const ids = [a, b].map((sequence) => prefixedId('x', at.toISOString(), `${seed}${sequence}`, sequence))
      expect(isLess(ids[0]!, ids[1]!)).toBe(a < b)
    }),
  )
})

test.each([
  '',
  'job_',
  'job_01ARYZ6S41',
  'job_81ARYZ6S410000000000000000',
  'job_01ARYZ6S41000000000000000I',
  'sub_01ARYZ6S410000000000000000',
])('%s is no id of a job', (text) => expect(isPrefixedId('job', text)).toBe(false))

test('an id has a UUID of the same bits, and a text that is no such id has none', () => {
  expect(uuidOfPrefixed('wkr_00000000000000000000000000')).toBe('00000000-0000-0000-0000-000000000000')
  expect(uuidOfPrefixed('wkr_7ZZZZZZZZZZZZZZZZZZZZZZZZZ')).toBe('ffffffff-ffff-ffff-ffff-ffffffffffff')
  // The time stands first: 1469918176385 is 0x01563DF36481.
  expect(uuidOfPrefixed('wkr_01ARYZ6S410000000000000000')).toBe('01563df3-6481-0000-0000-000000000000')
  for (const none of ['', 'wkr_', '01ARYZ6S410000000000000000', 'wkr_81ARYZ6S410000000000000000']) {
    expect(uuidOfPrefixed(none)).toBeUndefined()
  }
})
