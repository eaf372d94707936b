/**
 * What the payment stand-in keeps, in one SQLite file: its objects, the answers under idempotency keys, events and whether
 * they were delivered, and faults that a test has ordered. A request's changes are one transaction that is on disk before the
 * request is answered, so kill -9 loses nothing.
 */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'

export type Kind = 'customer' | 'payment_method' | 'session' | 'payment_intent' | 'charge' | 'refund' | 'dispute'

/** An object as the API shows it. */
export interface StripeObject {
  id: string
  livemode: boolean
  /** Seconds since the epoch. */
  created: number
  metadata?: Record<string, string>
  [member: string]: unknown
}

export interface KeptAnswer {
  fingerprint: string
  status: number
  body: string
}

export interface KeptEvent {
  id: string
  livemode: boolean
  attempts: number
  /** The event as it is sent. */
  json: string
}

/** Answers and delivered events are kept for so long. */
const KEPT_MS = 30 * 86_400_000

const schema = `
CREATE TABLE IF NOT EXISTS object (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, live INTEGER NOT NULL,
  json TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS object_by_kind ON object (kind, live, sequence);
CREATE INDEX IF NOT EXISTS object_by_payment ON object (kind, json ->> 'payment_intent');
CREATE INDEX IF NOT EXISTS object_by_customer ON object (kind, json ->> 'customer');
CREATE INDEX IF NOT EXISTS session_by_end ON object (json ->> 'expires_at') WHERE kind = 'session' AND json ->> 'status' = 'open';
CREATE TABLE IF NOT EXISTS answer (
  live INTEGER NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
  kept_at_ms INTEGER NOT NULL, PRIMARY KEY (live, key)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, live INTEGER NOT NULL, json TEXT NOT NULL,
  attempts INTEGER NOT NULL, due_at_ms INTEGER, kept_at_ms INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS event_by_due ON event (due_at_ms) WHERE due_at_ms IS NOT NULL;
CREATE TABLE IF NOT EXISTS fault (name TEXT PRIMARY KEY, detail TEXT NOT NULL, remaining INTEGER NOT NULL) STRICT;
`

type Row = Record<string, SQLInputValue>
const asRow = (row: unknown): Row | undefined => row as Row | undefined

export type StripeStore = ReturnType<typeof openStripeStore>

