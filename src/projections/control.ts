/**
 * How other processes control the projector, on the checkpoint's row. The generation says that a rebuild has swapped the
 * tables; a pause stops the writing. The row's lock serialises both with the writer's
 * transactions, so nothing is written once `pauseProjector` has returned.
 */
import { sql } from 'kysely'
import type { OpenTransaction, ReadModels } from '../postgres/database.ts'
import type { Checkpoint } from './checkpoint.ts'
import { kernelTables } from './kernel-tables.ts'

export interface Control {
  /** Undefined before the first event. */
  checkpoint: Checkpoint | undefined
  /** Rises with each swap of tables. */
  generation: bigint
  pausedAt: string | undefined
}

/** The projector is paused until an engineer resumes it; nothing was written. */
export class ProjectorPaused extends Error {
  override name = 'ProjectorPaused'
}

/** Reads the checkpoint's row; generation 0 before the first event. */
export async function readControl(db: ReadModels, name: string): Promise<Control> {
  const row = await kernelTables(db)
    .selectFrom('opslog_checkpoints')
    .select(['position', 'event_id', 'generation', 'paused_at'])
    .where('name', '=', name)
    .executeTakeFirst()
  const checkpoint = row && { position: BigInt(row.position), eventId: row.event_id }
  return { checkpoint, generation: BigInt(row?.generation ?? 0), pausedAt: row?.paused_at ?? undefined }
}

/**
 * Pauses the projector in every process, across restarts. Answers false where there is no checkpoint yet. A second pause
 * changes nothing.
 */
export async function pauseProjector(db: ReadModels, name: string): Promise<boolean> {
  const { numAffectedRows } = await sql`UPDATE opslog_checkpoints SET paused_at = COALESCE(paused_at, now())
    WHERE name = ${name}`.execute(db)
  return numAffectedRows === 1n
}

/** Lets the projector go on. Answers whether it was paused. */
export async function resumeProjector(db: ReadModels, name: string): Promise<boolean> {
  const { numAffectedRows } = await sql`UPDATE opslog_checkpoints SET paused_at = NULL
    WHERE name = ${name} AND paused_at IS NOT NULL`.execute(db)
  return numAffectedRows === 1n
}

/** Raises the generation in the swap's own transaction, so that a writer looks before its next batch. */
export async function raiseGeneration(trx: OpenTransaction, name: string): Promise<void> {
  await sql`UPDATE opslog_checkpoints SET generation = generation + 1 WHERE name = ${name}`.execute(trx)
}
