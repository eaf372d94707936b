/**
 * The same request, whatever spaces, key order and escapes it is written with: an approval holds for what was asked, not for
 * how it was spelled. A request may have 32 MiB, so it is taken in pieces, between which others have the event loop.
 */
import { createHash } from 'node:crypto'
import { type Counted, inSlices } from '../../runtime/counted.ts'
import type { CallScan } from './call-scan.ts'
import type { JsonValue } from './json-value.ts'

/** How the answer is delivered changes nothing in what is asked. */
const DELIVERY = new Set(['stream', 'stream_options'])
/** Of a text that is taken at a time. */
const PIECE_BYTES = 65_536

/** SHA-256 in hex of the request's canonical text, without the members that are ours and the wish for a stream. */
export const fingerprintOf = (scan: CallScan, counted?: Counted): Promise<string> => inSlices(hashed(scan), counted)

function* hashed({ members }: CallScan): Generator<undefined, string> {
  const hash = createHash('sha256')
  const asked = members.filter(({ key, isOwn }) => !DELIVERY.has(key) && !isOwn)
  for (const piece of canonical(asked)) {
    hash.update(piece)
    yield
  }
  return hash.digest('hex')
}

type Members = readonly { key: string; value: JsonValue }[]

/** The text in pieces. Numbers count as they are written: 1.0 may reach a tool as another value than 1. */
function* canonical(asked: Members): Generator<string | Buffer> {
  /** What is still to come, the next one last. */
  const left: (string | JsonValue)[] = []
  const push = (members: Members) => {
    const sorted = members.toSorted((a, b) => (a.key < b.key ? -1 : 1))
    left.push(sorted.length === 0 ? '{}' : '}')
    for (const [index, { key, value }] of [...sorted.entries()].toReversed()) {
      left.push(value, `${index === 0 ? '{' : ','}${JSON.stringify(key)}:`)
    }
  }
  push(asked)
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next === 'string') yield next
    else if (next.kind === 'object') push(next.entries())
    else if (next.kind === 'array') {
      left.push(']')
      for (const item of next.items().toReversed()) left.push(',', item)
      left.push('[')
    } else if (next.kind === 'string') yield* textOf(next)
    else yield next.raw
  }
}

/** A string as JSON writes it. */
function* textOf(value: JsonValue): Generator<string | Buffer> {
  const { raw } = value
  // Without escapes the bytes are the text.
  if (raw.length - 2 === value.size) {
    for (let at = 0; at < raw.length; at += PIECE_BYTES) yield raw.subarray(at, at + PIECE_BYTES)
    return
  }
  yield '"'
  const inner = raw.subarray(1, -1)
  for (let at = 0; at < inner.length; ) {
    const end = endOfPiece(inner, at)
    const text: unknown = JSON.parse(`"${inner.toString('utf8', at, end)}"`)
    yield JSON.stringify(text).slice(1, -1)
    at = end
  }
  yield '"'
}

const BACKSLASH = 0x5c
const SMALL_U = 0x75
/** Of `\u0041`. */
const ESCAPE_BYTES = 6

/** About a piece further, and not within a character, an escape, or a pair of escapes that make one character. */
function endOfPiece(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && (at - from < PIECE_BYTES || isWithin(bytes, at))) {
    if (bytes[at] !== BACKSLASH) at += 1
    else if (bytes[at + 1] !== SMALL_U) at += 2
    else at += isFirstHalf(bytes, at) ? 2 * ESCAPE_BYTES : ESCAPE_BYTES
  }
  return Math.min(at, bytes.length)
}

/** The further bytes of a character begin with the bits 10. */
const isWithin = (bytes: Buffer, at: number): boolean => (bytes[at]! & 0xc0) === 0x80

/** Whether the escape here and the one behind it are the two halves of one character: `\ud83d\ude00`. */
function isFirstHalf(bytes: Buffer, at: number): boolean {
  const first = /^\\u[dD][89abAB]/
  const second = /^\\u[dD][c-fC-F]/
  const pair = bytes.toString('latin1', at, at + 2 * ESCAPE_BYTES)
  return first.test(pair) && second.test(pair.slice(ESCAPE_BYTES))
}
