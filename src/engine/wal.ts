/**
 * The engine's write-ahead log and its permanent inbox, in one SQLite database. All that a batch of steps brought
 * forth is one transaction, synced to disk before it is published; which events a command or an order id led to is
 * kept for ever with them. States come from the newest snapshot and the events after it, so that starting up costs
 * the same however long the log is, and only accounts in use are in memory.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { EngineEvent } from '../gateway/contract.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import type { AccountState, LogRecord } from './account.ts'
import { evolve, unopenedAccount, watchesPrices } from './account.ts'

/** Which events an input led to. The key is a command id or the id of a trader's order. */
export interface InboxEntry {
  key: string
  accountId: string
  firstSequence: number
  lastSequence: number
  /** Digest of what was asked, where the same key must mean the same thing. */
  fingerprint: string | null
}

export interface WalBatch {
  records: readonly LogRecord[]
  inbox: readonly InboxEntry[]
  /** Each touched account after the batch. */
  states: ReadonlyMap<string, AccountState>
}

export interface StoredEvent {
  /** Place in the log over all accounts, from 1. */
  position: bigint
  accountId: string
  eventId: string
  /** The event as JSON, the very text that is published. */
  body: string
}

export interface Wal {
  /** Writes a batch as one transaction; returns its events once they are on disk. Nothing is written where it throws. */
  append(batch: WalBatch): StoredEvent[]
  /** The account's state by the log; undefined for one that the engine has never heard of. */
  load(accountId: string): AccountState | undefined
  inboxEntry(key: string): InboxEntry | undefined
  /** Accounts with a position or a working order. */
  watchedAccounts(): string[]
  /** Accounts in the order of their ids, after one and with a prefix. */
  accountIds(page: { prefix: string; after: string; limit: number }): string[]
  /** Events past a position, in log order. */
  eventsAfter(position: bigint, limit: number): StoredEvent[]
  /** Events of one account, both sequences included. */
  eventsOf(accountId: string, fromSequence: number, toSequence: number, limit: number): StoredEvent[]
  /** Position of the last event, 0 in an empty log. */
  head(): bigint
  published(): bigint
  savePublished(position: bigint): void
  close(): void
}