export function openStripeStore(path: string, nowMs: () => number) {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec(schema)
  for (const table of ['answer', 'event']) {
    const unlessDue = table === 'event' ? 'AND due_at_ms IS NULL' : ''
    database.prepare(`DELETE FROM ${table} WHERE kept_at_ms < ? ${unlessDue}`).run(nowMs() - KEPT_MS)
  }
  const sql = {
    put: database.prepare(
      `INSERT INTO object (id, kind, live, json) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json`,
    ),
    get: database.prepare('SELECT json FROM object WHERE id = ? AND kind = ? AND live = ?'),
    ending: database.prepare(
      `SELECT json FROM object WHERE kind = 'session' AND json ->> 'status' = 'open' AND json ->> 'expires_at' <= ? LIMIT 100`,
    ),
    answer: database.prepare('SELECT fingerprint, status, body FROM answer WHERE live = ? AND key = ?'),
    keepAnswer: database.prepare('INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?)'),
    forgetAnswers: database.prepare('DELETE FROM answer'),
    addEvent: database.prepare(
      'INSERT INTO event (id, live, json, attempts, due_at_ms, kept_at_ms) VALUES (?, ?, ?, 0, ?, ?)',
    ),
    event: database.prepare('SELECT json FROM event WHERE id = ? AND live = ?'),
    nextEvent: database.prepare(
      'SELECT id, live, json, attempts, due_at_ms FROM event WHERE due_at_ms IS NOT NULL ORDER BY due_at_ms, sequence LIMIT 1',
    ),
    eventDue: database.prepare('UPDATE event SET due_at_ms = ?, attempts = ? WHERE id = ?'),
    fault: database.prepare('SELECT detail, remaining FROM fault WHERE name = ? AND remaining > 0'),
    orderFault: database.prepare(
      `INSERT INTO fault VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET detail = excluded.detail, remaining = excluded.remaining`,
    ),
    spendFault: database.prepare('UPDATE fault SET remaining = remaining - 1 WHERE name = ?'),
  }
  const parsed = (row: unknown): StripeObject | undefined => {
    const json = asRow(row)?.json
    return json === undefined ? undefined : (JSON.parse(String(json)) as StripeObject)
  }

  return {
    /** All of it or nothing; on disk when this returns. */
    transaction<T>(work: () => T): T {
      database.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        database.exec('COMMIT')
        return result
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
    put(kind: Kind, object: StripeObject): StripeObject {
      sql.put.run(object.id, kind, Number(object.livemode), JSON.stringify(object))
      return object
    },
    get: (kind: Kind, id: string, livemode: boolean) => parsed(sql.get.get(id, kind, Number(livemode))),
    /** Newest first, at most `limit`; `by` names a member that the object has to have. */
    list(kind: Kind, livemode: boolean, by: Readonly<Record<string, string>>, limit: number): StripeObject[] {
      const names = Object.keys(by)
      const wanted = names.map((name) => `AND json ->> '${name}' = ?`).join(' ')
      const query = `SELECT json FROM object WHERE kind = ? AND live = ? ${wanted} ORDER BY sequence DESC LIMIT ?`
      const values = names.map((name) => by[name] ?? '')
      const rows = database.prepare(query).all(kind, Number(livemode), ...values, limit)
      return rows.flatMap((row) => parsed(row) ?? [])
    },
    /** Open sessions whose time is over. */
    endingSessions: (atS: number) => sql.ending.all(atS).flatMap((row) => parsed(row) ?? []),
    answerUnder(livemode: boolean, key: string): KeptAnswer | undefined {
      const row = asRow(sql.answer.get(Number(livemode), key))
      return row && { fingerprint: String(row.fingerprint), status: Number(row.status), body: String(row.body) }
    },
    keepAnswer(livemode: boolean, key: string, { fingerprint, status, body }: KeptAnswer): void {
      sql.keepAnswer.run(Number(livemode), key, fingerprint, status, body, nowMs())
    },
    /** All that stands under idempotency keys; how many there were. */
    forgetAnswers: (): number => Number(sql.forgetAnswers.run().changes),
    /** `dueAtMs`: when it is to be sent; null: never, as an event that is lost. */
    addEvent(event: { id: string; livemode: boolean }, json: string, dueAtMs: number | null): void {
      sql.addEvent.run(event.id, Number(event.livemode), json, dueAtMs, nowMs())
    },
    event: (id: string, livemode: boolean) => parsed(sql.event.get(id, Number(livemode))),
    /** The event that is to be sent next, and when. */
    nextEvent(): (KeptEvent & { dueAtMs: number }) | undefined {
      const row = asRow(sql.nextEvent.get())
      if (!row) return undefined
      const { id, live, json, attempts, due_at_ms } = row
      const facts = { id: String(id), livemode: live === 1, json: String(json), attempts: Number(attempts) }
      return { ...facts, dueAtMs: Number(due_at_ms) }
    },
    /** `dueAtMs`: when it is to be sent again; null: it is delivered or given up. */
    noteAttempt: (id: string, attempts: number, dueAtMs: number | null): void =>
      void sql.eventDue.run(dueAtMs, attempts, id),
    orderFault: (name: string, detail: string, count: number): void => void sql.orderFault.run(name, detail, count),
    /** What was ordered to go wrong next, which is spent with it. */
    takeFault(name: string): string | undefined {
      const row = asRow(sql.fault.get(name))
      if (row) sql.spendFault.run(name)
      return row && String(row.detail)
    },
    close: () => database.close(),
  }
}
