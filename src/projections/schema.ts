/** Makes missing tables: the kernel's own and those of the projections. */
import { CompiledQuery, sql } from 'kysely'
import type { OpenTransaction, ReadModels } from '../postgres/database.ts'
import { inTransaction } from '../postgres/transaction.ts'
import { checkpointDdl, checkpointSplit, projectionsCheckpoint, readCheckpoint } from './checkpoint.ts'
import { endedSessionsDdl } from './ended-sessions.ts'
import { kernelTables } from './kernel-tables.ts'
import { knownLogDdl } from './known-log.ts'
import { mailboxDdl } from './mail.ts'
import { parkedEvents } from './parking.ts'
import { processFaultsDdl } from './process-faults.ts'
import { ddlOf, type Projection } from './projection.ts'
import { rateCountsDdl } from './rate-counts.ts'

export type ProjectionRow = {
  name: string
  /** The version of the tables. */
  version: number
  /** The tables' names, so that a later version can drop those it no longer has. */
  tables: string[]
  built_at: string
}

const projectionsDdl =
  'CREATE TABLE IF NOT EXISTS opslog_projections (name text PRIMARY KEY, version integer NOT NULL, ' +
  'tables text[] NOT NULL, built_at timestamptz(3) NOT NULL DEFAULT now())'

/** An advisory lock of any unique number: processes that start together prepare the schema one after the other. */
const PREPARE_LOCK = '7305808869230650189'

/** A transaction that met another one is made again; more often than this it is something else. */
const ATTEMPTS_MAX = 5

/**
 * Makes missing tables; does nothing where none is missing. Tables of another version wait for the projector's rebuild. A
 * projection that is new to a database with a history gets empty tables until its rebuild.
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

/** The statements that make the kernel's tables where they are missing. */
export const kernelDdl: readonly string[] = [
  checkpointDdl,
  knownLogDdl,
  projectionsDdl,
  rateCountsDdl,
  endedSessionsDdl,
  mailboxDdl,
  processFaultsDdl,
  ...ddlOf(parkedEvents),
]

/** Makes the kernel's tables in the first schema of the search path. */
export async function createKernelTables(trx: OpenTransaction): Promise<void> {
  for (const text of kernelDdl) await trx.executeQuery(CompiledQuery.raw(text))
}

export async function createTables(trx: OpenTransaction, projection: Projection): Promise<void> {
  for (const text of projection.tables.flatMap(ddlOf)) await trx.executeQuery(CompiledQuery.raw(text))
}

/** Projection name → the version of its tables. */
export async function storedVersions(db: ReadModels): Promise<Map<string, number>> {
  const rows = await kernelTables(db).selectFrom('opslog_projections').select(['name', 'version']).execute()
  return new Map(rows.map(({ name, version }) => [name, version]))
}

/** The names of all projections' tables, including projections that no context declares any more. */
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
