/**
 * What start-up makes of the log's tail. Only the last append can be torn by a crash or a power cut. Each record
 * carries the position up to which the log was on disk when it was written, so an unreadable record can be told
 * apart: one that a later record knew to be on disk is damage, and is reported; one that nothing later vouches for
 * was never acknowledged, and is dropped.
 */
import fs from 'node:fs'
import { isIntact, MINIMUM_RECORD_BYTES, type RecordView, recordCommittedTo, recordFollowing } from './record.ts'
import { DamagedLogError, readSegment, SEGMENT_HEADER_BYTES, type Segment, segmentOf } from './segments.ts'

const SCAN_BYTES = 1024 * 1024
/** No record is larger: the largest append, its names and its framing. */
const LARGEST_RECORD_BYTES = 20 * 1024 * 1024

/** Bytes of the record at `position`, as its header claims, or 0 where the header cannot be read. */
function claimedLength(segment: Segment, position: number): number {
  const head = readSegment(segment, position, 4)
  return head.length < 4 ? 0 : head.readUInt32LE(0)
}

/**
 * Walks the whole, undamaged records from `from` to the end of the log and hands each to `visit`.
 * Returns where the walk stopped: the log's end, or the position of the first record that is not intact.
 */
export function walkRecords(
  segments: Segment[],
  from: number,
  visit: (record: RecordView, position: number) => void,
): number {
  let position = from
  for (;;) {
    const segment = segmentOf(segments, position)
    if (position === segment.start) position += SEGMENT_HEADER_BYTES
    if (position >= segment.end) {
      const isLast = segment === segments.at(-1)
      if (isLast) return position
      continue
    }
    const wanted = Math.min(SCAN_BYTES, segment.end - position)
    let chunk = readSegment(segment, position, wanted)
    let offset = 0
    while (isIntact(chunk, offset, position)) {
      const length = chunk.readUInt32LE(offset)
      visit({ buffer: chunk, offset, length }, position)
      offset += length
      position += length
    }
    if (position >= segment.end) continue
    if (offset > 0) continue
    const claimed = claimedLength(segment, position)
    if (claimed <= wanted || claimed > segment.end - position) return position
    chunk = readSegment(segment, position, claimed)
    if (!isIntact(chunk, 0, position)) return position
    visit({ buffer: chunk, offset: 0, length: claimed }, position)
    position += claimed
  }
}

/** The highest position that any intact record behind `from` vouches for. Looks at every byte, so only for tails. */
export function vouchedFor(segments: Segment[], from: number): number {
  let highest = 0
  for (const segment of segments) {
    if (segment.end <= from) continue
    const start = Math.max(from, segment.start)
    const rest = readSegment(segment, start, segment.end - start)
    for (let offset = 0; offset + MINIMUM_RECORD_BYTES <= rest.length; offset++) {
      if (!isIntact(rest, offset, start + offset)) continue
      const record = { buffer: rest, offset, length: rest.readUInt32LE(offset) }
      highest = Math.max(highest, recordCommittedTo(record))
      offset += record.length - 1
    }
  }
  return highest
}

/**
 * Finds the end of the acknowledged log and cuts the torn rest off. `from` is a position known to begin a record
 * (or the end), and `visit` receives every record of every whole append behind it.
 */
export function recoverTail(
  segments: Segment[],
  from: number,
  visit: (record: RecordView, position: number) => void,
  onNotice: (notice: string) => void,
): number {
  let openAppend: Array<{ record: RecordView; position: number }> = []
  const stopped = walkRecords(segments, from, (record, position) => {
    openAppend.push({ record, position })
    if (recordFollowing(record) > 0) return
    for (const entry of openAppend) visit(entry.record, entry.position)
    openAppend = []
  })
  const end = openAppend[0]?.position ?? stopped
  const last = segments.at(-1)!
  if (end === last.end) return end
  const torn = bytesInUse(last, end)
  if (torn > 0 && (vouchedFor(segments, stopped) > end || segmentOf(segments, end) !== last)) {
    throw new DamagedLogError(end, 'no intact record there, although later ones show that it was acknowledged')
  }
  if (torn > 0) {
    onNotice(`dropped ${torn} bytes of an unacknowledged append at position ${end}, the end of the log`)
  }
  const descriptor = fs.openSync(last.path, 'r+')
  try {
    fs.ftruncateSync(descriptor, end - last.start)
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
  last.end = end
  return end
}

/** What stands before a position: a whole record (or a segment's header), something damaged, or nothing at all. */
export function beforePosition(segments: Segment[], position: number): 'whole' | 'damaged' | 'nothing' {
  const last = segments.at(-1)!
  if (position > last.end) return 'nothing'
  const segment = segmentOf(segments, Math.max(0, position - 1))
  const first = segment.start + SEGMENT_HEADER_BYTES
  if (position <= first) return 'whole'
  const trailer = readSegment(segment, position - 4, 4)
  const length = trailer.length === 4 ? trailer.readUInt32LE(0) : 0
  if (length === 0) return 'nothing'
  const start = position - length
  return start >= first && isIntact(readSegment(segment, start, length), 0, start) ? 'whole' : 'damaged'
}

/** How many bytes behind a position of the last segment were written; what follows is allocated ahead and all zero. */
export function bytesInUse(segment: Segment, position: number): number {
  let used = 0
  for (let start = position; start < segment.end; start += SCAN_BYTES) {
    const window = readSegment(segment, start, Math.min(SCAN_BYTES, segment.end - start))
    let length = window.length
    while (length > 0 && window[length - 1] === 0) length--
    if (length > 0) used = start + length - position
  }
  return used
}

/** The position of the next intact record behind a damaged place, or undefined where none follows. */
export function nextIntact(segments: Segment[], from: number): number | undefined {
  for (const segment of segments) {
    if (segment.end <= from) continue
    const first = Math.max(from, segment.start + SEGMENT_HEADER_BYTES)
    for (let start = first; start < segment.end; start += SCAN_BYTES) {
      // The overlap lets a record that begins in one window end in the next.
      const window = readSegment(segment, start, Math.min(SCAN_BYTES + LARGEST_RECORD_BYTES, segment.end - start))
      const last = Math.min(SCAN_BYTES, window.length)
      for (let offset = 0; offset < last; offset++) {
        if (isIntact(window, offset, start + offset)) return start + offset
      }
    }
  }
  return undefined
}
