/** The tape takes what JSON.parse takes, says where it stands, and refuses what would cost time or be read in two ways. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTapeInSlices } from '../../../src/adapters/llm/json-tape.ts'
import { MalformedTape } from '../../../src/adapters/llm/json-tokens.ts'
import { type JsonValue, readValue } from '../../../src/adapters/llm/json-value.ts'
import { uncounted } from '../../../src/runtime/counted.ts'

const limits = { depthMax: 128, valuesMax: 500_000 }
const read = (text: string) => readValue(Buffer.from(text), limits)

/** What the tape says, built as JSON.parse builds it. */
function built(value: JsonValue): unknown {
  switch (value.kind) {
    case 'object':
      return Object.fromEntries(value.entries().map(({ key, value: member }) => [key, built(member)]))
    case 'array':
      return value.items().map(built)
    case 'string':
      return value.text
    default:
      return JSON.parse(value.source)
  }
}
function verdictOf(work: () => unknown): unknown {
  try {
    return { value: work() }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof MalformedTape) return 'refused'
    throw error
  }
}

describe('the tape', () => {
  it('holds the value that JSON.parse gives, whatever spaces and escapes it is written with', () => {
    const letter = fc.constantFrom(...'aZ0 "\\/\n\0\u007fé\u2028€😀', '\ud83d', '\ude00')
    const text = fc.string({ unit: letter, maxLength: 9 })
    const { value: anything } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3, depthSize: 'small' },
        fc.constantFrom(null, true, false, 0, -1.5, 1e21, 5e-7),
        text,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(text, tie('value'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(anything, fc.constantFrom(0, 1, '\t', '\r\n '), (value, space) => {
        const written = JSON.stringify(value, undefined, space)
        // A property's name may be the one that is refused.
        fc.pre(!written.includes('__proto__'))
        expect(JSON.stringify(built(read(written)))).toBe(JSON.stringify(JSON.parse(written)))
      }),
      { numRuns: 200 },
    )
  })

  it('refuses and takes the same texts as JSON.parse, one damaged byte at a time', () => {
    const whole = '{"a":[1,-0.5e+3,true,false,null,"x\\n\\u00e9"],"b":{"c":""}, "d" : 0 }'
    const bytes = ['"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', ' ', '\n', '\u0001', 'u', 't', '']
    const differing: string[] = []
    let refused = 0
    for (let at = 0; at <= whole.length; at++) {
      for (const byte of bytes) {
        for (const text of [
          whole.slice(0, at) + byte + whole.slice(at + 1),
          whole.slice(0, at) + byte + whole.slice(at),
        ]) {
          const expected = verdictOf(() => JSON.parse(text))
          const isTwin =
            expected !== 'refused' &&
            new Set(text.match(/"[a-d]?" ?:/g)).size < (text.match(/"[a-d]?" ?:/g) ?? []).length
          const found = verdictOf(() => built(read(text)))
          if (!isTwin && JSON.stringify(found) !== JSON.stringify(expected)) differing.push(text)
          if (expected === 'refused') refused++
        }
      }
    }
    expect(differing).toStrictEqual([])
    expect(refused).toBeGreaterThan(1_000)
  })

  it.each([
    ['', 'nothing'],
    ['{} {}', 'two values'],
    ['"a', 'an open string'],
    ['01', 'a leading zero'],
    ['1.', 'a bare point'],
    ['.5', 'a bare fraction'],
    ['+1', 'a plus'],
    ['1e', 'a bare exponent'],
    ['nul', 'half a word'],
    ["{'a':1}", 'other quotes'],
    ['[1,]', 'a trailing comma'],
    ['{"a":1,}', 'a trailing comma in an object'],
    ['{"a" 1}', 'no colon'],
    ['[1}', 'brackets that do not match'],
    ['"\\x"', 'an unknown escape'],
    ['"\\u12g4"', 'no hex digit'],
    [`"${'a'.repeat(100)}\u0002${'a'.repeat(100)}"`, 'a control character in a long text'],
    [`"${'a'.repeat(99)}\n"`, 'a line break at the end of a long text'],
  ])('refuses %j: %s', (text) => {
    expect(() => read(text)).toThrow(MalformedTape)
  })

  it('finds a control character wherever it stands in a long text, and no other byte', () => {
    for (let at = 0; at < 80; at++) {
      const text = Buffer.alloc(160, 'é')
      const whole = (inside: Buffer) =>
        Buffer.concat([Buffer.alloc(at % 7, ' '), Buffer.from('"'), inside, Buffer.from('"')])
      expect(readValue(whole(text), limits).size).toBe(160)
      text[at * 2] = 0x1f
      text[at * 2 + 1] = 0x20
      expect(() => readValue(whole(text), limits)).toThrow(MalformedTape)
    }
  })

  it('refuses a key that is there twice, however it is written, and __proto__', () => {
    for (const text of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"é":1,"\\u00e9":2}', '{"x":{"b":[],"c":0,"b":{}}}']) {
      expect(() => read(text)).toThrow(/twice/)
    }
    const many = Array.from({ length: 40 }, (_, index) => `"k${index}":0`)
    expect(() => read(`{${many.join()}, "k7":1}`)).toThrow(/twice/)
    expect(read(`{${many.join()}}`).size).toBe(40)
    for (const text of ['{"__proto__":1}', '{"\\u005f_proto__":1}']) expect(() => read(text)).toThrow(/__proto__/)
    expect(read('[{"a":1},{"a":2}]').size).toBe(2)
  })

  it('finds bytes that are no UTF-8 wherever it looks at a long text in parts', () => {
    const slice = 4_194_304
    for (const emojiAt of [slice - 3, slice - 2, slice - 1]) {
      const bytes = Buffer.alloc(slice + 16, 'a')
      bytes.write('"', 0)
      bytes.write('😀', emojiAt)
      bytes.write('"', slice + 15)
      expect(readValue(bytes, limits).size).toBe(slice + 14)
      bytes[emojiAt + 3] = 0x61
      expect(() => readValue(bytes, limits)).toThrow(/UTF-8/)
    }
  })

  it('refuses bytes that are no UTF-8', () => {
    expect(() => readValue(Buffer.from([0x22, 0xff, 0x22]), limits)).toThrow(/UTF-8/)
    expect(() => readValue(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), limits)).toThrow(/UTF-8/)
  })

  it('takes NUL and half a surrogate pair, and counts their bytes as a receiver would', () => {
    const cases = [
      '\u0000',
      '\ud83d',
      '\ude00',
      '\ud83d\ude00',
      'é',
      '\ud83dx',
      '\ud83d\ud83d\ude00',
      '\n"\\/\t',
      '\u07ff\u0800',
    ]
    for (const text of cases) {
      const escaped = `"${[...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
      expect([read(escaped).text, read(escaped).size]).toStrictEqual([text, Buffer.byteLength(text)])
      expect(read(JSON.stringify(text)).size).toBe(Buffer.byteLength(text))
    }
  })

  it('is bounded in depth and in values', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(read(nested(128)).kind).toBe('array')
    expect(() => read(nested(129))).toThrow(/deeper than 128/)
    expect(() => read('['.repeat(100_000))).toThrow(/deeper than 128/)
    expect(() => readValue(Buffer.from(`[${'0,'.repeat(1_000)}0]`), { ...limits, valuesMax: 1_000 })).toThrow(
      /1000 values/,
    )
    expect(() => read(`{${Array.from({ length: 10_001 }, (_, at) => `"${at}":0`).join()}}`)).toThrow(/10000 members/)
    expect(() => read('1'.repeat(1_002))).toThrow(/1000 digits/)
  })

  it('keeps the text of what it does not build', () => {
    const value = read('{"n":9007199254740993,"big":1e400,"s":"a\\u0062", "o" : { "x" : 1.0 } }')
    expect(value.get('n')?.source).toBe('9007199254740993')
    expect(value.get('n')?.integer).toBeUndefined()
    expect(value.get('big')?.source).toBe('1e400')
    expect([value.get('s')?.source, value.get('s')?.text]).toStrictEqual(['"a\\u0062"', 'ab'])
    expect(value.get('o')?.source).toBe('{ "x" : 1.0 }')
    expect(value.get('absent')).toBeUndefined()
  })
})

describe('a long text', () => {
  const MIB = 1_048_576
  /** How often others had their turn while the text was read in the smallest slices. */
  async function turnsDuring(bytes: Buffer): Promise<number> {
    let turns = 0
    let isRunning = true
    const count = () => {
      turns++
      if (isRunning) setImmediate(count)
    }
    setImmediate(count)
    await readTapeInSlices(bytes, { depthMax: 128, valuesMax: 20 * MIB }, uncounted, 0).finally(() => {
      isRunning = false
    })
    return turns
  }

  it.each([
    ['of escapes', `"${'\\"'.repeat(MIB)}"`],
    ['of a picture', `"${'iVBORw0K'.repeat(MIB)}"`],
    ['of characters of three bytes', `"${'€'.repeat(3 * MIB)}"`],
    ['of spaces', `${' '.repeat(MIB)}1`],
    ['of small values', `[${'0,'.repeat(MIB / 2)}0]`],
    ['of keys with escapes', `[${'{"\\u0061":0},'.repeat(50_000)}0]`],
  ])('%s is read in slices, between which others have their turn', async (_what, text) => {
    expect(await turnsDuring(Buffer.from(text))).toBeGreaterThan(8)
  })

  it('whose escapes are far from each other is not searched again at each of them', () => {
    const text = Buffer.from(`["${`${'a'.repeat(62)}\\n`.repeat(20_000)}"]`)
    let searched = 0
    const indexOf = text.indexOf.bind(text)
    Object.assign(text, {
      indexOf(byte: number, from: number): number {
        const found = indexOf(byte, from)
        searched += (found === -1 ? text.length : found) - from
        return found
      },
    })
    expect(readValue(text, limits).items()[0]?.size).toBe(63 * 20_000)
    // Once for the quote and once for the backslash.
    expect(searched).toBeLessThan(2 * text.length)
  })
})
