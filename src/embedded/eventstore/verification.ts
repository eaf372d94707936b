/** Reads a whole data directory and says whether it is what it should be. Nothing is changed; the node may run meanwhile. */
import { openIndexForReading } from './storage/index-reading.ts'
import { type Acknowledged, acknowledgedBy, isLoss } from './storage/log-end.ts'
import { type RecordView, recordFollowing, recordNameBytes, recordRevision } from './storage/record.ts'
import { bytesInUse, nextIntact, vouchedFor, walkRecords } from './storage/recovery.ts'
import { bytesOnDisk, closeSegments, noLogIn, openSegments, requireDirectory } from './storage/segment-files.ts'
import { holdsPosition, type Segment } from './storage/segments.ts'

export type Damage = { position: number; bytes: number }

type IndexError = { stream: string; revision: number; position: number }

export type VerifyReport = {
  events: number
  streams: number
  /** What the log's files take. */
  bytes: number
  endPosition: number
  /** Places that hold no intact record although acknowledged events must be there. */
  damaged: Damage[]
  /** The end of the log that is missing: it ends at `from`, and `source` says that events up to `to` were acknowledged. */
  lost: { from: number; to: number; source: Acknowledged['source'] } | undefined
  /** Streams whose revisions do not follow each other. */
  gaps: Array<{ stream: string; revision: number; expected: number }>
  /** Bytes of an append at the end that was never acknowledged, or is being written right now. */
  unfinishedBytes: number
  /** Events that the index places wrongly or does not know, although it claims to have come that far. */
  indexErrors: IndexError[]
  ok: boolean
}

const FILES_CHANGED_ATTEMPTS_MAX = 10

/**
 * Opens the log's files for reading. A scavenge may take a file away between the listing and the opening, so that is
 * tried again.
 */
export function openForReading(directory: string): ReturnType<typeof openSegments> {
  for (let attempt = 1; ; attempt++) {
    try {
      return openSegments(directory)
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (!isGone || attempt >= FILES_CHANGED_ATTEMPTS_MAX) throw error
    }
  }
}

/** Looks events up in the index, where there is one. */
function openLookUp(directory: string) {
  const index = openIndexForReading(directory)
  if (!index) return undefined
  const { database, close } = index
  const indexedTo = Number(database.prepare('SELECT indexed_to FROM progress').get()?.indexed_to ?? 0)
  const statement = database.prepare(
    'SELECT position FROM events WHERE stream = (SELECT id FROM streams WHERE name = ?) AND revision = ?',
  )
  const positionOf = (stream: string, revision: number): number | undefined => {
    const row = statement.get(stream, revision)
    return row === undefined ? undefined : Number(row.position)
  }
  return { indexedTo, positionOf, close }
}

/** Where the log has holes: a scavenge removed what was there, or an operator accepted its loss. In order. */
function holesIn(segments: readonly Segment[]): number[] {
  const holes: number[] = []
  let end = 0
  for (const segment of segments) {
    if (segment.start !== end) holes.push(end)
    end = segment.end
  }
  return holes
}

function hasHoleBetween(holes: readonly number[], from: number, to: number): boolean {
  let low = 0
  let high = holes.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (holes[middle]! < from) low = middle + 1
    else high = middle
  }
  return low < holes.length && holes[low]! <= to
}

/**
 * Checks every record, the order of revisions in every stream, the index against both, and that the log's end is there.
 * @throws {Error} where there is no log and no sign of one, a file is missing between others, or a header is damaged.
 */
