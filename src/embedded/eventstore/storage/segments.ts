/**
 * Where a position of the log is. A position is a byte offset in the whole log: a file's name and header give the position
 * of its first byte, so a position leads to its record without an index. Positions are file offsets and therefore
 * safe integers (below 2^53, nine petabytes); they become bigint at the protocol's edge.
 * A file that was scavenged holds several stretches of the log, with what was removed missing between them.
 */
import fs from 'node:fs'

export const SEGMENT_HEADER_BYTES = 32

/** A file of the log. Whoever reads from it asynchronously holds it, so that it is not closed meanwhile. */
export type SegmentFile = {
  path: string
  /** The position of its first byte, which its name tells. */
  start: number
  /** Where the log ended before this file: `start`, or less where an operator accepted the loss of what was between. */
  follows: number
  descriptor: number
  readers: number
  /** Another file has taken its place: it is closed with its last reader. */
  isRetired: boolean
}

/** Positions without a hole: the whole of a file, or one stretch of a scavenged one. */
export type Segment = {
  file: SegmentFile
  start: number
  /** Where the first record is: behind the header of a whole file. */
  first: number
  end: number
  /** The place of `start` in the file. */
  fileOffset: number
}

/** A place in the log that holds no intact record although acknowledged events must be there. */
export class DamagedLogError extends Error {
  position: number
  constructor(position: number, detail: string) {
    super(`the log is damaged at position ${position}: ${detail}`)
    this.name = 'DamagedLogError'
    this.position = position
  }
}

/** The index of the segment that holds a position, or of the last one that begins before it; 0 where none does. */
export function segmentIndexOf(segments: readonly Segment[], position: number): number {
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (segments[middle]!.start <= position) low = middle
    else high = middle - 1
  }
  return low
}

/** The segment of `segmentIndexOf`. */
export function segmentOf(segments: readonly Segment[], position: number): Segment {
  return segments[segmentIndexOf(segments, position)]!
}

/**
 * The first position at or behind the given one at which a record may begin, past headers and what was removed.
 * @returns undefined where the log ends before one.
 */
export function locate(
  segments: readonly Segment[],
  position: number,
): { segment: Segment; position: number } | undefined {
  for (let index = segmentIndexOf(segments, position); index < segments.length; index++) {
    const segment = segments[index]!
    const at = Math.max(position, segment.first)
    if (at < segment.end) return { segment, position: at }
  }
  return undefined
}

/** Whether the log holds the byte at a position; what a scavenge removed it does not. */
export function holdsPosition(segments: readonly Segment[], position: number): boolean {
  const segment = segmentOf(segments, position)
  return position >= segment.first && position < segment.end
}

/** The files of these segments, in order, each once. */
export function filesOf(segments: readonly Segment[]): SegmentFile[] {
  return [...new Set(segments.map(({ file }) => file))]
}

/** Closes a file, at once or with its last reader. */
export function retireFile(file: SegmentFile): void {
  file.isRetired = true
  if (file.readers === 0) fs.closeSync(file.descriptor)
}

/** Keeps a file open while `work` reads from it, even if another takes its place meanwhile. */
export async function holdingFile<T>(file: SegmentFile, work: () => Promise<T>): Promise<T> {
  file.readers++
  try {
    return await work()
  } finally {
    file.readers--
    if (file.isRetired && file.readers === 0) fs.closeSync(file.descriptor)
  }
}

/** Reads exactly `length` bytes at `position` of one segment, or fewer where the file ends. */
export function readSegment(segment: Segment, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(length)
  const offset = position - segment.start + segment.fileOffset
  let filled = 0
  while (filled < length) {
    const count = fs.readSync(segment.file.descriptor, buffer, filled, length - filled, offset + filled)
    if (count === 0) break
    filled += count
  }
  return filled === length ? buffer : buffer.subarray(0, filled)
}

/** The same without blocking the event loop. The caller holds the file. */
export async function readSegmentAsync(segment: Segment, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  const offset = position - segment.start + segment.fileOffset
  let filled = 0
  while (filled < length) {
    const count = await readPart(segment.file.descriptor, buffer, filled, offset + filled)
    if (count === 0) break
    filled += count
  }
  return filled === length ? buffer : buffer.subarray(0, filled)
}

function readPart(descriptor: number, buffer: Buffer, filled: number, offset: number): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    fs.read(descriptor, buffer, filled, buffer.length - filled, offset, (error, bytesRead) =>
      error ? reject(error) : resolve(bytesRead),
    )
  })
}
