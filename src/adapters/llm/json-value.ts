/**
 * A value on a tape, with the text that it was read from. Nothing is built but what is asked for, and numbers are asked for by
 * their text: a double would change some of them.
 */
import { CELL, END, type JsonTape, keyText, NEXT, readTape, SIZE, START, type TapeLimits } from './json-tape.ts'

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null'

export class JsonValue {
  readonly tape: JsonTape
  /** Its cell on the tape. */
  readonly index: number

  constructor(tape: JsonTape, index: number) {
    this.tape = tape
    this.index = index
  }

  /** Bytes of the whole text at which it begins and, exclusive, ends. */
  get start(): number {
    return this.tape.cells[this.index * CELL + START]!
  }
  get end(): number {
    return this.tape.cells[this.index * CELL + END]!
  }
  /** Of a string the UTF-8 bytes of its text, of an object or array the number of its members, else 0. */
  get size(): number {
    return this.tape.cells[this.index * CELL + SIZE]!
  }

  get kind(): JsonKind {
    switch (this.tape.bytes[this.start]) {
      case 0x7b:
        return 'object'
      case 0x5b:
        return 'array'
      case 0x22:
        return 'string'
      case 0x74:
        return 'true'
      case 0x66:
        return 'false'
      case 0x6e:
        return 'null'
      default:
        return 'number'
    }
  }

  /** The bytes that it was written in; they are not copied. */
  get raw(): Buffer {
    return this.tape.bytes.subarray(this.start, this.end)
  }
  /** The text that it was written in. */
  get source(): string {
    return this.tape.bytes.toString('utf8', this.start, this.end)
  }
  /** The text of a string; undefined for anything else. */
  get text(): string | undefined {
    return this.kind === 'string' ? keyText(this.tape.bytes, this.tape.cells, this.index) : undefined
  }
  /** The number, where a double holds it as an integer without loss. */
  get integer(): number | undefined {
    if (this.kind !== 'number') return undefined
    const number = Number(this.source)
    return Number.isSafeInteger(number) ? number : undefined
  }

  /** The member of an object, by an ASCII key; undefined where there is none, or where this is no object. */
  get(key: string): JsonValue | undefined {
    if (this.kind !== 'object') return undefined
    const { bytes, cells } = this.tape
    let at = this.index + 1
    for (let left = this.size; left > 0; left--) {
      if (cells[at * CELL + SIZE] === key.length && keyText(bytes, cells, at) === key)
        return new JsonValue(this.tape, at + 1)
      at = cells[(at + 1) * CELL + NEXT]!
    }
    return undefined
  }

  /** Members of an object in their order; none for anything else. */
  entries(): { key: string; keyStart: number; value: JsonValue }[] {
    const found: { key: string; keyStart: number; value: JsonValue }[] = []
    if (this.kind !== 'object') return found
    const { bytes, cells } = this.tape
    let at = this.index + 1
    for (let left = this.size; left > 0; left--) {
      const value = new JsonValue(this.tape, at + 1)
      found.push({ key: keyText(bytes, cells, at), keyStart: cells[at * CELL + START]!, value })
      at = cells[(at + 1) * CELL + NEXT]!
    }
    return found
  }

  /** Elements of an array in their order; none for anything else. */
  items(): JsonValue[] {
    const found: JsonValue[] = []
    if (this.kind !== 'array') return found
    let at = this.index + 1
    for (let left = this.size; left > 0; left--) {
      found.push(new JsonValue(this.tape, at))
      at = this.tape.cells[at * CELL + NEXT]!
    }
    return found
  }

  /** Whether it is there to be read: clients send `null` for what they leave out. */
  get isNull(): boolean {
    return this.kind === 'null'
  }
}

/** A string as JSON has it, without its quotes; empty for anything else. */
export const innerOf = (value: JsonValue | undefined): string | Buffer =>
  value?.kind === 'string' ? value.raw.subarray(1, -1) : ''

/** What the tape holds. */
export const rootOf = (tape: JsonTape): JsonValue => new JsonValue(tape, 0)

/** The value of a whole text. Throws MalformedTape. */
export const readValue = (bytes: Buffer, limits: TapeLimits): JsonValue => rootOf(readTape(bytes, limits))
