/**
 * What another process may tell the one that writes the read models, on the row that every write moves: that the tables
 * behind it have been exchanged (its generation), and that it is to hold (a pause). As the row's lock serialises both
 * with the writer's transactions, no batch slips past: once `pause` has returned, nothing is written.
 */
import { sql } from 'kysely'
import type { OpenTransaction, ReadModels } from '../postgres/database.ts'
import { kernelTables } from './kernel-tables.ts'

export interface Control {
  /** Rises with each exchange of tables. */
  generation: bigint
  pausedAt: string | undefined
}

/** The writer is to hold until somebody resumes it; nothing was written. */
export class ProjectorPaused extends Error {
  override name = 'ProjectorPaused'
}

/** What the checkpoint's row says; generation 0 before the first event. */
export async function readControl(db: ReadModels, name: string): Promise<Control> {
  const row = await kernelTables(db)
    .selectFrom('opslog_checkpoints')
    .select(['generation', 'paused_at'])
    .where('name', '=', name)
    .executeTakeFirst()
  return { generation: BigInt(row?.generation ?? 0), pausedAt: row?.paused_at ?? undefined }
}

/**
 * Holds every writer from now on, in every process, across restarts. Answers false where there is no checkpoint to
 * hold yet. A second pause changes nothing.
 */
export async function pauseProjector(db: ReadModels, name: string): Promise<boolean> {
  const { numAffectedRows } = await sql`UPDATE opslog_checkpoints SET paused_at = COALESCE(paused_at, now())
    WHERE name = ${name}`.execute(db)
  return numAffectedRows === 1n
}

/** Lets the writer go on. Answers whether it was paused. */
export async function resumeProjector(db: ReadModels, name: string): Promise<boolean> {
  const { numAffectedRows } = await sql`UPDATE opslog_checkpoints SET paused_at = NULL
    WHERE name = ${name} AND paused_at IS NOT NULL`.execute(db)
  return numAffectedRows === 1n
}

/** Says in the exchange's own transaction that the tables are others, so that a writer looks before its next batch. */
export async function raiseGeneration(trx: OpenTransaction, name: string): Promise<void> {
  await sql`UPDATE opslog_checkpoints SET generation = generation + 1 WHERE name = ${name}`.execute(trx)
}
