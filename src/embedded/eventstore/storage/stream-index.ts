/**
 * The index beside the log: which positions belong to a stream. It is derived data in SQLite, written in batches
 * behind the log, so that an append costs one sequential write only; what it lacks after a crash is replayed from the
 * log at start-up, and when it is lost or unreadable it is built again.
 */
import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

/** Raised when the layout changes; an index of another version is thrown away and rebuilt. */
const INDEX_VERSION = 1
/** A mark is a position at which an event is known to begin; from the mark before it any other position is found. */
const EVENTS_BETWEEN_MARKS = 2048
export const ID_BYTES = 16
/** Events of a stream that a scavenge takes out of the index at a time. */
const REMOVED_PAGE = 500

export type IndexEntry = {
  streamId: number
  revision: number
  position: number
  length: number
  /** As `idText` has it. */
  id: string
  /** Whether a repetition looks for the id here: the event was appended without an exact revision. */
  isIdIndexed: boolean
}

/**
 * The 16 bytes of an event's id as text, a character for each byte. Ids are kept until the index has them, and a small
 * Buffer kept is a slice of a page of eight KiB, which stays with it.
 */
export const idText = (id: Buffer): string => id.toString('latin1')
const idBytes = (id: string): Buffer => Buffer.from(id, 'latin1')

export type EventPlace = { revision: number; position: number; length: number }

export type DamagedEvent = { position: number; stream: string; revision: number }

