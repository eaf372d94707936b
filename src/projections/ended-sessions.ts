/**
 * Sessions of hosted pages that ended before their time: somebody signed out. A cookie that holds its session by itself is
 * refused by this table. A row is of no use once the session would be over anyway.
 */
import { sql } from 'kysely'
import type { ReadModels } from '../postgres/database.ts'

export const endedSessionsDdl =
  'CREATE TABLE IF NOT EXISTS opslog_ended_sessions (session_id uuid PRIMARY KEY, ends_at timestamptz(3) NOT NULL)'

/** Ends a session that would be good until `endsAt` (RFC 3339); drops what is over at `now`. */
export async function endSession(db: ReadModels, sessionId: string, endsAt: string, now: Date): Promise<void> {
  await sql`WITH over AS (DELETE FROM opslog_ended_sessions WHERE ends_at < ${now}::timestamptz(3))
    INSERT INTO opslog_ended_sessions VALUES (${sessionId}::uuid, ${endsAt}::timestamptz(3))
    ON CONFLICT DO NOTHING`.execute(db)
}

export async function hasSessionEnded(db: ReadModels, sessionId: string): Promise<boolean> {
  const { rows } = await sql`SELECT FROM opslog_ended_sessions WHERE session_id = ${sessionId}::uuid`.execute(db)
  return rows.length > 0
}
