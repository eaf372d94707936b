/**
 * The usual batch of the live writer, in two trips to Postgres: the transaction's begin with the move of the checkpoint,
 * then the rows with the commit. On a busy event loop every trip is a turn of it, so that the rows of a batch would
 * otherwise wait several times for whatever else the process does. The order of locks and writes is that of any batch.
 */
import { CompiledQuery } from 'kysely'
import type { Delivered } from '../events/subscription.ts'
import { type ReadModels, repeated } from '../postgres/database.ts'
import { inOneRoundTrip } from '../postgres/pool.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import type { Statement } from './changes.ts'
import { CHECKPOINT_NAME, type Checkpoint, moveCheckpoint, moveQuery, verifyMoved } from './checkpoint.ts'

export interface PipelinedCommit {
  db: ReadModels
  attemptsMax: number
  from: Checkpoint
  to: Checkpoint
  generation: bigint
  statements: readonly Statement[]
  events: readonly Delivered[]
}

const BEGIN = CompiledQuery.raw('begin')
const COMMIT = CompiledQuery.raw('commit')
const ROLLBACK = CompiledQuery.raw('rollback')

/** Throws CheckpointMoved, or what Postgres throws; nothing was written then, unless the connection broke. */
export async function commitPipelined(options: PipelinedCommit): Promise<void> {
  const { db, from, to, generation, statements, events } = options
  if (statements.length === 0) return moveCheckpoint(db, CHECKPOINT_NAME, from, to, generation)
  const move = moveQuery(CHECKPOINT_NAME, from, to, generation)
  const rows = statements.map(({ text, rows }) => CompiledQuery.raw(text, [JSON.stringify(rows)]))
  const once = () =>
    db.connection().execute(async (connection) => {
      try {
        const [, moved = []] = await inOneRoundTrip(connection, [BEGIN, move])
        verifyMoved(moved, CHECKPOINT_NAME, from)
        crashPoint('checkpoint.before-rows', CHECKPOINT_NAME)
        crashPoint('projector.before-commit', events)
        await inOneRoundTrip(connection, [...rows, COMMIT])
      } catch (error) {
        // After a commit that failed there is nothing left to undo, and a broken connection takes all with it.
        await connection.executeQuery(ROLLBACK).catch(() => undefined)
        throw error
      }
    })
  await repeated(options.attemptsMax, once)
}
