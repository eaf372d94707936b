/**
 * Reading and writing of protobuf's wire format, for the few messages that pass through the node by the hundred
 * thousand (appends and read events). All others use the generated classes. Reading hands out views of the
 * received buffer, so the payloads are copied once only, into the log.
 */

const textDecoder = new TextDecoder('utf-8', { fatal: false })

/** A cursor over one message. Obtain fields with `next()`, then read or skip the value. */
export class WireReader {
  buffer: Buffer
  offset: number
  end: number
  field = 0
  wireType = 0

  constructor(buffer: Buffer, offset = 0, end: number = buffer.length) {
    this.buffer = buffer
    this.offset = offset
    this.end = end
  }

  /** Moves to the next field and returns true, or returns false at the end of the message. */
  next(): boolean {
    if (this.offset >= this.end) return false
    const tag = this.number()
    this.field = Math.floor(tag / 8)
    this.wireType = tag & 7
    return true
  }

  /** A varint as a number; exact up to 2^53 - 1, which lengths, tags and enumerations never pass. */
  number(): number {
    let result = 0
    let factor = 1
    for (;;) {
      if (this.offset >= this.end) throw new RangeError('the message ends inside a number')
      const byte = this.buffer[this.offset++]!
      result += (byte & 0x7f) * factor
      if (byte < 0x80) return result
      factor *= 128
      if (factor > 2 ** 63) throw new RangeError('a number is longer than ten bytes')
    }
  }

  /** A varint as an unsigned 64-bit bigint. */
  bigint(): bigint {
    let result = 0n
    let shift = 0n
    for (;;) {
      if (this.offset >= this.end) throw new RangeError('the message ends inside a number')
      const byte = this.buffer[this.offset++]!
      result |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, result)
      shift += 7n
      if (shift > 63n) throw new RangeError('a number is longer than ten bytes')
    }
  }

  /** The bytes of a length-delimited field, as a view. */
  bytes(): Buffer {
    const length = this.number()
    const start = this.offset
    if (start + length > this.end) throw new RangeError('the message ends inside a field')
    this.offset = start + length
    return this.buffer.subarray(start, start + length)
  }

  string(): string {
    const bytes = this.bytes()
    return bytes.length < 64 ? bytes.toString('utf8') : textDecoder.decode(bytes)
  }

  /** A reader of an embedded message. */
  message(): WireReader {
    const length = this.number()
    const start = this.offset
    if (start + length > this.end) throw new RangeError('the message ends inside a field')
    this.offset = start + length
    return new WireReader(this.buffer, start, start + length)
  }

  skip(): void {
    if (this.wireType === 0) this.bigint()
    else if (this.wireType === 1) this.offset += 8
    else if (this.wireType === 2) this.bytes()
    else if (this.wireType === 5) this.offset += 4
    else throw new RangeError(`wire type ${this.wireType} is not supported`)
  }
}

/** How many bytes a non-negative safe integer takes as a varint. */
export function varintLength(value: number): number {
  let length = 1
  let rest = value
  while (rest >= 128) {
    rest = Math.floor(rest / 128)
    length++
  }
  return length
}

/** Writes a non-negative safe integer as a varint and returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let rest = value
  let at = offset
  while (rest >= 128) {
    target[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  target[at++] = rest
  return at
}

/** Writes an unsigned 64-bit bigint as a varint and returns the offset behind it. */
export function writeVarintBig(target: Uint8Array, offset: number, value: bigint): number {
  let rest = value
  let at = offset
  while (rest >= 128n) {
    target[at++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  target[at++] = Number(rest)
  return at
}

/** A field holding an embedded message or bytes. */
export function lengthDelimited(field: number, ...parts: Uint8Array[]): Buffer {
  let length = 0
  for (const part of parts) length += part.length
  const head = varintLength(field * 8 + 2) + varintLength(length)
  const buffer = Buffer.allocUnsafe(head + length)
  let at = writeVarint(buffer, writeVarint(buffer, 0, field * 8 + 2), length)
  for (const part of parts) {
    buffer.set(part, at)
    at += part.length
  }
  return buffer
}

/** A field holding an unsigned integer. Zero is written too, since most of ours live in a oneof. */
export function unsigned(field: number, value: number): Buffer {
  const buffer = Buffer.allocUnsafe(varintLength(field * 8) + varintLength(value))
  writeVarint(buffer, writeVarint(buffer, 0, field * 8), value)
  return buffer
}

/** A field holding a 64-bit integer that may need all its bits. */
export function int64(field: number, value: bigint): Buffer {
  const buffer = Buffer.alloc(12)
  return buffer.subarray(0, writeVarintBig(buffer, writeVarint(buffer, 0, field * 8), value))
}

/** An empty embedded message, the protocol's way of naming a case of a oneof. */
export function empty(field: number): Buffer {
  return lengthDelimited(field)
}
