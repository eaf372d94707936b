/**
 * A shadow is a second set of projections' tables, in a schema and with a checkpoint of its own. Large transactions fill it
 * from the log's first event; secondary indexes come last. A shadow that a killed run began for the same versions is
 * continued; any other is made anew.
 */
import { CompiledQuery, sql } from 'kysely'
import { HEARTBEAT } from '../../events/registry.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { inTransaction } from '../../postgres/transaction.ts'
import { ddlOf, type Projection } from '../projection.ts'
import type { HistoryReader } from '../projector.ts'
import { createKernelTables, storedVersions, storeVersion } from '../schema.ts'
import { createBatchWriter } from '../writer.ts'

export interface ShadowOptions {
  db: ReadModels
  projections: readonly Projection[]
  /** Name of the checkpoint that they share. */
  checkpoint: string
  readHistory: HistoryReader
  signal: AbortSignal
  transactionAttemptsMax: number
  /** Where the tables are filled. */
  schema: string
  /** Called after each batch. */
  onProgress?: ((progress: ShadowProgress) => void) | undefined
}

export interface ShadowProgress {
  /** Commit positions reached and wanted; their quotient is about the share of the log that is in. */
  position: bigint
  target: bigint
  /** Events that this run has taken in. */
  events: number
}

export interface Shadow {
  schema: string
  /** Commit position of the last event taken in; undefined before the first. */
  position(): bigint | undefined
  /** Takes in history up to a position; answers the number of events. Throws PoisonedProjection. */
  catchUp(target: bigint | undefined): Promise<number>
  /** Makes missing secondary indexes, and collects the planner's statistics. */
  finish(): Promise<void>
}

/** Opens the shadow: a new one, or the one that an earlier run has left. */
export async function openShadow(options: ShadowOptions): Promise<Shadow> {
  const { db, projections, checkpoint, schema, signal, transactionAttemptsMax } = options
  await prepareShadow(options)
  const writer = createBatchWriter({ db, projections, checkpoint, schema, transactionAttemptsMax })
  await writer.resume()
  let events = 0

  async function catchUp(target: bigint | undefined): Promise<number> {
    const from = writer.position()
    if (target === undefined || (from !== undefined && from >= target)) return 0
    let applied = 0
    for await (const batch of oneAhead(options.readHistory(from))) {
      signal.throwIfAborted()
      // A heartbeat's stream is truncated, so a checkpoint must not name one.
      const due = batch.filter(({ position, type }) => position <= target && type !== HEARTBEAT)
      await writer.write(due)
      applied += due.length
      events += due.length
      options.onProgress?.({ position: writer.position() ?? 0n, target, events })
      if (batch.at(-1)!.position >= target) break
    }
    return applied
  }

  async function finish(): Promise<void> {
    const tables = projections.flatMap((projection) => projection.tables)
    await inTransaction(db, transactionAttemptsMax, async (trx) => {
      await sql`SET LOCAL search_path TO ${sql.id(schema)}`.execute(trx)
      for (const text of tables.flatMap(ddlOf)) await trx.executeQuery(CompiledQuery.raw(text))
      for (const { name } of tables) await sql`ANALYZE ${sql.id(name)}`.execute(trx)
    })
  }

  return { schema, position: writer.position, catchUp, finish }
}

async function prepareShadow({ db, projections, schema, transactionAttemptsMax }: ShadowOptions): Promise<void> {
  await inTransaction(db, transactionAttemptsMax, async (trx) => {
    const enter = async () => {
      await sql`CREATE SCHEMA IF NOT EXISTS ${sql.id(schema)}`.execute(trx)
      await sql`SET LOCAL search_path TO ${sql.id(schema)}`.execute(trx)
      await createKernelTables(trx)
    }
    await enter()
    const begun = await storedVersions(trx)
    const isWanted = projections.every(({ name, version }) => begun.get(name) === version)
    if (isWanted && begun.size === projections.length) return
    await sql`DROP SCHEMA ${sql.id(schema)} CASCADE`.execute(trx)
    await enter()
    for (const projection of projections) {
      for (const table of projection.tables) await trx.executeQuery(CompiledQuery.raw(ddlOf(table)[0]!))
      await storeVersion(trx, projection)
    }
  })
}

export async function dropShadow(db: ReadModels, schema: string): Promise<void> {
  await sql`DROP SCHEMA IF EXISTS ${sql.id(schema)} CASCADE`.execute(db)
}

/** The same items, the next one fetched while one is worked on. */
async function* oneAhead<T>(items: AsyncIterable<T>): AsyncIterable<T> {
  const iterator = items[Symbol.asyncIterator]()
  const fetch = () => {
    const next = iterator.next()
    // The reader meets a failure when it takes this batch.
    next.catch(() => undefined)
    return next
  }
  let next = fetch()
  try {
    for (;;) {
      const { done, value } = await next
      if (done) return
      next = fetch()
      yield value
    }
  } finally {
    await Promise.allSettled([next])
    await iterator.return?.()
  }
}
