/**
 * Rebuilds projections without downtime: the tables are filled anew in a schema of their own, from the log's first event
 * to the live checkpoint, while the old ones serve; then they change places in one transaction. What a killed rebuild
 * leaves behind is taken up by the next one, or dropped where it is not what the code wants any more.
 */
import { type RawBuilder, sql, type Transaction } from 'kysely'
import { CHECKPOINT_NAME, readCheckpoint } from './checkpoint.ts'
import { type Database, inTransaction, type ReadModels } from './database.ts'
import type { Projection } from './projection.ts'
import type { HistoryReader, Queue } from './projector.ts'
import { createKernelTables, createTables, storedVersions, storeVersion } from './schema.ts'
import { type BatchWriter, createBatchWriter } from './writer.ts'

export interface RebuildOptions {
  /** With a pool of at least two connections: the swap holds one while the rest of the history goes in over another. */
  db: ReadModels
  projections: readonly Projection[]
  readHistory: HistoryReader
  signal: AbortSignal
  transactionAttemptsMax: number
  /** Where the tables are filled. */
  schema?: string
  /** So many events behind, or fewer, the live writer may be held up until the rest is in. */
  swapGapMax?: number
  /** How long the swap waits for readers of the old tables before it lets everybody pass and tries again. */
  lockTimeoutMs?: number
  /** Keeps this process's live writer from starting a batch meanwhile; other processes wait at the checkpoint. */
  exclusively: Queue
  /** Called right after the swap, before the live writer goes on. */
  onSwapped: () => void
}

const defaults = { schema: 'opslog_rebuild', swapGapMax: 500, lockTimeoutMs: 2_000 }

type Settings = RebuildOptions & typeof defaults

/**
 * Resolves when the new tables serve. Throws PoisonedProjection where history does not fit a projection of money, what
 * Postgres or the reader throws, or the signal's reason; the old tables then still serve.
 */
export async function rebuild(options: RebuildOptions): Promise<void> {
  const settings: Settings = { ...defaults, ...options }
  const { db, projections, schema, signal, transactionAttemptsMax } = settings
  await prepareShadow(settings)
  const writer = createBatchWriter({ db, projections, schema, transactionAttemptsMax })
  await writer.resume()
  for (;;) {
    const live = await readCheckpoint(db)
    const applied = await catchUp(settings, writer, live?.position)
    signal.throwIfAborted()
    if (applied <= settings.swapGapMax) break
  }
  await settings.exclusively(async () => {
    await swap(settings, writer)
    settings.onSwapped()
  })
}

/** Makes the shadow, or keeps one that an earlier run has begun for the same versions. */
async function prepareShadow({ db, projections, schema, transactionAttemptsMax }: Settings): Promise<void> {
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
      await createTables(trx, projection)
      await storeVersion(trx, projection)
    }
  })
}

/** Applies history up to the live checkpoint and not beyond; answers how many events there were. */
async function catchUp(settings: Settings, writer: BatchWriter, upTo: bigint | undefined): Promise<number> {
  if (upTo === undefined) return 0
  let applied = 0
  for await (const batch of settings.readHistory(writer.position())) {
    settings.signal.throwIfAborted()
    const due = batch.filter(({ position }) => position <= upTo)
    await writer.write(due)
    applied += due.length
    if (due.length < batch.length) break
  }
  return applied
}

/**
 * Holds the live checkpoint, so that nobody writes, brings the shadow up to it, and puts its tables in the place of the
 * old ones. All or nothing.
 */
async function swap(settings: Settings, writer: BatchWriter): Promise<void> {
  const { db, schema, projections, lockTimeoutMs } = settings
  const names = projections.map(({ name }) => name)
  await inTransaction(db, settings.transactionAttemptsMax, async (trx) => {
    await sql`SELECT set_config('lock_timeout', ${`${lockTimeoutMs}ms`}, true)`.execute(trx)
    const live = await trx
      .selectFrom('opslog_checkpoints')
      .select('position')
      .where('name', '=', CHECKPOINT_NAME)
      .forUpdate()
      .executeTakeFirst()
    await catchUp(settings, writer, live && BigInt(live.position))
    const old = await trx.selectFrom('opslog_projections').select('tables').where('name', 'in', names).execute()
    const current = projections.flatMap(({ tables }) => tables.map(({ name }) => name))
    const home = sql.id(await currentSchema(trx))
    for (const name of new Set([...old.flatMap(({ tables }) => tables), ...current])) {
      await sql`DROP TABLE IF EXISTS ${home}.${sql.id(name)}`.execute(trx)
    }
    for (const name of current) {
      await sql`ALTER TABLE ${sql.id(schema, name)} SET SCHEMA ${home}`.execute(trx)
    }
    await takeOverParked(trx, schema, names, home)
    for (const projection of projections) await storeVersion(trx, projection)
    await sql`DROP SCHEMA ${sql.id(schema)} CASCADE`.execute(trx)
  })
}

async function takeOverParked(
  trx: Transaction<Database>,
  schema: string,
  names: readonly string[],
  home: RawBuilder<unknown>,
): Promise<void> {
  await trx.deleteFrom('opslog_parked_events').where('projection', 'in', names).execute()
  await sql`INSERT INTO ${home}.opslog_parked_events SELECT * FROM ${sql.id(schema)}.opslog_parked_events`.execute(trx)
}

async function currentSchema(trx: Transaction<Database>): Promise<string> {
  const { rows } = await sql<{ name: string }>`SELECT current_schema()::text AS name`.execute(trx)
  return rows[0]!.name
}