export type StreamRow = { id: number; lastRevision: number; tombstoned: boolean }

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS streams (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last_revision INTEGER NOT NULL, tombstoned INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS events (
    stream INTEGER NOT NULL, revision INTEGER NOT NULL, position INTEGER NOT NULL, length INTEGER NOT NULL,
    PRIMARY KEY (stream, revision)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS event_ids (
    stream INTEGER NOT NULL, id BLOB NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (stream, id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS marks (position INTEGER PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS progress (
    one INTEGER PRIMARY KEY CHECK (one = 1), indexed_to INTEGER NOT NULL, events INTEGER NOT NULL);
  INSERT OR IGNORE INTO progress VALUES (1, 0, 0);`

type Statements = Record<
  | 'stream'
  | 'putStream'
  | 'putEvent'
  | 'putId'
  | 'putMark'
  | 'putProgress'
  | 'findId'
  | 'forwards'
  | 'backwards'
  | 'markBefore',
  StatementSync
>

function prepareStatements(database: DatabaseSync): Statements {
  return {
    stream: database.prepare('SELECT id, last_revision, tombstoned FROM streams WHERE name = ?'),
    putStream: database.prepare(
      `INSERT INTO streams VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET last_revision = excluded.last_revision, tombstoned = excluded.tombstoned`,
    ),
    putEvent: database.prepare('INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?)'),
    putId: database.prepare('INSERT OR IGNORE INTO event_ids VALUES (?, ?, ?)'),
    putMark: database.prepare('INSERT OR IGNORE INTO marks VALUES (?)'),
    putProgress: database.prepare('UPDATE progress SET indexed_to = ?, events = ?'),
    findId: database.prepare('SELECT revision FROM event_ids WHERE stream = ? AND id = ?'),
    forwards: database.prepare(
      'SELECT revision, position, length FROM events WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?',
    ),
    backwards: database.prepare(
      'SELECT revision, position, length FROM events WHERE stream = ? AND revision <= ? ORDER BY revision DESC LIMIT ?',
    ),
    markBefore: database.prepare('SELECT position FROM marks WHERE position <= ? ORDER BY position DESC LIMIT 1'),
  }
}

class OtherIndexVersion extends Error {}

const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

/** Whether what is there is no index that can be used, as opposed to one that cannot be opened just now. */
function isUseless(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode ?? 0
  // The low byte is the kind of error, the rest its cause.
  return error instanceof OtherIndexVersion || [SQLITE_CORRUPT, SQLITE_NOTADB].includes(code & 0xff)
}

export class StreamIndex {
  readonly path: string
  indexedTo = 0
  eventCount = 0
  nextStreamId = 1
  private database: DatabaseSync
  private statements: Statements

  /**
   * Opens the index of a directory, or an empty one where there is none or what is there is no index of ours.
   * @throws {Error} where it cannot be opened for another reason, as on a disk that fails: it is left as it is.
   */
  constructor(directory: string, cacheKiB: number, onNotice: (notice: string) => void) {
    this.path = path.join(directory, 'index.db')
    try {
      this.database = this.openWithOrWithoutSpace(cacheKiB, onNotice)
    } catch (error) {
      if (!isUseless(error)) {
        throw new Error(`the index ${this.path} cannot be opened: ${(error as Error).message}`, { cause: error })
      }
      onNotice(`the index cannot be used and is built again: ${(error as Error).message}`)
      this.remove()
      this.database = this.open(cacheKiB)
    }
    this.statements = prepareStatements(this.database)
    const progress = this.database.prepare('SELECT indexed_to, events FROM progress').get()!
    this.indexedTo = Number(progress.indexed_to)
    this.eventCount = Number(progress.events)
    this.nextStreamId = Number(
      this.database.prepare('SELECT coalesce(max(id), 0) + 1 AS next FROM streams').get()!.next,
    )
  }

  /** A full disk has no room for the memory that connections share; alone the node does without. */
  private openWithOrWithoutSpace(cacheKiB: number, onNotice: (notice: string) => void): DatabaseSync {
    try {
      return this.open(cacheKiB)
    } catch (error) {
      if (isUseless(error)) throw error
      const database = this.open(cacheKiB, 'EXCLUSIVE')
      onNotice(`the index is opened for this process alone: ${(error as Error).message}`)
      return database
    }
  }

  private open(cacheKiB: number, locking: 'NORMAL' | 'EXCLUSIVE' = 'NORMAL'): DatabaseSync {
    const database = new DatabaseSync(this.path)
    try {
      database.exec(`PRAGMA locking_mode = ${locking}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${cacheKiB};
        PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY`)
      const version = Number(database.prepare('PRAGMA user_version').get()!.user_version)
      if (version !== 0 && version !== INDEX_VERSION) throw new OtherIndexVersion(`it has version ${version}`)
      // On a full disk an index that is there needs no write to be opened.
      if (version === 0) database.exec(`${SCHEMA} PRAGMA user_version = ${INDEX_VERSION}`)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  }

  private remove(): void {
    for (const suffix of ['', '-wal', '-shm']) fs.rmSync(this.path + suffix, { force: true })
  }

  /** Empties the index, so that it is built again from the log's start. */
  clear(): void {
    this.database.exec('DELETE FROM streams; DELETE FROM events; DELETE FROM event_ids; DELETE FROM marks')
    this.statements.putProgress.run(0, 0)
    this.indexedTo = 0
    this.eventCount = 0
    this.nextStreamId = 1
  }

  stream(name: string): StreamRow | undefined {
    const row = this.statements.stream.get(name)
    if (!row) return undefined
    return { id: Number(row.id), lastRevision: Number(row.last_revision), tombstoned: row.tombstoned === 1 }
  }

  /** The revision under which an event id was indexed in a stream. */
  revisionOf(streamId: number, id: string): number | undefined {
    const row = this.statements.findId.get(streamId, idBytes(id))
    return row === undefined ? undefined : Number(row.revision)
  }

  /** Up to `count` events of a stream from a revision on, in the direction asked for. */
  places(streamId: number, from: number, count: number, backwards: boolean): EventPlace[] {
    const statement = backwards ? this.statements.backwards : this.statements.forwards
    return statement.all(streamId, from, count) as EventPlace[]
  }

  /** Events at positions from one on, up to before another: all are looked through, so this is for damage, which is rare. */
  eventsBetween(from: number, to: number, limit: number): DamagedEvent[] {
    const rows = this.database
      .prepare(
        `SELECT position, name AS stream, revision FROM events JOIN streams ON streams.id = stream
         WHERE position >= ? AND position < ? ORDER BY position LIMIT ?`,
      )
      .all(from, to, limit)
    return rows as DamagedEvent[]
  }

  /** A position at or before the given one at which a record begins; 0 where none is known. */
  markBefore(position: number): number {
    return Number(this.statements.markBefore.get(position)?.position ?? 0)
  }

  /** Adds a run of events, in one transaction, and notes how far the log is now indexed. */
  add(
    entries: readonly IndexEntry[],
    streams: Iterable<{ id: number; name: string; lastRevision: number; tombstoned: boolean }>,
    indexedTo: number,
  ): void {
    const sorted = [...entries].sort((left, right) => left.streamId - right.streamId || left.revision - right.revision)
    const statements = this.statements
    this.database.exec('BEGIN IMMEDIATE')
    try {
      for (const entry of sorted) {
        statements.putEvent.run(entry.streamId, entry.revision, entry.position, entry.length)
        if (entry.isIdIndexed) statements.putId.run(entry.streamId, idBytes(entry.id), entry.revision)
      }
      for (const stream of streams) {
        statements.putStream.run(stream.id, stream.name, stream.lastRevision, stream.tombstoned ? 1 : 0)
      }
      for (let at = 0; at < entries.length; at += EVENTS_BETWEEN_MARKS) statements.putMark.run(entries[at]!.position)
      statements.putProgress.run(indexedTo, this.eventCount + entries.length)
      this.database.exec('COMMIT')
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK')
      throw error
    }
    this.indexedTo = indexedTo
    this.eventCount += entries.length
  }

  /**
   * Looks at a page of a stream's events from a revision up to another, and removes those that the log no longer holds, at
   * last their ids too. Marks stay: a position leads to the next record all the same. No other connection may be writing.
   * @returns the revision to go on from; undefined once all was looked at.
   */
  removePage(name: string, from: number, upTo: number, isHeld: (position: number) => boolean): number | undefined {
    const id = this.stream(name)?.id
    if (id === undefined) return undefined
    const places = this.places(id, from, REMOVED_PAGE, false).filter(({ revision }) => revision <= upTo)
    const gone = places.filter(({ position }) => !isHeld(position))
    const isLast = places.length < REMOVED_PAGE
    this.database.exec('BEGIN IMMEDIATE')
    try {
      const remove = this.database.prepare('DELETE FROM events WHERE stream = ? AND revision = ?')
      for (const { revision } of gone) remove.run(id, revision)
      const others = 'SELECT revision FROM events WHERE stream = ?'
      const removeIds = `DELETE FROM event_ids WHERE stream = ? AND revision NOT IN (${others})`
      if (isLast) this.database.prepare(removeIds).run(id, id)
      this.statements.putProgress.run(this.indexedTo, this.eventCount - gone.length)
      this.database.exec('COMMIT')
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK')
      throw error
    }
    this.eventCount -= gone.length
    return isLast ? undefined : places.at(-1)!.revision + 1
  }

  /** Another connection has added a run of events. */
  noteAdded(count: number, indexedTo: number): void {
    this.indexedTo = indexedTo
    this.eventCount += count
  }

  streamCount(): number {
    return Number(this.database.prepare('SELECT count(*) AS count FROM streams').get()!.count)
  }

  close(): void {
    this.database.close()
  }
}
