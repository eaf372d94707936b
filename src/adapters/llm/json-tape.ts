/**
 * JSON that is read without being built: one pass writes a tape of where each value stands in the bytes. Whoever reads the tape
 * can copy, cut and replace parts of the original, so that numbers, key order and spaces stay as they were sent.
 *
 * The grammar is strict: no key twice in an object, no `__proto__`, bounded depth. NUL and lone surrogates pass, since clients
 * cut emoji in two and the receiver is to judge that.
 */
import { isUtf8 } from 'node:buffer'
import { type Counted, inSlices } from '../../runtime/counted.ts'
import { endOfPlain, MalformedTape, notJson, StringReader } from './json-tokens.ts'

export interface TapeLimits {
  /** Levels of objects and arrays. */
  depthMax: number
  /** Keys and values together. */
  valuesMax: number
}

/** Integers per value on the tape, and what they mean. */
export const CELL = 4
export const START = 0
/** The byte after the value. */
export const END = 1
/** The cell after the value and all that is in it. */
export const NEXT = 2
/** Of a string the UTF-8 bytes of its text, of an object or array the number of its members. */
export const SIZE = 3

export interface JsonTape {
  bytes: Buffer
  /** CELL integers for each key and value, in the order of the text. */
  cells: Int32Array
}

/** An object with more members than this is refused: finding a key twice among them would take too long. */
const MEMBERS_MAX = 10_000
/** Bytes between two looks at the clock. */
const SLICE_BYTES = 16_384
/** Keys of an object up to this number are compared in pairs, which is faster than a set. */
const PAIRS_MAX = 12

const VALUE = 0
const VALUE_OR_END = 1
const KEY = 2
const KEY_OR_END = 3
const AFTER_KEY = 4
const AFTER_VALUE = 5

/** The tape of the bytes, in one go. Throws MalformedTape. */
export function readTape(bytes: Buffer, limits: TapeLimits): JsonTape {
  const reading = tapeOf(bytes, limits)
  for (;;) {
    const { done, value } = reading.next()
    if (done) return value
  }
}

/** As readTape, giving way to others now and again. Rejects with MalformedTape. */
export const readTapeInSlices = (
  bytes: Buffer,
  limits: TapeLimits,
  counted?: Counted,
  sliceMs?: number,
): Promise<JsonTape> => inSlices(tapeOf(bytes, limits), counted, sliceMs)

/** Reads, and yields after each slice of bytes. */
function* tapeOf(bytes: Buffer, { depthMax, valuesMax }: TapeLimits): Generator<undefined, JsonTape> {
  yield* refuseOtherThanUtf8(bytes)
  const writer = new TapeWriter(bytes, depthMax, valuesMax)
  const strings = new StringReader(bytes)
  const length = bytes.length
  let state = VALUE
  let mark = SLICE_BYTES
  for (let at = 0; ; ) {
    let byte = bytes[at]!
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      byte = bytes[++at]!
      if (at > mark) break
    }
    if (at > mark) {
      mark = at + SLICE_BYTES
      yield
      continue
    }
    if (at >= length) break
    if (state === AFTER_VALUE) {
      if (byte === 0x2c /* , */) state = writer.nextMember(at++)
      else writer.close(byte, at++)
    } else if (state === AFTER_KEY) {
      if (byte !== 0x3a /* : */) throw notJson(at)
      at++
      state = VALUE
    } else if (byte === 0x22 /* " */) {
      strings.begin(at)
      while (!strings.read(mark)) {
        mark = strings.at + SLICE_BYTES
        yield
      }
      writer.scalar(at, strings.at, strings.textBytes, state !== KEY && state !== KEY_OR_END)
      at = strings.at
      state = state === KEY || state === KEY_OR_END ? AFTER_KEY : AFTER_VALUE
    } else if ((state === KEY_OR_END && byte === 0x7d) || (state === VALUE_OR_END && byte === 0x5d)) {
      writer.close(byte, at++)
      state = AFTER_VALUE
    } else if (state === KEY || state === KEY_OR_END) throw notJson(at)
    else if (byte === 0x7b /* { */ || byte === 0x5b /* [ */) {
      writer.open(at++)
      state = byte === 0x7b ? KEY_OR_END : VALUE_OR_END
    } else {
      const end = endOfPlain(bytes, at, byte)
      writer.scalar(at, end, 0, true)
      at = end
      state = AFTER_VALUE
    }
  }
  if (state !== AFTER_VALUE || writer.depth > 0) throw notJson(length)
  return writer.tape()
}

/** They are looked at in about a millisecond. */
const UTF8_SLICE_BYTES = 4_194_304

function* refuseOtherThanUtf8(bytes: Buffer): Generator<undefined, void> {
  for (let from = 0; from < bytes.length; ) {
    let to = Math.min(from + UTF8_SLICE_BYTES, bytes.length)
    // Not within a character: its further bytes begin with the bits 10, and there are at most three.
    for (let back = 0; back < 3 && (bytes[to]! & 0xc0) === 0x80; back++) to--
    if (!isUtf8(bytes.subarray(from, to))) throw new MalformedTape('The body is not valid UTF-8.')
    from = to
    if (from < bytes.length) yield
  }
}

