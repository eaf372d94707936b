/**
 * What keeps a process from doing all that it is for, by the name that it leads under: so every process of the installation
 * can say it, whichever has met it.
 */
import { sql } from 'kysely'
import type { ReadModels } from '../postgres/database.ts'

export const processFaultsDdl =
  'CREATE TABLE IF NOT EXISTS opslog_process_faults (name text PRIMARY KEY, fault text NOT NULL, ' +
  'noted_at timestamptz(3) NOT NULL DEFAULT now())'

/** The fault as it was noted last; undefined: there is none. */
export async function readProcessFault(db: ReadModels, name: string): Promise<string | undefined> {
  const { rows } = await sql<{ fault: string }>`SELECT fault FROM opslog_process_faults WHERE name = ${name}`.execute(
    db,
  )
  return rows[0]?.fault
}

/** Undefined: there is none any more. */
export async function noteProcessFault(db: ReadModels, name: string, fault: string | undefined): Promise<void> {
  if (fault === undefined) await sql`DELETE FROM opslog_process_faults WHERE name = ${name}`.execute(db)
  else {
    await sql`INSERT INTO opslog_process_faults (name, fault) VALUES (${name}, ${fault})
      ON CONFLICT (name) DO UPDATE SET fault = excluded.fault, noted_at = excluded.noted_at`.execute(db)
  }
}
