/**
 * Takes in parked events, once their cause is mended: a projection's events of one stream, in order, up to the next fault.
 * The projector may run meanwhile. Later events of the stream wait behind the parked ones until none is left.
 */
import { sql } from 'kysely'
import { type Delivered, isPoison } from '../events/subscription.ts'
import type { OpenTransaction, ReadModels } from '../postgres/database.ts'
import { inTransaction } from '../postgres/transaction.ts'
import { applyOrUndo } from './apply.ts'
import { kernelTables } from './kernel-tables.ts'
import { lockParked, storable } from './parking.ts'
import type { Projection } from './projection.ts'

export interface RetryOptions {
  db: ReadModels
  projection: Projection
  stream: string
  /** Events of a stream from a revision on. */
  readStream: (stream: string, from: bigint) => AsyncIterable<Delivered>
  transactionAttemptsMax: number
  /** Events in one transaction. */
  batchMax?: number
}

export interface Retried {
  applied: number
  /** Why it stopped; undefined where nothing is parked any more. */
  fault: string | undefined
}

/** Of one transaction; all are retried in the end. */
const BATCH_MAX = 500

/** Throws what Postgres or the reader throws; events that were taken in before stay in. */
export async function retryParked(options: RetryOptions): Promise<Retried> {
  const { db, transactionAttemptsMax } = options
  let applied = 0
  for (;;) {
    const round = await inTransaction(db, transactionAttemptsMax, (trx) => retryBatch(trx, options))
    applied += round.applied
    if (round.fault !== undefined || round.applied === 0) return { applied, fault: round.fault }
  }
}

async function retryBatch(trx: OpenTransaction, options: RetryOptions): Promise<Retried> {
  const { projection, stream, readStream } = options
  await lockParked(trx)
  const rows = await kernelTables(trx)
    .selectFrom('opslog_parked_events')
    .select('revision')
    .where('projection', '=', projection.name)
    .where('stream', '=', stream)
    .orderBy('revision')
    .limit(options.batchMax ?? BATCH_MAX)
    .execute()
  const wanted = new Set(rows.map(({ revision }) => BigInt(revision)))
  const [first] = wanted
  if (first === undefined) return { applied: 0, fault: undefined }
  let applied = 0
  for await (const event of readStream(stream, first)) {
    if (!wanted.has(event.revision)) break
    const fault = isPoison(event) ? event.fault : await applyOrUndo(trx, projection, event)
    const row = sql`projection = ${projection.name} AND stream = ${stream} AND revision = ${String(event.revision)}::bigint`
    if (fault !== undefined) {
      await sql`UPDATE opslog_parked_events SET fault = ${storable(fault)} WHERE ${row}`.execute(trx)
      return { applied, fault }
    }
    await sql`DELETE FROM opslog_parked_events WHERE ${row}`.execute(trx)
    wanted.delete(event.revision)
    applied += 1
    if (wanted.size === 0) break
  }
  if (wanted.size > 0) return { applied, fault: `the log does not have revision ${[...wanted][0]} of ${stream}` }
  return { applied, fault: undefined }
}
