/**
 * What start-up makes of the log's tail. Only the last append can be torn by a crash or a power cut. Each record
 * carries the position up to which the log was on disk when it was written, so an unreadable record can be told
 * apart: one that a later record knew to be on disk is damage, and is reported; one that nothing later vouches for
 * was never acknowledged, unless log-end.ts or the index says that it was, and is dropped.
 */
import fs from 'node:fs'
import { type Acknowledged, isLoss, LostEventsError } from './log-end.ts'
import { isIntact, MINIMUM_RECORD_BYTES, type RecordView, recordCommittedTo, recordFollowing } from './record.ts'
import { DamagedLogError, locate, readSegment, type Segment, segmentOf } from './segments.ts'

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
  segments: readonly Segment[],
  from: number,
  visit: (record: RecordView, position: number) => void,
): number {
  let next = from
  for (;;) {
    const found = locate(segments, next)
    if (!found) return Math.max(next, segments.at(-1)!.end)
    const { segment, position } = found
    const wanted = Math.min(SCAN_BYTES, segment.end - position)
    let chunk = readSegment(segment, position, wanted)
    let offset = 0
    while (isIntact(chunk, offset, position + offset)) {
      const length = chunk.readUInt32LE(offset)
      visit({ buffer: chunk, offset, length }, position + offset)
      offset += length
    }
    next = position + offset
    if (offset > 0) continue
    const claimed = claimedLength(segment, position)
    if (claimed <= wanted || claimed > segment.end - position) return position
    chunk = readSegment(segment, position, claimed)
    if (!isIntact(chunk, 0, position)) return position
    visit({ buffer: chunk, offset: 0, length: claimed }, position)
    next = position + claimed
  }
}

/** The highest position that any intact record behind `from` vouches for. Looks at every byte, so only for tails. */
export function vouchedFor(segments: readonly Segment[], from: number): number {
  let highest = 0
  for (const segment of segments) {
    if (segment.end <= from) continue
    const start = Math.max(from, segment.first)
    if (start >= segment.end) continue
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

export type TailRecovery = {
  /** A position known to begin a record, or the end. */
  from: number
  acknowledged: Acknowledged
  directory: string
  /** Receives every record of every whole append behind `from`. */
  visit: (record: RecordView, position: number) => void
  onNotice: (notice: string) => void
}

/** Where the last whole append ends, and where reading stopped. An append is in one file, so only the last may have an open one. */
function endOfWholeAppends(
  segments: readonly Segment[],
  from: number,
  visit: TailRecovery['visit'],
): { end: number; stopped: number } {
  const last = segments.at(-1)!
  let openAppend: Array<{ record: RecordView; position: number }> = []
  const stopped = walkRecords(segments, from, (record, position) => {
    openAppend.push({ record, position })
    if (recordFollowing(record) > 0 && position >= last.start) return
    for (const entry of openAppend) visit(entry.record, entry.position)
    openAppend = []
  })
  return { end: openAppend[0]?.position ?? stopped, stopped }
}

/**
 * Finds the end of the acknowledged log; what is behind it is for the caller to cut off.
 * @throws {DamagedLogError} where a later record shows that what cannot be read was acknowledged.
 * @throws {LostEventsError} where the index or the record of the log's end shows it.
 */
export function recoverTail(segments: readonly Segment[], recovery: TailRecovery): number {
  const { acknowledged, directory, onNotice } = recovery
  const last = segments.at(-1)!
  const { end, stopped } = endOfWholeAppends(segments, recovery.from, recovery.visit)
  const torn = end === last.end ? 0 : bytesInUse(last, Math.max(end, last.start))
  if (torn > 0 && (vouchedFor(segments, stopped) > end || segmentOf(segments, end) !== last)) {
    throw new DamagedLogError(end, 'no intact record there, although later ones show that it was acknowledged')
  }
  if (isLoss(end, acknowledged.position)) throw new LostEventsError(directory, end, acknowledged)
  if (torn > 0) {
    onNotice(`dropped ${torn} bytes of an unacknowledged append at position ${end}, the end of the log`)
  }
  return end
}

/**
 * Where the log's last whole append ends, whatever was acknowledged. Reads all of it.
 * @throws {DamagedLogError} where intact records follow behind a place that cannot be read.
 */
export function findIntactEnd(segments: readonly Segment[]): number {
  const { end, stopped } = endOfWholeAppends(segments, 0, () => undefined)
  const next = nextIntact(segments, stopped + 1)
  if (next === undefined) return end
  throw new DamagedLogError(stopped, `no intact record there, although one follows at position ${next}`)
}

/** Cuts the last file off behind a position, durably. */
export function cutSegment(last: Segment, end: number): void {
  const descriptor = fs.openSync(last.file.path, 'r+')
  try {
    fs.ftruncateSync(descriptor, end - last.start)
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
  last.end = end
}

/** What stands before a position: a whole record (or a segment's header), something damaged, or nothing at all. */
export function beforePosition(segments: readonly Segment[], position: number): 'whole' | 'damaged' | 'nothing' {
  const last = segments.at(-1)!
  if (position > last.end) return 'nothing'
  const segment = segmentOf(segments, Math.max(0, position - 1))
  // Behind a stretch that was kept stands what a scavenge has removed.
  if (position <= segment.first || position > segment.end) return 'whole'
  const trailer = readSegment(segment, position - 4, 4)
  const length = trailer.length === 4 ? trailer.readUInt32LE(0) : 0
  if (length === 0) return 'nothing'
  const start = position - length
  return start >= segment.first && isIntact(readSegment(segment, start, length), 0, start) ? 'whole' : 'damaged'
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
export function nextIntact(segments: readonly Segment[], from: number): number | undefined {
  for (const segment of segments) {
    if (segment.end <= from) continue
    const first = Math.max(from, segment.first)
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
