/**
 * Clears destroyed keys out of the vault's file. A destroyed key's row is empty, but its older version stays in Postgres's
 * pages; VACUUM may leave the bytes there, VACUUM FULL writes the table anew without them. It keeps what a transaction that
 * is still open could see, though, and says nothing of it. What it tells is the table's new `relfrozenxid`: it cleared away
 * all that ended before. So a table of one row is written anew until every older transaction has ended, and then the keys.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { ReadModels } from '../postgres/database.ts'
import { failureOf } from '../postgres/failure.ts'

/** A transaction that is older than the sweep or holds the table, as far as this role of Postgres may see it. */
export interface OlderTransaction {
  pid: number
  application: string
  /** Null for a replica, which reads all of them. */
  database: string | null
  /** RFC 3339, or null where Postgres does not say. */
  since: string | null
}

/** Whether the bytes are gone; if not, what is in the way, the oldest first. */
export type Sweep = { swept: true } | { swept: false; held_by: OlderTransaction[] }

/** The one of one row first: nobody asks for it while the instance runs, and a sweep that has to wait, waits there. */
const TABLES = ['vault.sealed_with', 'vault.personal_keys', 'vault.keys']
/** A read of a key waits behind a sweep that waits for its lock, at most this long. */
const LOCK_WAIT_MS = 500
const PAUSE_MIN_MS = 20
const PAUSE_MAX_MS = 1_000
/** Of transactions that are named. */
const HELD_BY_MAX = 5

/**
 * Writes the vault's table anew without the keys that were destroyed before the call; waits at most `waitMaxMs` for older
 * transactions to end. Reads of keys wait meanwhile, about a second per million persons. `db` has to allow
 * statements as long as that. Source: PostgreSQL manual, VACUUM and pg_class.
 */
export async function sweepVault(db: ReadModels, waitMaxMs: number): Promise<Sweep> {
  const end = performance.now() + waitMaxMs
  return db.connection().execute(async (connection) => {
    await sql`SELECT set_config('lock_timeout', ${String(LOCK_WAIT_MS)}, false)`.execute(connection)
    try {
      const xid = await newTransactionId(connection)
      for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
        if (await isSwept(connection, xid)) return { swept: true }
        if (performance.now() + pauseMs > end) return { swept: false, held_by: await olderThan(connection, xid) }
        await delay(pauseMs)
      }
    } finally {
      await sql`RESET lock_timeout`.execute(connection)
    }
  })
}

/** Ended transactions have a lower one, so a sweep that reaches it keeps nothing of theirs. */
async function newTransactionId(db: ReadModels): Promise<string> {
  const { rows } = await sql<{ xid: string }>`SELECT pg_current_xact_id()::xid::text AS xid`.execute(db)
  return rows[0]!.xid
}

async function isSwept(db: ReadModels, xid: string): Promise<boolean> {
  try {
    for (const table of TABLES) {
      await sql.raw(`VACUUM (FULL) ${table}`).execute(db)
      const { rows } = await sql<{ cleared: boolean }>`SELECT age(relfrozenxid) <= age(${xid}::xid) AS cleared
        FROM pg_class WHERE oid = ${table}::regclass`.execute(db)
      if (!rows[0]?.cleared) return false
    }
    return true
  } catch (error) {
    if (failureOf(error) === 'lockTimeout') return false
    throw error
  }
}

/**
 * Whoever only reads holds back the tables of their own database, a replica those of all. Whoever has written counts in
 * each: the sweep's own snapshot goes back to the oldest of them, and it keeps what itself can see.
 */
async function olderThan(db: ReadModels, xid: string): Promise<OlderTransaction[]> {
  const { rows } = await sql<OlderTransaction>`SELECT pid, application_name AS application, datname AS database,
      xact_start AS since
    FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (
      age(backend_xid) >= age(${xid}::xid)
      OR (age(backend_xmin) >= age(${xid}::xid) AND (datname = current_database() OR backend_type = 'walsender'))
      OR (datname = current_database() AND pid IN (SELECT pid FROM pg_locks WHERE relation = ANY(${TABLES}::regclass[]))))
    ORDER BY xact_start LIMIT ${HELD_BY_MAX}`.execute(db)
  return rows
}
