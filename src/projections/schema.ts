/** Makes the tables: the kernel's own and every projection's, where they are missing. */
import { CompiledQuery, sql } from 'kysely'
import type { OpenTransaction, ReadModels } from '../postgres/database.ts'
import { inTransaction } from '../postgres/transaction.ts'
import { checkpointDdl, checkpointSplit, projectionsCheckpoint, readCheckpoint } from './checkpoint.ts'
import { kernelTables } from './kernel-tables.ts'
import { knownLogDdl } from './known-log.ts'
import { parkedEvents } from './parking.ts'
import { ddlOf, type Projection } from './projection.ts'

export type ProjectionRow = {
  name: string
  /** The version that the tables hold. */
  version: number
  /** The tables' names, so that a later version can drop those it no longer has. */
  tables: string[]
  built_at: string
}

const projectionsDdl =
  'CREATE TABLE IF NOT EXISTS opslog_projections (name text PRIMARY KEY, version integer NOT NULL, ' +
  'tables text[] NOT NULL, built_at timestamptz(3) NOT NULL DEFAULT now())'

/** Any number that nobody else uses: processes that start at once prepare the schema one after the other. */
const PREPARE_LOCK = '7305808869230650189'

const ATTEMPTS_MAX = 5

/**
 * Makes what is missing; harmless where nothing is. Tables that stand at another version than the code's are left to
 * the projector's rebuild; those of a projection that comes to a database with a history are made empty until then.
 */
export async function prepareSchema(
  db: ReadModels,
  contexts: readonly { name: string; projections: readonly Projection[] }[],
): Promise<void> {
  await inTransaction(db, ATTEMPTS_MAX, async (trx) => {
    await sql`SELECT pg_advisory_xact_lock(${PREPARE_LOCK}::bigint)`.execute(trx)
    await createKernelTables(trx)
    const versions = await storedVersions(trx)
    await sql.raw(checkpointSplit).execute(trx)
    for (const { name, projections } of contexts) {
      const isFresh = (await readCheckpoint(trx, projectionsCheckpoint(name))) === undefined
      for (const projection of projections) {
        if (versions.has(projection.name)) continue
        await createTables(trx, projection)
        if (isFresh) await storeVersion(trx, projection)
      }
    }
  })
}

/** What makes the kernel's tables where they are missing. */
export const kernelDdl: readonly string[] = [checkpointDdl, knownLogDdl, projectionsDdl, ...ddlOf(parkedEvents)]

/** The kernel's tables, in the first schema of the search path. */
export async function createKernelTables(trx: OpenTransaction): Promise<void> {
  for (const text of kernelDdl) await trx.executeQuery(CompiledQuery.raw(text))
}

export async function createTables(trx: OpenTransaction, projection: Projection): Promise<void> {
  for (const text of projection.tables.flatMap(ddlOf)) await trx.executeQuery(CompiledQuery.raw(text))
}

/** Projection name → the version that its tables hold. */
export async function storedVersions(db: ReadModels): Promise<Map<string, number>> {
  const rows = await kernelTables(db).selectFrom('opslog_projections').select(['name', 'version']).execute()
  return new Map(rows.map(({ name, version }) => [name, version]))
}

/** The names of all tables of all projections, also of those that no context declares any more. */
export async function storedProjectionTables(db: ReadModels): Promise<string[]> {
  const rows = await kernelTables(db).selectFrom('opslog_projections').select('tables').execute()
  return rows.flatMap(({ tables }) => tables)
}

export async function storeVersion(trx: OpenTransaction, projection: Projection): Promise<void> {
  const { name, version } = projection
  const tables = projection.tables.map((table) => table.name)
  await sql`INSERT INTO opslog_projections (name, version, tables) VALUES (${name}, ${version}, ${tables})
    ON CONFLICT (name) DO UPDATE SET version = excluded.version, tables = excluded.tables, built_at = now()`.execute(
    trx,
  )
}
