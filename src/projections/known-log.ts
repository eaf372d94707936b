/**
 * The log that a database belongs to: its read models and checkpoints come from that log only. The identity is recorded
 * once, beside the checkpoints; only the adoption of another log changes it.
 */
import { sql } from 'kysely'
import type { KnownLog } from '../events/log-identity.ts'
import type { ReadModels } from '../postgres/database.ts'

/** One row at most. Databases of earlier releases have none until their log is recognised. */
export const knownLogDdl =
  'CREATE TABLE IF NOT EXISTS opslog_log (one boolean PRIMARY KEY DEFAULT true CHECK (one), log_id uuid NOT NULL, ' +
  'recorded_at timestamptz(3) NOT NULL DEFAULT now())'

/** The log's identity, and the event of the furthest checkpoint. */
export async function readKnownLog(db: ReadModels): Promise<KnownLog> {
  const { rows } = await sql<{ log_id: string | null; position: string | null; event_id: string | null }>`
    SELECT known.log_id, furthest.position, furthest.event_id FROM (SELECT) AS always
    LEFT JOIN opslog_log AS known ON true
    LEFT JOIN (SELECT position, event_id FROM opslog_checkpoints ORDER BY position DESC LIMIT 1) AS furthest ON true
  `.execute(db)
  const { log_id: logId, position, event_id: eventId } = rows[0] ?? {}
  const mark = position && eventId ? { position: BigInt(position), eventId } : undefined
  return { logId: logId ?? undefined, mark }
}

/** Records the identity where there is none yet; answers the recorded one. */
export async function recordKnownLog(db: ReadModels, logId: string): Promise<string> {
  await sql`INSERT INTO opslog_log (log_id) VALUES (${logId}) ON CONFLICT DO NOTHING`.execute(db)
  return (await readKnownLog(db)).logId ?? logId
}
