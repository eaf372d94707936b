/** Care of a data directory: back it up while it is in use, restore it, and say what is in it. */
import fs from 'node:fs'
import path from 'node:path'
import { backup as backupDatabase } from 'node:sqlite'
import { DEFAULT_LIMITS } from './options.ts'
import { INDEX_FILE, openIndexForReading, readIndexedTo } from './storage/index-reading.ts'
import { type Acknowledged, acknowledgedBy, LOG_END_FILE, writeLogEnd } from './storage/log-end.ts'
import { recordCreatedMs } from './storage/record.ts'
import { cutSegment, recoverTail, walkRecords } from './storage/recovery.ts'
import type { ScavengeReport } from './storage/scavenge.ts'
import {
  bytesOnDisk,
  closeSegments,
  hasSegments,
  noLogIn,
  openSegments,
  syncDirectory,
} from './storage/segment-files.ts'
import { filesOf, type Segment, type SegmentFile } from './storage/segments.ts'
import { EventStore } from './storage/store.ts'
import { openForReading, verifyStore } from './verification.ts'

export type BackupReport = { directory: string; events: number; bytes: number; endPosition: number }

const COPY_CHUNK_BYTES = 1024 * 1024

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
 * @throws {Error} where the target exists, or the log is damaged or lacks its end.
 */
export async function backupStore(directory: string, target: string): Promise<BackupReport> {
  if (fs.existsSync(target)) throw new Error(`${target} exists already`)
  if (!hasSegments(directory)) throw noLogIn(directory)
  const partial = `${target}.partial`
  fs.rmSync(partial, { recursive: true, force: true })
  fs.mkdirSync(partial, { recursive: true })
  const acknowledged = acknowledgedBy(
    directory,
    readIndexedTo(directory, () => undefined),
  )
  const index = openIndexForReading(directory)
  if (index) await backupDatabase(index.database, path.join(partial, INDEX_FILE))
  index?.close()
  const { segments } = openForReading(directory)
  for (const file of filesOf(segments)) copyLogFile(file, path.join(partial, path.basename(file.path)))
  closeSegments(segments)
  const report = finishCopy(partial, acknowledged)
  fs.renameSync(partial, target)
  syncDirectory(path.dirname(path.resolve(target)))
  return { ...report, directory: target }
}

/** Copies what was opened: under its name a scavenge may have put another file meanwhile. */
function copyLogFile({ descriptor }: SegmentFile, target: string): void {
  const chunk = Buffer.alloc(COPY_CHUNK_BYTES)
  const writer = fs.openSync(target, 'wx')
  try {
    for (let position = 0; ; ) {
      const count = fs.readSync(descriptor, chunk, 0, chunk.length, position)
      if (count === 0) return
      fs.writeFileSync(writer, chunk.subarray(0, count))
      position += count
    }
  } finally {
    fs.closeSync(writer)
  }
}

/** Cuts an unfinished append off a copy, makes the copy durable, and counts what is in it. */
function finishCopy(directory: string, acknowledged: Acknowledged): BackupReport {
  const { segments } = openSegments(directory)
  try {
    let events = 0
    const end = countAndCut(segments, { directory, acknowledged, visit: () => events++ })
    writeLogEnd(directory, end)
    for (const name of fs.readdirSync(directory)) syncFile(path.join(directory, name))
    syncDirectory(directory)
    return { directory, events, bytes: bytesOnDisk(segments), endPosition: end }
  } finally {
    closeSegments(segments)
  }
}

type Copy = { directory: string; acknowledged: Acknowledged; visit: () => void }

function countAndCut(segments: readonly Segment[], copy: Copy): number {
  const end = recoverTail(segments, { ...copy, from: 0, onNotice: () => undefined })
  const last = segments.at(-1)!
  if (last.fileOffset === 0 && end !== last.end) cutSegment(last, end)
  return end
}

/**
 * Puts a backup into a directory that holds no log yet, after verifying it.
 * @throws {Error} where there is no backup or it is damaged, or the directory holds a log.
 */
export function restoreStore(backup: string, directory: string): BackupReport {
  const report = verifyStore(backup)
  if (!report.ok) throw new Error(`the backup in ${backup} is damaged; it is not restored`)
  if (hasSegments(directory)) {
    throw new Error(`${directory} holds an event log already`)
  }
  fs.mkdirSync(directory, { recursive: true })
  // The segments come last, so that a restore that is cut short leaves no directory that looks whole.
  const segments = fs.readdirSync(backup).filter((name) => /^log-\d{16}\.seg$/.test(name))
  const others = [INDEX_FILE, LOG_END_FILE].filter((name) => fs.existsSync(path.join(backup, name)))
  const names = [...others, ...segments]
  // What a log that is gone has left there would be taken for a part of this one.
  for (const name of [LOG_END_FILE, INDEX_FILE, `${INDEX_FILE}-wal`, `${INDEX_FILE}-shm`]) {
    fs.rmSync(path.join(directory, name), { force: true })
  }
  for (const name of names) fs.copyFileSync(path.join(backup, name), path.join(directory, `${name}.restoring`))
  for (const name of names) syncFile(path.join(directory, `${name}.restoring`))
  for (const name of names) fs.renameSync(path.join(directory, `${name}.restoring`), path.join(directory, name))
  syncDirectory(directory)
  return { directory, events: report.events, bytes: report.bytes, endPosition: report.endPosition }
}

/**
 * Gives the space of events that no reader can see back, in a directory that no node uses.
 * @throws {DirectoryInUseError} where one does.
 */
export async function scavengeStore(directory: string): Promise<ScavengeReport> {
  if (!hasSegments(directory)) throw noLogIn(directory)
  const limits = { ...DEFAULT_LIMITS, checkBytesPerSecond: 0 }
  const store = new EventStore({ ...limits, directory, onNotice: () => undefined })
  try {
    const scavenge = store.care.startScavenge()
    await scavenge.done()
    return scavenge.report
  } finally {
    await store.close()
  }
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
  if (!hasSegments(directory)) throw noLogIn(directory)
  const { segments } = openForReading(directory)
  try {
    const { mark, ...known } = indexStatistics(directory)
    let createdMs: number | undefined
    const endPosition = walkRecords(segments, mark, (record) => {
      createdMs = recordCreatedMs(record)
    })
    return {
      segments: filesOf(segments).length,
      bytes: bytesOnDisk(segments),
      endPosition,
      ...known,
      lastEventAt: createdMs === undefined ? undefined : new Date(createdMs).toISOString(),
    }
  } finally {
    closeSegments(segments)
  }
}

/** `mark` is the last position of which the index says that a record begins there. */
function indexStatistics(directory: string) {
  const index = openIndexForReading(directory)
  if (!index) return { events: 0, streams: 0, indexedTo: 0, indexBytes: 0, mark: 0 }
  const { database } = index
  const progress = database.prepare('SELECT indexed_to, events FROM progress').get()
  const known = {
    indexedTo: Number(progress?.indexed_to ?? 0),
    events: Number(progress?.events ?? 0),
    streams: Number(database.prepare('SELECT count(*) AS count FROM streams').get()!.count),
    indexBytes: fs.statSync(path.join(directory, INDEX_FILE)).size,
    mark: Number(database.prepare('SELECT max(position) AS position FROM marks').get()?.position ?? 0),
  }
  index.close()
  return known
}
