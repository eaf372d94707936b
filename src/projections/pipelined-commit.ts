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
import { type Checkpoint, moveCheckpoint, moveQuery, verifyMoved } from './checkpoint.ts'

export interface PipelinedCommit {
  db: ReadModels
  /** Name of the checkpoint. */
  checkpoint: string
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
  const { db, checkpoint, from, to, generation, statements, events } = options
  if (statements.length === 0) return moveCheckpoint(db, checkpoint, from, to, generation)
  const move = moveQuery(checkpoint, from, to, generation)
  const rows = statements.map(({ text, rows }) => CompiledQuery.raw(text, [JSON.stringify(rows)]))
  const once = () =>
    db.connection().execute(async (connection) => {
      try {
        const [, moved = []] = await inOneRoundTrip(connection, [BEGIN, move])
        verifyMoved(moved, checkpoint, from)
        crashPoint('checkpoint.before-rows', checkpoint)
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
