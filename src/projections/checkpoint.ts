/**
 * How far read models and processes have come in the log, and how they commit. The checkpoint moves in the transaction of
 * the rows that it stands for, by compare-and-set: two writers cannot both move it, whatever their locks say. It keeps the
 * last event's id, which shows a log that was restored or cut short.
 */
import { CompiledQuery } from 'kysely'
import type { ReadModels } from '../postgres/database.ts'
import type { BatchedQuery } from '../postgres/pool.ts'
import { inPipelinedTransaction, type PipelinedTransaction } from '../postgres/transaction.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import { kernelTables } from './kernel-tables.ts'

/** Each move of a checkpoint notifies a channel of its own; the payload is the position, decimal. */
const CHANNEL = 'opslog_checkpoint_'
export const checkpointChannel = (name: string): string => `${CHANNEL}${name}`

/** The checkpoint that the projections of a context share. */
export const projectionsCheckpoint = (context: string): string => `projections_${context}`

/** The name of the checkpoint that the projections of all contexts shared in earlier releases. */
const SHARED = 'projections'

/**
 * Gives each context that the database knows a checkpoint of its own, where an earlier release has left one for all. Each
 * goes on from where that one stood.
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
  /** How often a rebuild has swapped the tables behind this checkpoint; text. */
  generation: string
  /** Since when the projector is paused; null: it is not. */
  paused_at: string | null
  /** Taken in by whoever has moved it, in all; it never falls, but where the row is made anew. Text. */
  events: string
}

const CREATE =
  'CREATE TABLE IF NOT EXISTS opslog_checkpoints (name text PRIMARY KEY, position bigint NOT NULL, ' +
  'event_id uuid NOT NULL, updated_at timestamptz(3) NOT NULL, generation bigint NOT NULL DEFAULT 0, ' +
  'paused_at timestamptz(3), events bigint NOT NULL DEFAULT 0)'

/** Databases of earlier releases lack the last columns; an ALTER only where it is needed, as it locks the table. */
export const checkpointDdl = `DO $$ BEGIN ${CREATE};
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'opslog_checkpoints'::regclass AND attname = 'events') THEN
    ALTER TABLE opslog_checkpoints ADD COLUMN IF NOT EXISTS generation bigint NOT NULL DEFAULT 0, ADD COLUMN IF NOT EXISTS paused_at timestamptz(3), ADD COLUMN IF NOT EXISTS events bigint NOT NULL DEFAULT 0;
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
 * Also makes the planner find rows by their key for the rest of the transaction. A plan from when a table was empty would
 * otherwise read the whole table long after it has grown.
 */
const AND_THEN =
  `SELECT pg_notify('${CHANNEL}' || name, position::text), set_config('enable_seqscan', 'off', true), ` +
  `set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true) FROM moved`

const FIRST_MOVE =
  'WITH moved AS (INSERT INTO opslog_checkpoints (name, position, event_id, updated_at, events) ' +
  `VALUES ($1, $2::bigint, $3::uuid, now(), $4::bigint) ON CONFLICT (name) DO NOTHING RETURNING name, position) ${AND_THEN}`

const MOVE =
  'WITH moved AS (UPDATE opslog_checkpoints SET position = $2::bigint, event_id = $3::uuid, updated_at = now(), ' +
  'events = events + $4::bigint WHERE name = $1 AND position = $5::bigint AND generation = $6::bigint AND paused_at IS NULL ' +
  `RETURNING name, position) ${AND_THEN}`

export interface Commit {
  db: ReadModels
  /** Name of the checkpoint. */
  name: string
  /** Where it has to stand; undefined: it must not exist yet. */
  from: Checkpoint | undefined
  to: Checkpoint
  /** Of the tables behind it (control.ts), and how many events it takes in, for whoever watches; default 0. */
  generation?: bigint
  events?: number
  /** Commit to the tables and the checkpoint in this schema instead of the live ones. */
  schema?: string | undefined
  /** Runs of the transaction that Postgres wants run again; default 1. */
  attemptsMax?: number
}

/** Writes the rows of a commit, or answers the queries that will; these travel together with the commit itself. */
export type WriteRows = (trx: PipelinedTransaction) => Promise<readonly BatchedQuery[]>

/**
 * The one way to commit: moves the checkpoint by compare-and-set, writes the rows that it stands for, and notifies the
 * listeners, all in one transaction. The move comes first, so that its row lock holds up other writers and the swap of a
 * rebuild. Without rows it is a single statement. Throws CheckpointMoved where the checkpoint does not stand at `from`, is
 * paused, or has tables of another generation behind it. Throws what Postgres throws. Nothing is written then, unless the
 * connection broke.
 */
export async function commit(options: Commit, rows?: WriteRows): Promise<void> {
  const { db, name, from, to, generation = 0n, events = 0, schema, attemptsMax = 1 } = options
  const values = [name, to.position.toString(), to.eventId, String(events)]
  const move = from
    ? { sql: MOVE, parameters: [...values, from.position.toString(), generation.toString()] }
    : { sql: FIRST_MOVE, parameters: values }
  const verify = (moved: readonly unknown[] | undefined): void => {
    const expected = from ? `at ${from.position}` : 'unset'
    const message = `the checkpoint ${name} is no longer ${expected}: another writer has moved it`
    if (moved?.length !== 1) throw new CheckpointMoved(message)
    crashPoint('checkpoint.before-rows', name)
  }
  if (!rows && schema === undefined) {
    const { rows: moved } = await db.executeQuery(CompiledQuery.raw(move.sql, move.parameters))
    verify(moved)
    return
  }
  const inSchema = schema === undefined ? [] : [`SET LOCAL search_path TO "${schema}"`, SHADOW_DURABILITY]
  const first = [...inSchema.map((sql) => ({ sql })), move]
  await inPipelinedTransaction(db, attemptsMax, first, async (trx, answers) => {
    verify(answers.at(-1))
    return rows ? rows(trx) : []
  })
}

/** A crash that loses a shadow's last rows loses its checkpoint too, and the rebuild writes both again. */
const SHADOW_DURABILITY = 'SET LOCAL synchronous_commit TO off'
