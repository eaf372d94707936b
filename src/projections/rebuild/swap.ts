/**
 * Swaps a shadow's tables with the live ones, in one transaction that holds the live checkpoint. No writer commits meanwhile,
 * and readers see the old tables or the new. Writers in other processes notice by the generation. The old tables may be
 * kept, as a shadow that can be brought up to date and put back.
 */
import { type RawBuilder, sql } from 'kysely'
import type { OpenTransaction, ReadModels } from '../../postgres/database.ts'
import { inTransaction } from '../../postgres/transaction.ts'
import { crashPoint } from '../../runtime/crash-points.ts'
import { raiseGeneration } from '../control.ts'
import { kernelTables } from '../kernel-tables.ts'
import type { Projection } from '../projection.ts'
import { createKernelTables, storeVersion } from '../schema.ts'
import type { Shadow } from './shadow.ts'

export interface SwapOptions {
  /** With a pool of at least two connections: one holds the checkpoint while the rest of history goes in over another. */
  db: ReadModels
  projections: readonly Projection[]
  /** Name of the checkpoint that they share. */
  checkpoint: string
  transactionAttemptsMax: number
  /** How long it waits for readers of the old tables before it lets others pass and tries again. */
  lockTimeoutMs: number
  /** Keeps the old tables of each projection in `previousSchema(name)`, and drops those kept before. */
  keepPrevious: boolean
}

/** The schema that keeps a projection's tables of before its last swap. */
export const previousSchema = (projection: string): string =>
  `opslog_previous_${projection.replaceAll('.', '_').toLowerCase()}`

/** All or nothing. Throws what Postgres or the reader of history throws; the old tables then still serve. */
export async function swap(options: SwapOptions, shadow: Shadow): Promise<void> {
  const { db, projections, checkpoint, lockTimeoutMs, transactionAttemptsMax } = options
  const names = projections.map(({ name }) => name)
  await inTransaction(db, transactionAttemptsMax, async (trx) => {
    const live = await lockCheckpoint(trx, checkpoint)
    await shadow.catchUp(live)
    await sql`SELECT set_config('lock_timeout', ${`${lockTimeoutMs}ms`}, true)`.execute(trx)
    const home = sql.id(await currentSchema(trx))
    const old = await kernelTables(trx)
      .selectFrom('opslog_projections')
      .selectAll()
      .where('name', 'in', names)
      .execute()
    const current = projections.flatMap(({ tables }) => tables.map(({ name }) => name))
    const kept = options.keepPrevious ? old : []
    for (const { name, tables } of kept) await setAside(trx, { home, checkpoint }, name, tables)
    for (const name of new Set([...old.flatMap(({ tables }) => tables), ...current])) {
      await sql`DROP TABLE IF EXISTS ${home}.${sql.id(name)}`.execute(trx)
    }
    for (const name of current) {
      await sql`ALTER TABLE ${sql.id(shadow.schema, name)} SET SCHEMA ${home}`.execute(trx)
    }
    await takeOverParked(trx, shadow.schema, names, home)
    for (const projection of projections) await storeVersion(trx, projection)
    await raiseGeneration(trx, checkpoint)
    await sql`DROP SCHEMA ${sql.id(shadow.schema)} CASCADE`.execute(trx)
    for (const { name } of kept) {
      await sql`DROP SCHEMA IF EXISTS ${sql.id(previousSchema(name))} CASCADE`.execute(trx)
      await sql`ALTER SCHEMA ${sql.id(asideOf(name))} RENAME TO ${sql.id(previousSchema(name))}`.execute(trx)
    }
    crashPoint('rebuild.before-swap-commit')
  })
}

/** Blocks every writer until the transaction ends; answers the position of the live tables. */
export async function lockCheckpoint(trx: OpenTransaction, checkpoint: string): Promise<bigint | undefined> {
  const row = await kernelTables(trx)
    .selectFrom('opslog_checkpoints')
    .select('position')
    .where('name', '=', checkpoint)
    .forUpdate()
    .executeTakeFirst()
  return row && BigInt(row.position)
}

/** Holds the old tables for a moment: the shadow that replaces them may occupy the schema meant for them. */
const asideOf = (projection: string): string => `${previousSchema(projection)}_aside`

/** Moves a projection's live tables to a schema with their checkpoint and parked events. */
async function setAside(
  trx: OpenTransaction,
  { home, checkpoint }: { home: RawBuilder<unknown>; checkpoint: string },
  name: string,
  tables: readonly string[],
): Promise<void> {
  const aside = sql.id(asideOf(name))
  await sql`CREATE SCHEMA ${aside}`.execute(trx)
  const { rows } = await sql<{ path: string }>`SELECT current_setting('search_path') AS path`.execute(trx)
  await sql`SET LOCAL search_path TO ${aside}`.execute(trx)
  await createKernelTables(trx)
  await sql`SELECT set_config('search_path', ${rows[0]!.path}, true)`.execute(trx)
  for (const table of tables) await sql`ALTER TABLE ${home}.${sql.id(table)} SET SCHEMA ${aside}`.execute(trx)
  await sql`INSERT INTO ${aside}.opslog_checkpoints (name, position, event_id, updated_at)
    SELECT name, position, event_id, updated_at FROM ${home}.opslog_checkpoints WHERE name = ${checkpoint}`.execute(trx)
  await sql`INSERT INTO ${aside}.opslog_projections SELECT * FROM ${home}.opslog_projections WHERE name = ${name}`.execute(
    trx,
  )
  await sql`INSERT INTO ${aside}.opslog_parked_events
    SELECT * FROM ${home}.opslog_parked_events WHERE projection = ${name}`.execute(trx)
}

async function takeOverParked(
  trx: OpenTransaction,
  schema: string,
  names: readonly string[],
  home: RawBuilder<unknown>,
): Promise<void> {
  await kernelTables(trx).deleteFrom('opslog_parked_events').where('projection', 'in', names).execute()
  await sql`INSERT INTO ${home}.opslog_parked_events SELECT * FROM ${sql.id(schema)}.opslog_parked_events`.execute(trx)
}

export async function currentSchema(db: OpenTransaction | ReadModels): Promise<string> {
  const { rows } = await sql<{ name: string }>`SELECT current_schema()::text AS name`.execute(db)
  return rows[0]!.name
}
