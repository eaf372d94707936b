/** Care of a data directory: verify it, back it up while it is in use, restore it, and say what is in it. */
import fs from 'node:fs'
import path from 'node:path'
import { backup as backupDatabase, DatabaseSync } from 'node:sqlite'
import { type RecordView, recordCreatedMs, recordFollowing, recordNameBytes, recordRevision } from './storage/record.ts'
import { bytesInUse, nextIntact, recoverTail, vouchedFor, walkRecords } from './storage/recovery.ts'
import { openSegments, SEGMENT_HEADER_BYTES, type Segment, syncDirectory } from './storage/segments.ts'

export type Damage = { position: number; bytes: number }

export type VerifyReport = {
  events: number
  streams: number
  bytes: number
  endPosition: number
  /** Places that hold no intact record although acknowledged events must be there. */
  damaged: Damage[]
  /** Streams whose revisions do not follow each other. */
  gaps: Array<{ stream: string; revision: number; expected: number }>
  /** Bytes of an append at the end that was never acknowledged, or is being written right now. */
  unfinishedBytes: number
  /** Events that the index places wrongly or does not know, although it claims to have come that far. */
  indexErrors: Array<{ stream: string; revision: number; position: number }>
  ok: boolean
}

function openForReading(directory: string): Segment[] {
  const hasLog = fs.existsSync(directory) && fs.readdirSync(directory).some((name) => name.endsWith('.seg'))
  if (!hasLog) throw new Error(`there is no event log in ${directory}`)
  return openSegments(directory, 'keep')
}

function closeAll(segments: Segment[]): void {
  for (const segment of segments) fs.closeSync(segment.descriptor)
}

