/** What every contract's requests are made of, at the edges of what is taken. */
import { describe, expect, it } from 'vitest'
import { boundedText, externalId, text, timeInput } from '../../src/http/schemas.ts'

describe('a text with a bound', () => {
  const smile = '😀'

  it.each([
    ['the document shows', text(3)],
    ['the document does not show', boundedText(3)],
  ])('counts characters where %s it', (_, schema) => {
    expect(schema.safeParse('abc').success).toBe(true)
    expect(schema.safeParse('abcd').success).toBe(false)
    expect(schema.safeParse(smile.repeat(3)).success).toBe(true)
    expect(schema.safeParse(smile.repeat(4)).success).toBe(false)
    expect(schema.safeParse(`${smile}abc`).success).toBe(false)
  })

  it('has 1 to 255 characters where it is an id that the caller has chosen', () => {
    expect(externalId.safeParse(smile.repeat(255)).success).toBe(true)
    expect(externalId.safeParse(smile.repeat(256)).success).toBe(false)
    expect(externalId.safeParse('').success).toBe(false)
  })
})

describe('a point in time from outside', () => {
  it('is UTC with milliseconds from here on', () => {
    expect(timeInput.parse('2026-01-01T00:00:00Z')).toBe('2026-01-01T00:00:00.000Z')
    expect(timeInput.parse('2026-01-01T00:00:00.1234+02:00')).toBe('2025-12-31T22:00:00.123Z')
  })

  it('may have small letters, and be a leap second', () => {
    expect(timeInput.parse('2026-01-01t00:00:00z')).toBe('2026-01-01T00:00:00.000Z')
    expect(timeInput.parse('2016-12-31T23:59:60.5Z')).toBe('2017-01-01T00:00:00.500Z')
    expect(timeInput.parse('1990-12-31T15:59:60-08:00')).toBe('1991-01-01T00:00:00.000Z')
  })

  it.each([
    'today',
    '2026-01-01',
    '2026-01-01T00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T23:59:60Z',
    '2016-12-31T23:58:60Z',
    '2016-12-31T23:59:61Z',
    '2026-01-01T00:00:00+24:00',
  ])('is none where the text is %s', (text) =>
    expect(complaints(text)).toStrictEqual(['must be a date and time such as 2026-03-02T09:00:00Z']),
  )

  it.each(['0000-06-01T00:00:00Z', '0001-01-01T00:00:00+02:00', '9999-12-31T23:59:59-05:00'])(
    'is out of range where its year in UTC has no four digits: %s',
    (text) => expect(complaints(text)).toStrictEqual(['is out of range']),
  )

  const complaints = (text: string) => timeInput.safeParse(text).error?.issues.map(({ message }) => message)
})
