import { describe, expect, it } from 'vitest'
import { InexactNumber, MalformedJson, parseJson } from '../../src/http/json.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const limits = { depthMax: 64, tokensMax: 50_000 }
const parse = (text: string, depthMax = 64) => parseJson(bytes(text), { ...limits, depthMax })

function refusal(content: string | Uint8Array): { message: string; pointer: string | undefined } | undefined {
  try {
    parseJson(typeof content === 'string' ? bytes(content) : content, limits)
    return undefined
  } catch (error) {
    if (!(error instanceof MalformedJson)) throw error
    return { message: error.message, pointer: error.pointer }
  }
}

describe('parseJson', () => {
  it.each([
    '{"a":[1,{"b":null}],"c":"x","d":true}',
    '"text"',
    '[]',
    ' {\n} ',
    '{"a":{"x":1},"b":{"x":1}}',
    '[{"k":1},{"k":2}]',
  ])('reads %s as JSON.parse does', (text) => expect(parse(text)).toStrictEqual(JSON.parse(text)))

  it('takes a bounded number of values and marks, whatever they are and however long the text is', () => {
    const few = (text: string) => parseJson(bytes(text), { depthMax: 64, tokensMax: 9 })
    expect(few('[1,2,0.1,"x"]')).toStrictEqual([1, 2, 0.1, 'x'])
    for (const text of ['[1,2,3,4,5]', '{"a":1,"b":{}}', '["a","b","c",[]]', '[0.1,0.1,0.1,0.1,0.1]', ',,,,,,,,,,']) {
      expect(() => few(text)).toThrow('The body has more than 9 values and punctuation marks.')
    }
    expect(few(`"${'x'.repeat(100_000)}"`)).toHaveLength(100_000)
  })

  it('is not misled by braces, quotes and colons within text', () => {
    const value = { 'a{"b":': '}]{[,:"\\', 'c\\"': ['"', '\\\\', '{"c":1,"c":2}'] }
    expect(parse(JSON.stringify(value))).toStrictEqual(value)
  })

  it.each([
    ['a key that occurs twice', '{"a":1,"b":{"c":[0,{"d":1,"d":2}]}}', '/b/c/1/d'],
    ['a key that occurs twice in two spellings', '{"a":1,"\\u0061":2}', '/a'],
    ['a key that occurs twice with equal values', '{"a":1,"a":1}', '/a'],
    ['the key __proto__', '{"a":{"__proto__":{}}}', '/a/__proto__'],
    ['the key __proto__ in disguise', '{"\\u005f_proto__":{}}', '/__proto__'],
    ['NUL in a text', '{"a":["x","\\u0000"]}', '/a/1'],
    ['NUL in a key', '{"a\\u0000":1}', '/a\0'],
    ['a lone high surrogate', '{"a/b":"\\ud800"}', '/a~1b'],
    ['a lone low surrogate', '["\\udc00x"]', '/0'],
  ])('refuses %s, and says where', (_, text, pointer) => expect(refusal(text)?.pointer).toBe(pointer))

  it('takes a surrogate pair', () => expect(parse('"\\ud83d\\ude00"')).toBe('😀'))

  it.each([
    ['bytes that are not UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
    ['an overlong encoding', new Uint8Array([0x22, 0xc0, 0x80, 0x22])],
    ['a surrogate in UTF-8', new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a byte order mark', '\ufeff{}'],
    ['nothing', ''],
    ['two values', '{} {}'],
    ['an unfinished text', '{"a":"b'],
    ['an unknown escape', '"\\x41"'],
    ['a bare control character', '"a\u0001b"'],
    ['a trailing comma', '[1,]'],
    ['a comment', '[1 /* one */]'],
    ['NaN', '[NaN]'],
    ['a leading zero', '[01]'],
    ['a key without quotes', '{a:1}'],
  ])('refuses %s', (_, content) => expect(refusal(content)).toBeDefined())

  it('takes as many levels as allowed, and not one more', () => {
    const nested = (levels: number) => `${'[{"a":'.repeat(levels / 2)}1${'}]'.repeat(levels / 2)}`
    expect(parse(nested(64))).toBeDefined()
    expect(() => parse(nested(66))).toThrow(/deeper than 64/)
    expect(() => parse(`${'['.repeat(65)}${']'.repeat(65)}`)).toThrow(/deeper than 64/)
  })

  it.each([
    ['100,000 levels', '['.repeat(100_000)],
    ['a megabyte of quotes', '"'.repeat(1_000_001)],
    ['a megabyte of escaped quotes', `"${'\\"'.repeat(500_000)}`],
    ['a megabyte of backslashes', `"${'\\'.repeat(1_000_000)}`],
    ['a megabyte of digits', `[${'9'.repeat(1_000_000)},]`],
  ])('refuses %s in linear time', (_, text) => {
    const startedMs = performance.now()
    expect(refusal(text)).toBeDefined()
    expect(performance.now() - startedMs).toBeLessThan(2_000)
  })

  it.each([
    '0',
    '-0',
    '1',
    '0.1',
    '-12.50',
    '1e5',
    '1E+2',
    '9007199254740991',
    '9007199254740992',
    '0.30000000000000004',
  ])('reads the number %s, which a double holds, as a number', (text) => expect(parse(text)).toBe(Number(text)))

  // Seen to fail (row 32) with the rounded number passed on.
  it.each([
    '9007199254740993',
    '0.1000000000000000055511151231257827',
    '1e400',
    '123456789012345678901',
    '-9007199254740993',
  ])('keeps the number %s, which a double would round, as it was written', (text) => {
    const [number] = (parse(`{"a":[${text}]}`) as { a: InexactNumber[] }).a
    expect(number).toBeInstanceOf(InexactNumber)
    expect(number?.source).toBe(text)
  })
})
