/**
 * Adopts another log where the recorded one, or its end, is lost. The read models are built again
 * from the log. Each process goes on from the last event that both logs are known to have.
 */
import { sql } from 'kysely'
import type { Mark } from '../events/log-identity.ts'
import type { ReadModels } from '../postgres/database.ts'
import { inTransaction } from '../postgres/transaction.ts'
import { storedProjectionTables } from './schema.ts'

export interface StoredCheckpoint extends Mark {
  name: string
  movedAt: Date
}

/** A transaction that met another one is made again; more often than this it is something else. */
const ATTEMPTS_MAX = 5
/** Names of read models' checkpoints; all others belong to processes. */
const OF_READ_MODELS = 'projections%'

/** Every checkpoint, the furthest first. */
export async function readCheckpoints(db: ReadModels): Promise<StoredCheckpoint[]> {
  const { rows } = await sql<{ name: string; position: string; event_id: string; updated_at: string }>`
    SELECT name, position, event_id, updated_at FROM opslog_checkpoints ORDER BY position DESC`.execute(db)
  return rows.map(({ name, position, event_id: eventId, updated_at }) => {
    return { name, position: BigInt(position), eventId, movedAt: new Date(updated_at) }
  })
}

/**
 * In one transaction, records the log `logId`, empties the read models, and moves processes that stand behind `common` back
 * to it. Undefined: the logs have nothing in common, and processes begin at the start. The vault stays as it is.
 */
export async function adoptLog(db: ReadModels, logId: string, common: Mark | undefined): Promise<void> {
  await inTransaction(db, ATTEMPTS_MAX, async (trx) => {
    for (const table of await storedProjectionTables(trx)) {
      await sql`DROP TABLE IF EXISTS ${sql.table(table)} CASCADE`.execute(trx)
    }
    await sql`DELETE FROM opslog_projections`.execute(trx)
    await sql`DELETE FROM opslog_parked_events`.execute(trx)
    await sql`DELETE FROM opslog_checkpoints WHERE name LIKE ${OF_READ_MODELS}`.execute(trx)
    if (common) {
      await sql`UPDATE opslog_checkpoints SET position = ${String(common.position)}::bigint, event_id = ${common.eventId}::uuid,
        updated_at = now() WHERE position > ${String(common.position)}::bigint`.execute(trx)
    } else await sql`DELETE FROM opslog_checkpoints`.execute(trx)
    await sql`INSERT INTO opslog_log (log_id) VALUES (${logId})
      ON CONFLICT (one) DO UPDATE SET log_id = excluded.log_id, recorded_at = now()`.execute(trx)
  })
}
