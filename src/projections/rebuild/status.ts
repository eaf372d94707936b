/**
 * The state of the read models, read from Postgres alone. It covers versions of tables, shadows, tables kept for a rollback,
 * parked events, and whether a projector leads or is paused.
 */
import { sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'
import { withoutLeader } from '../../postgres/leadership.ts'
import { type Checkpoint, projectionsCheckpoint } from '../checkpoint.ts'
import { readControl } from '../control.ts'
import { kernelTables } from '../kernel-tables.ts'
import type { Projection } from '../projection.ts'
import { projectorName } from '../projector.ts'

export interface ProjectionState {
  name: string
  /** Version of the tables; undefined where they were never built. */
  version: number | undefined
  /** Version in the code. */
  codeVersion: number
  builtAt: string | undefined
  onPoison: Projection['onPoison']
  tables: string[]
  parkedEvents: number
  parkedStreams: number
}

export interface ShadowState {
  schema: string
  /** `previous`: kept for a rollback. */
  kind: 'rebuild' | 'verify' | 'previous' | 'scratch'
  projections: { name: string; version: number }[]
  /** Of the last event taken in. */
  checkpoint: Checkpoint | undefined
}

export interface ReadModelState {
  checkpoint: Checkpoint | undefined
  pausedAt: string | undefined
  /** A process holds the leadership. */
  led: boolean
  projections: ProjectionState[]
  shadows: ShadowState[]
}

export async function readState(
  db: ReadModels,
  { name, projections }: { name: string; projections: readonly Projection[] },
): Promise<ReadModelState> {
  const { checkpoint, pausedAt } = await readControl(db, projectionsCheckpoint(name))
  const stored = await kernelTables(db).selectFrom('opslog_projections').selectAll().execute()
  const parked = await kernelTables(db)
    .selectFrom('opslog_parked_events')
    .select(['projection', sql<string>`count(*)`.as('events'), sql<string>`count(DISTINCT stream)`.as('streams')])
    .groupBy('projection')
    .execute()
  return {
    checkpoint,
    pausedAt,
    led: (await withoutLeader(db, [projectorName(name)])).length === 0,
    projections: projections.map((projection) => {
      const found = stored.find(({ name }) => name === projection.name)
      const waiting = parked.find((row) => row.projection === projection.name)
      return {
        name: projection.name,
        version: found?.version,
        codeVersion: projection.version,
        builtAt: found?.built_at,
        onPoison: projection.onPoison,
        tables: projection.tables.map(({ name }) => name),
        parkedEvents: Number(waiting?.events ?? 0),
        parkedStreams: Number(waiting?.streams ?? 0),
      }
    }),
    shadows: await readShadows(db),
  }
}

const kindOf = (schema: string): ShadowState['kind'] =>
  schema.startsWith('opslog_previous_')
    ? 'previous'
    : schema.startsWith('opslog_verify')
      ? 'verify'
      : schema.startsWith('opslog_rebuild')
        ? 'rebuild'
        : 'scratch'

/** All shadows of all contexts: being built, being verified, or kept. */
export async function readShadows(db: ReadModels): Promise<ShadowState[]> {
  const { rows } = await sql<{ schema: string }>`SELECT n.nspname AS schema FROM pg_namespace n
    WHERE n.nspname LIKE 'opslog\\_%' AND to_regclass(quote_ident(n.nspname) || '.opslog_projections') IS NOT NULL
    ORDER BY n.nspname`.execute(db)
  const shadows: ShadowState[] = []
  for (const { schema } of rows) {
    const projections = await sql<{ name: string; version: number }>`SELECT name, version
      FROM ${sql.id(schema)}.opslog_projections ORDER BY name`.execute(db)
    const found = await sql<{ position: string; event_id: string }>`SELECT position, event_id
      FROM ${sql.id(schema)}.opslog_checkpoints LIMIT 1`.execute(db)
    const [at] = found.rows
    shadows.push({
      schema,
      kind: kindOf(schema),
      projections: projections.rows,
      checkpoint: at && { position: BigInt(at.position), eventId: at.event_id },
    })
  }
  return shadows
}
