import { describe, expect, test } from 'vitest'
import { NO_METADATA, parseStreamMetadata } from '../../../../src/embedded/eventstore/storage/stream-metadata.ts'

const parse = (text: string) => parseStreamMetadata(Buffer.from(text))

describe('metadata', () => {
  test('counts by its whole numbers; 0 and negative ones say nothing', () => {
    const expected = { ...NO_METADATA, maxCount: 2, maxAgeMs: 3000, truncateBefore: 4 }
    expect(parse('{"$maxCount":2,"$maxAge":3,"$tb":4,"mine":{"$tb":"x"}}')).toEqual(expected)
    expect(parse('{"$maxCount":0,"$maxAge":-3,"$tb":-1}')).toEqual(NO_METADATA)
  })

  test.each([
    ['a string', '{"$maxCount":"2"}'],
    ['a fraction', '{"$maxCount":2.5}'],
    ['a whole number written as a fraction', '{"$maxCount":2.0}'],
    ['a power of ten', '{"$maxCount":2e0}'],
    ['null', '{"$maxCount":null}'],
    ['an overflow', '{"$maxCount":9223372036854775808}'],
    ['an age that no time span holds', '{"$maxAge":9223372036854775807}'],
    ['a wrong kind beside it', '{"$maxCount":2,"$tb":"x"}'],
    ['a wrong cache control beside it', '{"$maxCount":2,"$cacheControl":"x"}'],
    ['an access list that is none', '{"$maxCount":2,"$acl":{"other":"x"}}'],
    ['a role that is no text', '{"$maxCount":2,"$acl":{"$r":[5]}}'],
    ['no JSON', '{"$maxCount":2'],
    ['no object', '[{"$maxCount":2}]'],
  ])('with %s says nothing at all', (_what, text) => {
    expect(parse(text)).toEqual(NO_METADATA)
  })

  test('marks a soft delete by exactly the largest number; the one before only hides everything', () => {
    expect(parse('{"$tb":9223372036854775807}').softDeleted).toBe(true)
    expect(parse('{"$tb":9223372036854775806}')).toMatchObject({ softDeleted: false, truncateBefore: 2 ** 63 })
  })
})
