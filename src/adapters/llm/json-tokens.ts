/**
 * Strings, numbers and words of JSON in bytes. Long strings are searched natively and checked four bytes at a time: a picture
 * in base64 has tens of megabytes, and a loop over single bytes would hold the event loop for as long as many calls take.
 */

/** The bytes are not JSON, or more of it than is taken. */
export class MalformedTape extends Error {
  override name = 'MalformedTape'
}

export const notJson = (at: number) => new MalformedTape(`The body is not valid JSON at byte ${at}.`)

/** Digits and signs of a number. */
const NUMBER_LENGTH_MAX = 1_000
/** After so many bytes without an escape a native search for the end of the string is the faster one. */
const NATIVE_AFTER = 48
/** Of a long string so much is checked at a time, so that others have their turn in between. */
const RUN_BYTES = 1_048_576

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Reads one string after the other, in portions. */
export class StringReader {
  /** The byte to go on with; once the string is read, the one after its closing quote. */
  at = 0
  private readonly bytes: Buffer
  private start = 0
  /** Bytes that escapes take more than what they stand for. */
  private saved = 0
  private quote = -1
  private backslash = -1
  private words: Int32Array | undefined
  private pad = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** UTF-8 bytes of the text that was read; half a surrogate pair counts as the three of U+FFFD. */
  get textBytes(): number {
    return this.at - this.start - 2 - this.saved
  }

  /** `at`: of the opening quote. */
  begin(at: number): void {
    this.start = at
    this.at = at + 1
    this.saved = 0
  }

  /** True once the string has ended; false where it was left in its middle beyond `mark`, to be read on. Throws MalformedTape. */
  read(mark: number): boolean {
    const { bytes } = this
    const length = bytes.length
    let plain = 0
    for (let at = this.at; at < length; ) {
      const byte = bytes[at]!
      if (byte === QUOTE) {
        this.at = at + 1
        return true
      }
      if (byte === BACKSLASH) {
        at = this.afterEscape(at)
        plain = 0
        if (at <= mark) continue
        this.at = at
        return false
      }
      if (byte < 0x20) throw notJson(at)
      at++
      if (++plain < NATIVE_AFTER) continue
      at = this.endOfRun(at)
      plain = 0
      if (at <= mark) continue
      this.at = at
      return false
    }
    throw notJson(length)
  }

  /** The next quote or backslash, or a place before it. */
  private endOfRun(from: number): number {
    const { bytes } = this
    const limit = Math.min(bytes.length, from + RUN_BYTES)
    // Kept from search to search, so that a string with many escapes is not searched again at each of them.
    if (this.quote < from) this.quote = indexUpTo(bytes, QUOTE, from, limit)
    if (this.backslash < from) this.backslash = indexUpTo(bytes, BACKSLASH, from, limit)
    const end = Math.min(this.quote, this.backslash, limit)
    this.refuseControls(from, end)
    return end
  }

  private refuseControls(from: number, end: number): void {
    const { bytes } = this
    if (!this.words) {
      this.pad = (4 - (bytes.byteOffset & 3)) & 3
      this.words = new Int32Array(bytes.buffer, bytes.byteOffset + this.pad, Math.max(0, bytes.length - this.pad) >> 2)
    }
    const { words, pad } = this
    const first = Math.max(0, from - pad + 3) >> 2
    const last = Math.max(first, (end - pad) >> 2)
    let at = from
    for (const head = Math.min(end, first * 4 + pad); at < head; at++) if (bytes[at]! < 0x20) throw notJson(at)
    let word = first
    let low = 0
    for (; word + 4 <= last; word += 4) {
      low |=
        controls(words[word]!) | controls(words[word + 1]!) | controls(words[word + 2]!) | controls(words[word + 3]!)
    }
    if (low !== 0) throw notJson(from)
    for (at = Math.max(at, word * 4 + pad); at < end; at++) if (bytes[at]! < 0x20) throw notJson(at)
  }

  /** The byte after the escape at `at`. */
  private afterEscape(at: number): number {
    const byte = this.bytes[at + 1]
    if (byte === 0x75 /* u */) return this.afterUnicode(at)
    if (byte === undefined || SIMPLE[byte] !== 1) throw notJson(at)
    this.saved += 1
    return at + 2
  }

  private afterUnicode(at: number): number {
    const code = hex4(this.bytes, at + 2)
    if (code < 0xd800 || code > 0xdbff) {
      this.saved += code < 0x80 ? 5 : code < 0x800 ? 4 : 3
      return at + 6
    }
    const isPair =
      this.bytes[at + 6] === BACKSLASH && this.bytes[at + 7] === 0x75 && (hex4(this.bytes, at + 8) & 0xfc00) === 0xdc00
    this.saved += isPair ? 8 : 3
    return isPair ? at + 12 : at + 6
  }
}

/** The letters after a backslash, u apart. */
const SIMPLE = new Uint8Array(256)
for (const letter of '"\\/bfnrt') SIMPLE[letter.charCodeAt(0)] = 1

/** Not 0 where one of the word's four bytes is below 0x20. */
const controls = (word: number): number => (word - 0x20202020) & ~word & 0x80808080

/** Where the byte stands, or the limit. What is long is searched no further than that: 60 MiB take longer than others may wait. */
function indexUpTo(bytes: Buffer, byte: number, from: number, limit: number): number {
  const isWhole = limit === bytes.length
  const found = isWhole ? bytes.indexOf(byte, from) : bytes.subarray(from, limit).indexOf(byte)
  if (found === -1) return limit
  return isWhole ? found : from + found
}

function hex4(bytes: Buffer, from: number): number {
  let code = 0
  for (let at = from; at < from + 4; at++) {
    const byte = bytes[at] ?? 0
    const lower = byte | 0x20
    if (byte >= 0x30 && byte <= 0x39) code = code * 16 + byte - 0x30
    else if (lower >= 0x61 && lower <= 0x66) code = code * 16 + lower - 0x57
    else throw notJson(at)
  }
  return code
}

const WORDS = ['true', 'false', 'null'].map((word) => Buffer.from(word))

/** The byte after the number, `true`, `false` or `null` that starts at `at`. Throws MalformedTape for anything else. */
export function endOfPlain(bytes: Buffer, at: number, first: number): number {
  if (first === 0x2d || isDigit(first)) return endOfNumber(bytes, at)
  const word = WORDS.find((known) => known[0] === first)
  if (!word) throw notJson(at)
  for (let index = 1; index < word.length; index++) if (bytes[at + index] !== word[index]) throw notJson(at)
  return at + word.length
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39

function endOfNumber(bytes: Buffer, start: number): number {
  const isNegative = bytes[start] === 0x2d
  const whole = isNegative ? start + 1 : start
  let at = endOfDigits(bytes, whole, start)
  if (bytes[whole] === 0x30 && at > whole + 1) throw notJson(start)
  if (bytes[at] === 0x2e) at = endOfDigits(bytes, at + 1, start)
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    const sign = bytes[at + 1]
    at = endOfDigits(bytes, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1, start)
  }
  return at
}

/** After at least one digit. */
function endOfDigits(bytes: Buffer, from: number, start: number): number {
  let at = from
  while (isDigit(bytes[at])) {
    if (++at - start > NUMBER_LENGTH_MAX) throw new MalformedTape(`A number has more than ${NUMBER_LENGTH_MAX} digits.`)
  }
  if (at === from) throw notJson(start)
  return at
}
