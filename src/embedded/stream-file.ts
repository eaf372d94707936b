/** The in-process stream's SQLite file: messages, and what each durable consumer has received and acknowledged. */
import { DatabaseSync } from 'node:sqlite'
import type { StreamName } from './stream.ts'

export interface StoredMessage {
  sequence: bigint
  key: string
  body: Uint8Array
}

export interface ConsumerState {
  /** Everything up to here is acknowledged. */
  floor: bigint
  /** What has been handed out above the floor. */
  handedOut: { sequence: bigint; deliveryCount: number; acknowledged: boolean }[]
}

export interface StreamFile {
  /** Runs the changes as one transaction; FULL is on disk when it returns, NORMAL survives the process's death alone. */
  transaction(synchronous: 'FULL' | 'NORMAL', changes: () => void): void
  /** Returns the new sequence. */
  append(stream: StreamName, key: string, messageId: string, body: Uint8Array, now: number): bigint
  /** Sequence of the message with this id, stored since then (milliseconds since the epoch). */
  findSince(stream: StreamName, messageId: string, since: number): bigint | undefined
  readAfter(stream: StreamName, after: bigint, limit: number): StoredMessage[]
  read(stream: StreamName, sequence: bigint): StoredMessage | undefined
  /** Bytes of the bodies that are stored. */
  bytes(stream: StreamName): number
  loadConsumer(stream: StreamName, durable: string): ConsumerState
  saveFloor(stream: StreamName, durable: string, floor: bigint): void
  saveHandedOut(stream: StreamName, durable: string, entry: ConsumerState['handedOut'][number]): void
  /** Removes what is too old, and what all consumers have acknowledged and is older than `keepMs`. */
  trim(limits: { messageAgeMsMax: number; keepMs: number }): void
  close(): void
}

const schema = `
CREATE TABLE IF NOT EXISTS stream (name TEXT PRIMARY KEY, last_sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO stream VALUES ('commands', 0), ('events', 0);
CREATE TABLE IF NOT EXISTS message (
  stream TEXT NOT NULL, sequence INTEGER NOT NULL, key TEXT NOT NULL, message_id TEXT NOT NULL,
  body BLOB NOT NULL, stored_at_ms INTEGER NOT NULL, PRIMARY KEY (stream, sequence)) STRICT;
CREATE INDEX IF NOT EXISTS message_by_id ON message (stream, message_id, stored_at_ms);
CREATE TABLE IF NOT EXISTS consumer (
  stream TEXT NOT NULL, durable TEXT NOT NULL, floor INTEGER NOT NULL, PRIMARY KEY (stream, durable)) STRICT;
CREATE TABLE IF NOT EXISTS handed_out (
  stream TEXT NOT NULL, durable TEXT NOT NULL, sequence INTEGER NOT NULL, delivery_count INTEGER NOT NULL,
  acknowledged INTEGER NOT NULL, PRIMARY KEY (stream, durable, sequence)) STRICT, WITHOUT ROWID;
`

type Row = Record<string, unknown>

export function openStreamFile(path: string): StreamFile {
  const database = new DatabaseSync(path, { readBigInts: true })
  database.exec('PRAGMA journal_mode = WAL')
  database.exec(schema)
  const prepared = {
    next: database.prepare(
      'UPDATE stream SET last_sequence = last_sequence + 1 WHERE name = ? RETURNING last_sequence',
    ),
    append: database.prepare('INSERT INTO message VALUES (?, ?, ?, ?, ?, ?)'),
    find: database.prepare(
      'SELECT sequence FROM message WHERE stream = ? AND message_id = ? AND stored_at_ms >= ? ORDER BY sequence LIMIT 1',
    ),
    readAfter: database.prepare(
      'SELECT sequence, key, body FROM message WHERE stream = ? AND sequence > ? ORDER BY sequence LIMIT ?',
    ),
    bytes: database.prepare('SELECT coalesce(sum(length(body)), 0) AS bytes FROM message WHERE stream = ?'),
    floor: database.prepare('SELECT floor FROM consumer WHERE stream = ? AND durable = ?'),
    addConsumer: database.prepare('INSERT INTO consumer VALUES (?, ?, 0)'),
    saveFloor: database.prepare('UPDATE consumer SET floor = ? WHERE stream = ? AND durable = ?'),
    forget: database.prepare('DELETE FROM handed_out WHERE stream = ? AND durable = ? AND sequence <= ?'),
    handedOut: database.prepare('SELECT * FROM handed_out WHERE stream = ? AND durable = ? ORDER BY sequence'),
    saveHandedOut: database.prepare('INSERT OR REPLACE INTO handed_out VALUES (?, ?, ?, ?, ?)'),
    expire: database.prepare('DELETE FROM message WHERE stored_at_ms < ?'),
    trim: database.prepare(
      `DELETE FROM message WHERE stored_at_ms < ?
         AND sequence <= (SELECT min(floor) FROM consumer WHERE consumer.stream = message.stream)`,
    ),
  }
  const bytes = new Map<StreamName, number>()
  const countBytes = () => {
    for (const stream of ['commands', 'events'] as const) bytes.set(stream, Number(prepared.bytes.get(stream)?.bytes))
  }
  countBytes()

  return {
    transaction(synchronous, changes) {
      database.exec(`PRAGMA synchronous = ${synchronous}`)
      database.exec('BEGIN IMMEDIATE')
      try {
        changes()
        database.exec('COMMIT')
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        countBytes()
        throw error
      }
    },
    append(stream, key, messageId, body, now) {
      const sequence = prepared.next.get(stream)?.last_sequence as bigint
      prepared.append.run(stream, sequence, key, messageId, body, now)
      bytes.set(stream, (bytes.get(stream) ?? 0) + body.byteLength)
      return sequence
    },
    findSince: (stream, messageId, since) =>
      prepared.find.get(stream, messageId, since)?.sequence as bigint | undefined,
    readAfter: (stream, after, limit) => prepared.readAfter.all(stream, after, limit).map(toMessage),
    read(stream, sequence) {
      const message = prepared.readAfter.all(stream, sequence - 1n, 1).map(toMessage)[0]
      return message?.sequence === sequence ? message : undefined
    },
    bytes: (stream) => bytes.get(stream) ?? 0,
    loadConsumer(stream, durable) {
      const found = prepared.floor.get(stream, durable)
      if (!found) prepared.addConsumer.run(stream, durable)
      const handedOut = prepared.handedOut.all(stream, durable).map(toHandedOut)
      return { floor: (found?.floor as bigint | undefined) ?? 0n, handedOut }
    },
    saveFloor(stream, durable, floor) {
      prepared.saveFloor.run(floor, stream, durable)
      prepared.forget.run(stream, durable, floor)
    },
    saveHandedOut(stream, durable, { sequence, deliveryCount, acknowledged }) {
      prepared.saveHandedOut.run(stream, durable, sequence, deliveryCount, acknowledged ? 1 : 0)
    },
    trim({ messageAgeMsMax, keepMs }) {
      const now = Date.now()
      if (messageAgeMsMax > 0) prepared.expire.run(now - messageAgeMsMax)
      prepared.trim.run(now - keepMs)
      countBytes()
    },
    close: () => database.close(),
  }
}

function toMessage(row: Row): StoredMessage {
  return { sequence: row.sequence as bigint, key: row.key as string, body: row.body as Uint8Array }
}

function toHandedOut(row: Row): ConsumerState['handedOut'][number] {
  return {
    sequence: row.sequence as bigint,
    deliveryCount: Number(row.delivery_count),
    acknowledged: row.acknowledged === 1n,
  }
}
