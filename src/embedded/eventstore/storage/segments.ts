/**
 * The files of the log. A position is a byte offset in the whole log: a segment's name and header give the position
 * of its first byte, so a position leads to its record without an index. Positions are file offsets and therefore
 * safe integers (below 2^53, nine petabytes); they become bigint at the protocol's edge.
 */
import fs from 'node:fs'
import path from 'node:path'
import { crc32 } from 'node:zlib'

export const SEGMENT_HEADER_BYTES = 32
const MAGIC = Buffer.from('EVTSLOG1', 'latin1')

/** One file: the positions from `start` (its header) to `end` are in it. */
export type Segment = { path: string; start: number; end: number; descriptor: number }

/** A place in the log that holds no intact record although acknowledged events must be there. */
export class DamagedLogError extends Error {
  position: number
  constructor(position: number, detail: string) {
    super(`the log is damaged at position ${position}: ${detail}`)
    this.name = 'DamagedLogError'
    this.position = position
  }
}

export function segmentPath(directory: string, start: number): string {
  return path.join(directory, `log-${String(start).padStart(16, '0')}.seg`)
}

function segmentHeader(start: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES)
  MAGIC.copy(header)
  header.writeBigUInt64LE(BigInt(start), 8)
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28)
  return header
}

/** Makes the directory's entries durable, so that a new file survives a power cut. */
export function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return
  const descriptor = fs.openSync(directory, 'r')
  try {
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}

/** Creates the segment that begins at `start` and makes it durable. */
export function createSegment(directory: string, start: number): Segment {
  const file = segmentPath(directory, start)
  const writer = fs.openSync(file, 'w')
  try {
    fs.writeSync(writer, segmentHeader(start))
    fs.fsyncSync(writer)
  } finally {
    fs.closeSync(writer)
  }
  syncDirectory(directory)
  return { path: file, start, end: start + SEGMENT_HEADER_BYTES, descriptor: fs.openSync(file, 'r') }
}

/** Whether the file begins with the header of a segment that starts at `start`. */
function headerHolds(descriptor: number, start: number): boolean {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES)
  if (fs.readSync(descriptor, header, 0, SEGMENT_HEADER_BYTES, 0) < SEGMENT_HEADER_BYTES) return false
  return header.equals(segmentHeader(start))
}

/**
 * Opens all segments of a directory in order. The last one may be a file that a crash left without its header, or that
 * is being created; nothing can have been acknowledged in it. It is left out, and removed where the caller owns the
 * directory. A gap or a bad header elsewhere is damage.
 */
export function openSegments(
  directory: string,
  headless: 'remove' | 'keep',
  onNotice: (notice: string) => void = () => undefined,
): Segment[] {
  const names = fs.readdirSync(directory).filter((name) => /^log-\d{16}\.seg$/.test(name))
  names.sort()
  const segments: Segment[] = []
  for (const [index, name] of names.entries()) {
    const start = startOf(name)
    const isLast = index === names.length - 1
    const file = path.join(directory, name)
    const descriptor = fs.openSync(file, 'r')
    const size = fs.fstatSync(descriptor).size
    if (!headerHolds(descriptor, start)) {
      fs.closeSync(descriptor)
      if (!isLast || size > SEGMENT_HEADER_BYTES) {
        throw new DamagedLogError(start, `the header of ${name} does not hold`)
      }
      if (headless === 'keep') continue
      onNotice(`removed ${name}, which a crash left without its header; no event was in it`)
      fs.unlinkSync(file)
      continue
    }
    const expected = segments.at(-1)?.end ?? 0
    if (start !== expected) {
      throw new DamagedLogError(expected, `${name} begins at ${start}; a file is missing or was cut`)
    }
    // A crash may leave allocated zeros behind a segment that was closed; it ends where the next one begins.
    const end = isLast ? start + size : Math.min(start + size, startOf(names[index + 1]!))
    segments.push({ path: file, start, end, descriptor })
  }
  return segments
}

const startOf = (name: string): number => Number(name.slice(4, 20))

/** The segment that holds a position, by binary search; the last one for positions past the end. */
export function segmentOf(segments: Segment[], position: number): Segment {
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (segments[middle]!.start <= position) low = middle
    else high = middle - 1
  }
  return segments[low]!
}

/** Reads exactly `length` bytes at `position` of one segment, or fewer where the file ends. */
export function readSegment(segment: Segment, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const count = fs.readSync(segment.descriptor, buffer, filled, length - filled, position - segment.start + filled)
    if (count === 0) break
    filled += count
  }
  return filled === length ? buffer : buffer.subarray(0, filled)
}

/** The same without blocking the event loop. */
export async function readSegmentAsync(segment: Segment, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const count = await new Promise<number>((resolve, reject) => {
      fs.read(
        segment.descriptor,
        buffer,
        filled,
        length - filled,
        position - segment.start + filled,
        (error, bytesRead) => (error ? reject(error) : resolve(bytesRead)),
      )
    })
    if (count === 0) break
    filled += count
  }
  return filled === length ? buffer : buffer.subarray(0, filled)
}