const format = '1'
const schema = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS accounts (
    account INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL UNIQUE,
    sequence INTEGER NOT NULL,
    watched INTEGER NOT NULL,
    snapshot_sequence INTEGER NOT NULL DEFAULT 0,
    snapshot TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS accounts_watched ON accounts (account) WHERE watched = 1;
  CREATE TABLE IF NOT EXISTS log (
    position INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    command_sequence INTEGER,
    body TEXT NOT NULL,
    UNIQUE (account, sequence)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS inbox (
    key TEXT PRIMARY KEY,
    account INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    fingerprint TEXT
  ) STRICT, WITHOUT ROWID;
`

function openDatabase(directory: string): DatabaseSync {
  const database = new DatabaseSync(join(directory, 'engine.db'))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 200')
  database.exec(schema)
  database.prepare("INSERT OR IGNORE INTO meta VALUES ('format', ?)").run(format)
  const found = database.prepare("SELECT value FROM meta WHERE key = 'format'").get()?.value
  if (found !== format) {
    database.close()
    throw new Error(`${directory}/engine.db has format ${found}; this engine reads format ${format}`)
  }
  return database
}

/**
 * Opens (or creates) the log in a directory. The caller holds the directory's lock.
 * @param options.snapshotEveryEvents number of events after which an account's snapshot is renewed.
 */
export function openWal(options: { directory: string; snapshotEveryEvents: number }): Wal {
  const database = openDatabase(options.directory)
  const write = writer(database, options.snapshotEveryEvents)
  const read = reader(database)
  const savePublished = database.prepare("INSERT OR REPLACE INTO meta VALUES ('published_position', ?)")
  return {
    ...read,
    append(batch) {
      database.exec('BEGIN IMMEDIATE')
      try {
        const stored = write(batch)
        crashPoint('engine.before-sync', batch.records)
        database.exec('COMMIT')
        return stored
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      }
    },
    savePublished(position) {
      savePublished.run(position.toString())
    },
    close() {
      database.close()
    },
  }
}

function writer(database: DatabaseSync, snapshotEveryEvents: number): (batch: WalBatch) => StoredEvent[] {
  const touch = database.prepare(`
    INSERT INTO accounts (account_id, sequence, watched) VALUES (?, ?, ?)
    ON CONFLICT (account_id) DO UPDATE SET sequence = excluded.sequence, watched = excluded.watched
    RETURNING account, snapshot_sequence`)
  const snapshot = database.prepare('UPDATE accounts SET snapshot = ?, snapshot_sequence = ? WHERE account = ?')
  const log = database.prepare(
    'INSERT INTO log (account, sequence, event_id, command_sequence, body) VALUES (?, ?, ?, ?, ?)',
  )
  const inbox = database.prepare('INSERT INTO inbox VALUES (?, ?, ?, ?, ?)')
  return (batch) => {
    const numbers = new Map<string, number>()
    for (const [accountId, state] of batch.states) {
      const row = touch.get(accountId, state.sequence, watchesPrices(state) ? 1 : 0)
      const account = Number(row?.account)
      numbers.set(accountId, account)
      if (state.sequence - Number(row?.snapshot_sequence) >= snapshotEveryEvents) {
        snapshot.run(JSON.stringify(state), state.sequence, account)
      }
    }
    const numberOf = (accountId: string) => {
      const account = numbers.get(accountId)
      if (account === undefined) throw new RangeError(`the batch lacks the state of ${accountId}`)
      return account
    }
    const stored = batch.records.map(({ event, commandSequence }) => {
      const { accountId, sequence, eventId } = event
      const body = JSON.stringify(event)
      const { lastInsertRowid } = log.run(numberOf(accountId), sequence, eventId, commandSequence, body)
      return { position: BigInt(lastInsertRowid), accountId, eventId, body }
    })
    for (const entry of batch.inbox) {
      const account = numberOf(entry.accountId)
      inbox.run(entry.key, account, entry.firstSequence, entry.lastSequence, entry.fingerprint)
    }
    return stored
  }
}

function reader(database: DatabaseSync): Omit<Wal, 'append' | 'savePublished' | 'close'> {
  const stored = 'SELECT position, account_id, event_id, body FROM log JOIN accounts USING (account)'
  const after = database.prepare(`${stored} WHERE position > ? ORDER BY position LIMIT ?`)
  const ofAccount = database.prepare(
    `${stored} WHERE account_id = ? AND log.sequence BETWEEN ? AND ? ORDER BY log.sequence LIMIT ?`,
  )
  after.setReadBigInts(true)
  ofAccount.setReadBigInts(true)
  const account = database.prepare('SELECT account, sequence, snapshot FROM accounts WHERE account_id = ?')
  const tail = database.prepare(
    'SELECT command_sequence, body FROM log WHERE account = ? AND sequence > ? ORDER BY sequence',
  )
  const inbox = database.prepare('SELECT * FROM inbox JOIN accounts USING (account) WHERE key = ?')
  const watched = database.prepare('SELECT account_id FROM accounts WHERE watched = 1 ORDER BY account')
  const ids = database.prepare(`
    SELECT account_id FROM accounts WHERE account_id > ? AND account_id >= ? AND account_id < ? || 'g'
    ORDER BY account_id LIMIT ?`)
  const head = database.prepare('SELECT max(position) AS position FROM log')
  head.setReadBigInts(true)
  const published = database.prepare("SELECT value FROM meta WHERE key = 'published_position'")

  return {
    load(accountId) {
      const row = account.get(accountId)
      if (row === undefined) return undefined
      const start = row.snapshot === null ? unopenedAccount(accountId) : (JSON.parse(`${row.snapshot}`) as AccountState)
      let state = start
      for (const entry of tail.iterate(Number(row.account), start.sequence)) state = evolve(state, recordOf(entry))
      if (state.sequence !== Number(row.sequence)) throw new RangeError(`the log of ${accountId} ends too early`)
      return state
    },
    inboxEntry(key) {
      const row = inbox.get(key)
      return row === undefined
        ? undefined
        : {
            key,
            accountId: `${row.account_id}`,
            firstSequence: Number(row.first_sequence),
            lastSequence: Number(row.last_sequence),
            fingerprint: row.fingerprint === null ? null : `${row.fingerprint}`,
          }
    },
    watchedAccounts: () => watched.all().map((row) => `${row.account_id}`),
    accountIds: ({ prefix, after: afterId, limit }) =>
      ids.all(afterId, prefix, prefix, limit).map((row) => `${row.account_id}`),
    eventsAfter: (position, limit) => after.all(position, limit).map(storedOf),
    eventsOf: (accountId, fromSequence, toSequence, limit) =>
      ofAccount.all(accountId, fromSequence, toSequence, limit).map(storedOf),
    head: () => BigInt(`${head.get()?.position ?? 0}`),
    published: () => BigInt(`${published.get()?.value ?? 0}`),
  }
}

type Row = Record<string, unknown>

function recordOf(row: Row): LogRecord {
  const commandSequence = row.command_sequence === null ? null : Number(row.command_sequence)
  return { event: JSON.parse(`${row.body}`) as EngineEvent, commandSequence }
}

function storedOf(row: Row): StoredEvent {
  return {
    position: row.position as bigint,
    accountId: `${row.account_id}`,
    eventId: `${row.event_id}`,
    body: `${row.body}`,
  }
}
