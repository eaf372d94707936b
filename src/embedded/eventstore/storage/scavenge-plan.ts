/**
 * What a scavenge keeps of a file of the log. An event goes if no reader can see it any more: it is before `$tb`, beyond
 * `$maxCount`, older than `$maxAge`, or of a deleted stream. The last event of a stream stays, since it tells the
 * revision that the next one gets; of a tombstoned stream only the tombstone stays.
 */
import type { EventLog } from './log.ts'
import {
  FLAG_TOMBSTONE,
  type RecordView,
  recordCreatedMs,
  recordFlags,
  recordNameBytes,
  recordPosition,
  recordRevision,
} from './record.ts'
import type { Stretch } from './segment-files.ts'
import type { SegmentFile } from './segments.ts'

/** What of a stream no reader can see. */
export type Discard = {
  isTombstoned: boolean
  /** Events before this revision; never the last one. */
  beforeRevision: number
  /** Events from before this time, but the last one. */
  beforeMs: number
  lastRevision: number
}

export type FilePlan = {
  file: SegmentFile
  /** Where the next file begins. */
  end: number
  kept: Stretch[]
  keptBytes: number
  removedBytes: number
  removedEvents: number
  /** The highest revision removed, by stream. */
  removed: Map<string, number>
}

/**
 * A stretch costs memory, some 80 bytes, for as long as the node runs. Where a file would have more of them than one in
 * so many bytes, or the log more than so many, the smallest removals are not carried out.
 */
const BYTES_PER_STRETCH = 1024
const STRETCHES_MAX = 250_000

export function isDiscarded(record: RecordView, discard: Discard): boolean {
  if ((recordFlags(record) & FLAG_TOMBSTONE) !== 0) return false
  if (discard.isTombstoned) return true
  const revision = recordRevision(record)
  if (revision >= discard.lastRevision) return false
  return revision < discard.beforeRevision || recordCreatedMs(record) < discard.beforeMs
}

type Planning = {
  log: EventLog
  chunkBytes: number
  discardOf: (stream: string) => Discard
  signal: AbortSignal
}

type Removal = { start: number; end: number; events: number }

/**
 * Reads a file that is no longer written to. @throws {DamagedLogError} where it is damaged: it is left as it is then.
 */
export async function planFile(file: SegmentFile, end: number, planning: Planning): Promise<FilePlan> {
  const { log, chunkBytes, discardOf, signal } = planning
  const held: Stretch[] = []
  const removals: Removal[] = []
  const removed = new Map<string, number>()
  for (let cursor = file.start; ; ) {
    signal.throwIfAborted()
    const records = await log.readForwards(cursor, chunkBytes)
    if (!records) break
    for (const record of records) {
      const position = recordPosition(record)
      if (position >= end) return summarize({ file, end, removed }, held, removals, log.segments.length)
      cursor = position + record.length
      append(held, position, record.length)
      const stream = recordNameBytes(record).toString('utf8')
      if (!isDiscarded(record, discardOf(stream))) continue
      appendRemoval(removals, position, record.length)
      removed.set(stream, Math.max(removed.get(stream) ?? 0, recordRevision(record)))
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  return summarize({ file, end, removed }, held, removals, log.segments.length)
}

function append(stretches: Stretch[], start: number, length: number): void {
  const last = stretches.at(-1)
  if (last && last.start + last.length === start) last.length += length
  else stretches.push({ start, length })
}

function appendRemoval(removals: Removal[], start: number, length: number): void {
  const last = removals.at(-1)
  if (last?.end === start) {
    last.end += length
    last.events++
  } else removals.push({ start, end: start + length, events: 1 })
}

type Named = Pick<FilePlan, 'file' | 'end' | 'removed'>

/** `stretches` is how many the log has by now. */
function summarize(named: Named, held: readonly Stretch[], removals: readonly Removal[], stretches: number): FilePlan {
  const inFile = Math.ceil((named.end - named.file.start) / BYTES_PER_STRETCH) + 1 - held.length
  const carriedOut = largest(removals, Math.max(0, Math.min(inFile, STRETCHES_MAX - stretches)))
  const kept = without(held, carriedOut)
  const bytesOf = (stretches: readonly Stretch[]) => stretches.reduce((total, { length }) => total + length, 0)
  const keptBytes = bytesOf(kept)
  const removedEvents = carriedOut.reduce((total, { events }) => total + events, 0)
  return { ...named, kept, keptBytes, removedBytes: bytesOf(held) - keptBytes, removedEvents }
}

/** The largest removals, at most so many, in the order of the log. */
function largest(removals: readonly Removal[], countMax: number): readonly Removal[] {
  if (removals.length <= countMax) return removals
  const bySize = removals.toSorted((left, right) => right.end - right.start - (left.end - left.start))
  return bySize.slice(0, countMax).sort((left, right) => left.start - right.start)
}

/** Stretches less the removals, of which each lies in one of them. */
function without(held: readonly Stretch[], removals: readonly Removal[]): Stretch[] {
  const kept: Stretch[] = []
  let next = 0
  for (const { start, length } of held) {
    let from = start
    while (next < removals.length && removals[next]!.start < start + length) {
      const removal = removals[next++]!
      if (removal.start > from) append(kept, from, removal.start - from)
      from = Math.min(removal.end, start + length)
    }
    if (from < start + length) append(kept, from, start + length - from)
  }
  return kept
}