export function verifyStore(directory: string): VerifyReport {
  requireDirectory(directory)
  const index = openLookUp(directory)
  // Before the files are opened: a running node may go on meanwhile, so they hold at least so much.
  const acknowledged = acknowledgedBy(directory, index?.indexedTo ?? 0)
  const { segments, coveredTo } = openForReading(directory)
  try {
    if (segments.length === 0 && acknowledged.position === 0) throw noLogIn(directory)
    const report = emptyReport(bytesOnDisk(segments))
    const check = createCheck(report, segments, index)
    const stopped = segments.length === 0 ? 0 : checkLog(segments, report, acknowledged.position, check.visit)
    const openFrom = check.openAppendFrom()
    if (openFrom !== undefined) report.unfinishedBytes = bytesInUse(segments.at(-1)!, openFrom)
    // At the end of a scavenged file no record need be.
    const isWhole = segments.at(-1)?.fileOffset === 0
    const end = isWhole ? (openFrom ?? stopped) : coveredTo
    if (isLoss(end, acknowledged.position)) {
      report.lost = { from: end, to: acknowledged.position, source: acknowledged.source }
    }
    report.streams = check.streamCount()
    report.indexErrors = stillThere(directory, report.indexErrors)
    const { damaged, lost, gaps, indexErrors } = report
    report.ok = damaged.length === 0 && !lost && gaps.length === 0 && indexErrors.length === 0
    return report
  } finally {
    closeSegments(segments)
    index?.close()
  }
}

function emptyReport(bytes: number): VerifyReport {
  return {
    events: 0,
    streams: 0,
    bytes,
    endPosition: 0,
    damaged: [],
    lost: undefined,
    gaps: [],
    unfinishedBytes: 0,
    indexErrors: [],
    ok: false,
  }
}

/** What is looked at in each record. */
function createCheck(report: VerifyReport, segments: readonly Segment[], index: ReturnType<typeof openLookUp>) {
  const holes = holesIn(segments)
  const lastStart = segments.at(-1)?.start ?? 0
  const last = new Map<string, { revision: number; position: number }>()
  let openAppendFrom: number | undefined
  const visit = (record: RecordView, position: number): void => {
    report.events++
    // Only at the end of the last file can an append be unfinished: of others a scavenge may have removed the rest.
    const isOpen = recordFollowing(record) > 0 && position >= lastStart
    openAppendFrom = isOpen ? (openAppendFrom ?? position) : undefined
    const stream = recordNameBytes(record).toString('utf8')
    const revision = recordRevision(record)
    const before = last.get(stream) ?? { revision: -1, position: 0 }
    const expected = before.revision + 1
    const mayBeRemoved = revision > expected && hasHoleBetween(holes, before.position, position)
    if (revision !== expected && !mayBeRemoved) report.gaps.push({ stream, revision, expected })
    last.set(stream, { revision, position })
    if (index && position < index.indexedTo && index.positionOf(stream, revision) !== position) {
      report.indexErrors.push({ stream, revision, position })
    }
  }
  return { visit, streamCount: () => last.size, openAppendFrom: () => openAppendFrom }
}

/** Walks the log to its end, past damaged places, which are reported. Returns where it ends. */
function checkLog(
  segments: readonly Segment[],
  report: VerifyReport,
  acknowledgedTo: number,
  visit: (record: RecordView, position: number) => void,
): number {
  const last = segments.at(-1)!
  for (let from = 0; ; ) {
    const stopped = walkRecords(segments, from, visit)
    report.endPosition = stopped
    const unreadable = bytesInUse(last, Math.max(stopped, last.start))
    if (stopped >= last.end || (stopped >= last.start && unreadable === 0)) return stopped
    const next = nextIntact(segments, stopped + 1)
    const isAcknowledged = acknowledgedTo > stopped || vouchedFor(segments, stopped) > stopped
    // A running node writes one thing after the other: what was half written while it was read is whole by now, if
    // something stands behind it.
    from = walkRecords(segments, stopped, visit)
    if (from > stopped) continue
    if (!isAcknowledged) report.unfinishedBytes = unreadable
    else if (next !== undefined) report.damaged.push({ position: stopped, bytes: next - stopped })
    if (next === undefined || !isAcknowledged) return stopped
    from = next
  }
}

/** Errors about events that a scavenge has not removed since the log was opened. */
function stillThere(directory: string, errors: IndexError[]): IndexError[] {
  if (errors.length === 0) return errors
  const { segments } = openForReading(directory)
  const left = errors.filter(({ position }) => holdsPosition(segments, position))
  closeSegments(segments)
  return left
}