/** The cells, and which objects and arrays are open. */
class TapeWriter {
  readonly bytes: Buffer
  readonly valuesMax: number
  readonly depthMax: number
  /** The cells of what is open, outermost first. */
  readonly stack: number[] = []
  depth = 0
  cells: Int32Array
  count = 0

  constructor(bytes: Buffer, depthMax: number, valuesMax: number) {
    this.bytes = bytes
    this.depthMax = depthMax
    this.valuesMax = valuesMax
    this.cells = new Int32Array(CELL * Math.min(Math.max(32, bytes.length >> 3), 4_096))
  }

  scalar(start: number, end: number, size: number, isValue: boolean): void {
    const cell = this.add(start)
    this.cells[cell + END] = end
    this.cells[cell + NEXT] = this.count
    this.cells[cell + SIZE] = size
    // In an object the value is counted, not its key.
    if (isValue && this.depth > 0) this.cells[this.stack[this.depth - 1]! * CELL + SIZE]! += 1
  }

  open(start: number): void {
    if (this.depth >= this.depthMax) {
      throw new MalformedTape(`The body is nested deeper than ${this.depthMax} levels.`)
    }
    if (this.depth > 0) this.cells[this.stack[this.depth - 1]! * CELL + SIZE]! += 1
    const cell = this.add(start)
    this.cells[cell + SIZE] = 0
    this.stack[this.depth++] = this.count - 1
  }

  close(byte: number, at: number): void {
    if (this.depth === 0) throw notJson(at)
    const index = this.stack[--this.depth]!
    const cell = index * CELL
    // The closing bracket's code is two more than the opening one's.
    if (this.bytes[this.cells[cell]!]! + 2 !== byte) throw notJson(at)
    this.cells[cell + END] = at + 1
    this.cells[cell + NEXT] = this.count
    if (byte === 0x7d) refuseTwins(this.bytes, this.cells, index)
  }

  /** What has to come after a comma. */
  nextMember(at: number): number {
    if (this.depth === 0) throw notJson(at)
    return this.bytes[this.cells[this.stack[this.depth - 1]! * CELL]!] === 0x7b ? KEY : VALUE
  }

  tape(): JsonTape {
    return { bytes: this.bytes, cells: this.cells.subarray(0, this.count * CELL) }
  }

  private add(start: number): number {
    const cell = this.count * CELL
    if (cell === this.cells.length) {
      const grown = new Int32Array(cell * 2)
      grown.set(this.cells)
      this.cells = grown
    }
    if (++this.count > this.valuesMax) throw new MalformedTape(`The body has more than ${this.valuesMax} values.`)
    this.cells[cell + START] = start
    return cell
  }
}

/** Throws where the object in this cell has a key twice, `__proto__`, or too many keys. */
function refuseTwins(bytes: Buffer, cells: Int32Array, index: number): void {
  const count = cells[index * CELL + SIZE]!
  if (count > MEMBERS_MAX) throw new MalformedTape(`An object has more than ${MEMBERS_MAX} members.`)
  const seen = count > PAIRS_MAX ? new Set<string>() : undefined
  let key = index + 1
  for (let done = 0; done < count; done++) {
    const cell = key * CELL
    const start = cells[cell]!
    const length = cells[cell + END]! - start
    const hasEscape = length - 2 !== cells[cell + SIZE]
    if (bytes[start + 1] === 0x5f || hasEscape) refuseProto(keyText(bytes, cells, key), start)
    if (seen) {
      const text = keyText(bytes, cells, key)
      if (seen.has(text)) throw twin(start)
      seen.add(text)
    } else {
      let other = index + 1
      for (let before = 0; before < done; before++) {
        if (isSameKey(bytes, cells, other, key)) throw twin(start)
        other = cells[(other + 1) * CELL + NEXT]!
      }
    }
    key = cells[(key + 1) * CELL + NEXT]!
  }
}

const twin = (at: number) => new MalformedTape(`The key at byte ${at} occurs twice in its object.`)

function refuseProto(text: string, at: number): void {
  if (text === '__proto__') throw new MalformedTape(`The key __proto__ at byte ${at} is not allowed.`)
}

function isSameKey(bytes: Buffer, cells: Int32Array, one: number, other: number): boolean {
  const a = cells[one * CELL]!
  const b = cells[other * CELL]!
  if (cells[one * CELL + SIZE] !== cells[other * CELL + SIZE]) return false
  const length = cells[one * CELL + END]! - a
  if (length !== cells[other * CELL + END]! - b) return keyText(bytes, cells, one) === keyText(bytes, cells, other)
  for (let at = 1; at < length - 1; at++) {
    if (bytes[a + at] === bytes[b + at]) continue
    const hasEscape = length - 2 !== cells[one * CELL + SIZE]
    return hasEscape && keyText(bytes, cells, one) === keyText(bytes, cells, other)
  }
  return true
}

/** The text of the string in this cell. */
export function keyText(bytes: Buffer, cells: Int32Array, index: number): string {
  const start = cells[index * CELL]!
  const end = cells[index * CELL + END]!
  const isPlain = end - start - 2 === cells[index * CELL + SIZE]
  return isPlain ? bytes.toString('utf8', start + 1, end - 1) : JSON.parse(bytes.toString('utf8', start, end))
}
