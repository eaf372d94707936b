/**
 * How far the read models have come in the log. The checkpoint moves in the transaction of the rows it stands for, by
 * compare-and-set: whatever a lock may have promised, two writers cannot both move it. It keeps the last event's id, so
 * that a log that was restored or cut short is noticed.
 */
import { CompiledQuery } from 'kysely'
import type { ReadModels } from '../postgres/database.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import { kernelTables } from './kernel-tables.ts'

/** Each move of a checkpoint is told on a channel of its own; the payload is the position, decimal. */
const CHANNEL = 'opslog_checkpoint_'
export const checkpointChannel = (name: string): string => `${CHANNEL}${name}`

/** The checkpoint that the projections of a context share. */
export const projectionsCheckpoint = (context: string): string => `projections_${context}`

/** The name of the checkpoint that the projections of all contexts shared in earlier releases. */
const SHARED = 'projections'

/**
 * Gives each context that the database knows a checkpoint of its own, where an earlier release has left one for all:
 * they go on from where that one stood.
 */
export const checkpointSplit = `WITH shared AS (DELETE FROM opslog_checkpoints WHERE name = '${SHARED}' RETURNING *)
  INSERT INTO opslog_checkpoints (name, position, event_id, updated_at, generation, paused_at)
  SELECT DISTINCT 'projections_' || split_part(known.name, '.', 1), position, event_id, updated_at, generation, paused_at
  FROM shared, opslog_projections AS known ON CONFLICT (name) DO NOTHING`

export type CheckpointRow = {
  name: string
  /** Commit position of the last event applied, 64 bits as text. */
  position: string
  event_id: string
  updated_at: string
  /** How often a rebuild has put other tables in the place of those that this checkpoint stands for; text. */
  generation: string
  /** Since when nothing is to be written; null: go on. */
  paused_at: string | null
}

const CREATE =
  'CREATE TABLE IF NOT EXISTS opslog_checkpoints (name text PRIMARY KEY, position bigint NOT NULL, ' +
  'event_id uuid NOT NULL, updated_at timestamptz(3) NOT NULL, generation bigint NOT NULL DEFAULT 0, ' +
  'paused_at timestamptz(3))'

/** Databases of earlier releases lack the last two columns; an ALTER only where it is needed, as it locks the table. */
export const checkpointDdl = `DO $$ BEGIN ${CREATE};
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'opslog_checkpoints'::regclass AND attname = 'paused_at') THEN
    ALTER TABLE opslog_checkpoints ADD COLUMN generation bigint NOT NULL DEFAULT 0, ADD COLUMN paused_at timestamptz(3);
  END IF; END $$`

export interface Checkpoint {
  position: bigint
  /** Id of the event at that position. */
  eventId: string
}

/** Another writer has moved the checkpoint: nothing was written, and this writer is to stop. */
export class CheckpointMoved extends Error {
  override name = 'CheckpointMoved'
}

/** The checkpoint, or undefined before the first event. */
export async function readCheckpoint(db: ReadModels, name: string): Promise<Checkpoint | undefined> {
  const row = await kernelTables(db)
    .selectFrom('opslog_checkpoints')
    .select(['position', 'event_id'])
    .where('name', '=', name)
    .executeTakeFirst()
  return row && { position: BigInt(row.position), eventId: row.event_id }
}

/**
 * The planner is told to look rows up by their key for the rest of the transaction: a plan made while a table was still
 * empty would otherwise read the whole of it long after it has grown.
 */
const AND_THEN =
  `SELECT pg_notify('${CHANNEL}' || name, position::text), set_config('enable_seqscan', 'off', true), ` +
  `set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true) FROM moved`

const FIRST_MOVE =
  'WITH moved AS (INSERT INTO opslog_checkpoints (name, position, event_id, updated_at) ' +
  `VALUES ($1, $2::bigint, $3::uuid, now()) ON CONFLICT (name) DO NOTHING RETURNING name, position) ${AND_THEN}`

const MOVE =
  'WITH moved AS (UPDATE opslog_checkpoints SET position = $2::bigint, event_id = $3::uuid, updated_at = now() ' +
  'WHERE name = $1 AND position = $4::bigint AND generation = $5::bigint AND paused_at IS NULL ' +
  `RETURNING name, position) ${AND_THEN}`

/**
 * Moves the checkpoint and tells the listeners when the transaction commits. To be done first in a transaction: the
 * row's lock then holds up every other writer, and the swap of a rebuild. Throws CheckpointMoved where it does not stand
 * at `from`, where the tables behind it have been changed since `generation`, and where it is paused (control.ts).
 */
export async function moveCheckpoint(
  trx: ReadModels,
  name: string,
  from: Checkpoint | undefined,
  to: Checkpoint,
  generation = 0n,
): Promise<void> {
  const { rows } = await trx.executeQuery(moveQuery(name, from, to, generation))
  verifyMoved(rows, name, from)
  crashPoint('checkpoint.before-rows', name)
}

/** What moves a checkpoint. */
export function moveQuery(
  name: string,
  from: Checkpoint | undefined,
  to: Checkpoint,
  generation: bigint,
): CompiledQuery {
  const values = [name, to.position.toString(), to.eventId]
  return from
    ? CompiledQuery.raw(MOVE, [...values, from.position.toString(), generation.toString()])
    : CompiledQuery.raw(FIRST_MOVE, values)
}

/** Throws CheckpointMoved where the move has come to nothing. */
export function verifyMoved(rows: readonly unknown[], name: string, from: Checkpoint | undefined): void {
  if (rows.length > 0) return
  const expected = from ? `at ${from.position}` : 'unset'
  throw new CheckpointMoved(`the checkpoint ${name} is no longer ${expected}: another writer has moved it`)
}