/** Looks events up in the index, where there is one; it may be in use by a running node meanwhile. */
function openIndexForReading(directory: string) {
  const file = path.join(directory, 'index.db')
  if (!fs.existsSync(file)) return undefined
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const indexedTo = Number(database.prepare('SELECT indexed_to FROM progress').get()?.indexed_to ?? 0)
    const statement = database.prepare(
      'SELECT position FROM events WHERE stream = (SELECT id FROM streams WHERE name = ?) AND revision = ?',
    )
    const positionOf = (stream: string, revision: number): number | undefined => {
      const row = statement.get(stream, revision)
      return row === undefined ? undefined : Number(row.position)
    }
    return { indexedTo, positionOf, close: () => database.close() }
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Reads the whole log and checks every record, the order of revisions in every stream, and the index against both.
 * Nothing is changed; the node may run meanwhile. @throws {Error} where there is no log, or a segment's header is damaged.
 */
export function verifyStore(directory: string): VerifyReport {
  const index = openIndexForReading(directory)
  const segments = openForReading(directory)
  const last = new Map<string, number>()
  const report: VerifyReport = {
    events: 0,
    streams: 0,
    bytes: segments.reduce((total, { start, end }) => total + end - start, 0),
    endPosition: 0,
    damaged: [],
    gaps: [],
    unfinishedBytes: 0,
    indexErrors: [],
    ok: false,
  }
  let openAppendFrom: number | undefined
  const visit = (record: RecordView, position: number) => {
    report.events++
    openAppendFrom = recordFollowing(record) > 0 ? (openAppendFrom ?? position) : undefined
    const stream = recordNameBytes(record).toString('utf8')
    const revision = recordRevision(record)
    const expected = (last.get(stream) ?? -1) + 1
    if (revision !== expected) report.gaps.push({ stream, revision, expected })
    last.set(stream, revision)
    if (index && position < index.indexedTo && index.positionOf(stream, revision) !== position) {
      report.indexErrors.push({ stream, revision, position })
    }
  }
  const end = segments.at(-1)!.end
  let from = SEGMENT_HEADER_BYTES
  for (;;) {
    const stopped = walkRecords(segments, from, visit)
    report.endPosition = stopped
    const unreadable = bytesInUse(segments.at(-1)!, Math.max(stopped, segments.at(-1)!.start))
    if (stopped >= end || (stopped >= segments.at(-1)!.start && unreadable === 0)) break
    const next = nextIntact(segments, stopped + 1)
    const acknowledged = vouchedFor(segments, stopped) > stopped || (index?.indexedTo ?? 0) > stopped
    if (acknowledged) report.damaged.push({ position: stopped, bytes: (next ?? end) - stopped })
    else report.unfinishedBytes = unreadable
    if (next === undefined || !acknowledged) break
    from = next
  }
  if (openAppendFrom !== undefined) report.unfinishedBytes = bytesInUse(segments.at(-1)!, openAppendFrom)
  report.streams = last.size
  report.ok = report.damaged.length === 0 && report.gaps.length === 0 && report.indexErrors.length === 0
  closeAll(segments)
  index?.close()
  return report
}

export type BackupReport = { directory: string; events: number; bytes: number; endPosition: number }

function syncFile(file: string): void {
  const descriptor = fs.openSync(file, 'r+')
  try {
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}

/**
 * Copies the log up to its last whole append, and the index. The node may run meanwhile: the log only grows, and the
 * index is copied first, so that it never knows more than the log. The copy appears under its name once it is complete.
 * @throws {Error} where the target exists.
 */
export async function backupStore(directory: string, target: string): Promise<BackupReport> {
  if (fs.existsSync(target)) throw new Error(`${target} exists already`)
  const partial = `${target}.partial`
  fs.rmSync(partial, { recursive: true, force: true })
  fs.mkdirSync(partial, { recursive: true })
  const indexFile = path.join(directory, 'index.db')
  if (fs.existsSync(indexFile)) {
    const database = new DatabaseSync(indexFile, { readOnly: true })
    await backupDatabase(database, path.join(partial, 'index.db'))
    database.close()
  }
  const sources = openForReading(directory)
  for (const { path: file } of sources) fs.copyFileSync(file, path.join(partial, path.basename(file)))
  closeAll(sources)
  const report = finishCopy(partial)
  fs.renameSync(partial, target)
  syncDirectory(path.dirname(path.resolve(target)))
  return { ...report, directory: target }
}

/** Cuts an unfinished append off a copy, makes the copy durable, and counts what is in it. */
function finishCopy(directory: string): BackupReport {
  const segments = openSegments(directory, 'remove')
  let events = 0
  const end = recoverTail(
    segments,
    SEGMENT_HEADER_BYTES,
    () => events++,
    () => undefined,
  )
  closeAll(segments)
  for (const name of fs.readdirSync(directory)) syncFile(path.join(directory, name))
  syncDirectory(directory)
  const bytes = segments.reduce((total, segment) => total + segment.end - segment.start, 0)
  return { directory, events, bytes, endPosition: end }
}

/**
 * Puts a backup into a directory that holds no log yet, after verifying it.
 * @throws {Error} where the backup is damaged or the directory holds a log.
 */
export function restoreStore(backup: string, directory: string): BackupReport {
  const report = verifyStore(backup)
  if (!report.ok) throw new Error(`the backup in ${backup} is damaged; it is not restored`)
  if (fs.existsSync(directory) && fs.readdirSync(directory).some((name) => name.endsWith('.seg'))) {
    throw new Error(`${directory} holds an event log already`)
  }
  fs.mkdirSync(directory, { recursive: true })
  // The segments come last, so that a restore that is cut short leaves no directory that looks whole.
  const names = fs.readdirSync(backup).filter((name) => /^(log-\d{16}\.seg|index\.db)$/.test(name))
  for (const name of names) fs.copyFileSync(path.join(backup, name), path.join(directory, `${name}.restoring`))
  for (const name of names) syncFile(path.join(directory, `${name}.restoring`))
  for (const name of names) fs.renameSync(path.join(directory, `${name}.restoring`), path.join(directory, name))
  syncDirectory(directory)
  return { directory, events: report.events, bytes: report.bytes, endPosition: report.endPosition }
}

export type StoreStatistics = {
  segments: number
  bytes: number
  endPosition: number
  /** As the index knows them; a running node indexes a little behind its log. */
  events: number
  streams: number
  indexedTo: number
  indexBytes: number
  lastEventAt: string | undefined
}

/** What is in a directory, without reading the whole log; the node may run meanwhile. */
export function storeStatistics(directory: string): StoreStatistics {
  const segments = openForReading(directory)
  const file = path.join(directory, 'index.db')
  const known = { events: 0, streams: 0, indexedTo: 0, indexBytes: 0 }
  let mark = SEGMENT_HEADER_BYTES
  if (fs.existsSync(file)) {
    const database = new DatabaseSync(file, { readOnly: true })
    const progress = database.prepare('SELECT indexed_to, events FROM progress').get()
    known.indexedTo = Number(progress?.indexed_to ?? 0)
    known.events = Number(progress?.events ?? 0)
    known.streams = Number(database.prepare('SELECT count(*) AS count FROM streams').get()!.count)
    known.indexBytes = fs.statSync(file).size
    mark = Number(database.prepare('SELECT max(position) AS position FROM marks').get()?.position ?? mark)
    database.close()
  }
  let createdMs: number | undefined
  const endPosition = walkRecords(segments, Math.max(mark, SEGMENT_HEADER_BYTES), (record) => {
    createdMs = recordCreatedMs(record)
  })
  closeAll(segments)
  return {
    segments: segments.length,
    bytes: segments.reduce((total, { start, end }) => total + end - start, 0),
    endPosition,
    ...known,
    lastEventAt: createdMs === undefined ? undefined : new Date(createdMs).toISOString(),
  }
}
