/**
 * Bytes that came in pieces as one, and one as pieces. To copy 32 MiB takes a tenth of a second where the memory is new, and to hand
 * them to the network in one go takes as long as it goes on taking them; others go on meanwhile.
 */
import { type Counted, inSlices } from '../../runtime/counted.ts'

/** They take less time than a look at the clock is worth. */
const AT_ONCE_BYTES = 262_144

/** A single piece is not copied. */
export async function joined(pieces: readonly Buffer[], counted?: Counted): Promise<Buffer> {
  if (pieces.length === 1) return pieces[0]!
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return length <= AT_ONCE_BYTES ? Buffer.concat(pieces, length) : inSlices(copied(pieces, length), counted)
}

function* copied(pieces: readonly Buffer[], length: number): Generator<undefined, Buffer> {
  const whole = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; from += AT_ONCE_BYTES) {
      at += piece.copy(whole, at, from, from + AT_ONCE_BYTES)
      yield
    }
  }
  return whole
}

/** What is written in one go takes the network about a millisecond. */
export const WRITE_BYTES = 524_288

/** The same bytes, at most so many at a time, each in a turn of the event loop of its own. */
export async function* inTurns(pieces: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; from += WRITE_BYTES) {
      yield piece.subarray(from, from + WRITE_BYTES)
      await new Promise(setImmediate)
    }
  }
}
