/**
 * Compares the live tables with a shadow that was built from the log. The writer waits for a moment while the shadow comes
 * exactly to the live checkpoint. A snapshot taken then shows both at the same event, and Postgres compares it while writes
 * go on. Each difference is drift: a row that no event accounts for.
 */
import { type ControlledTransaction, sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'
import { inTransaction } from '../../postgres/transaction.ts'
import type { Projection, Table } from '../projection.ts'
import type { Shadow } from './shadow.ts'
import { currentSchema, lockCheckpoint } from './swap.ts'

export interface RowDifference {
  table: string
  /** Key column → value. */
  key: Record<string, string>
  /** `missing` from the live table, `surplus` there, or `different`. */
  kind: 'missing' | 'surplus' | 'different'
  /** The differing columns as text; all columns of a missing or surplus row. null: no value, or no row. */
  columns: { column: string; live: string | null; rebuilt: string | null }[]
}

export interface TableComparison {
  projection: string
  table: string
  rowsLive: number
  rowsRebuilt: number
  rowsDiffering: number
}

export interface Comparison {
  /** Commit position that both stood at. */
  position: bigint | undefined
  tables: TableComparison[]
  /** At most `differencesMax`; the counts in `tables` are of all rows. */
  differences: RowDifference[]
}

export interface CompareOptions {
  /** With a pool of at least three connections. */
  db: ReadModels
  projections: readonly Projection[]
  /** Name of the checkpoint that they share. */
  checkpoint: string
  transactionAttemptsMax: number
  differencesMax: number
}

export const rowsDiffering = ({ tables }: Comparison): number =>
  tables.reduce((sum, { rowsDiffering }) => sum + rowsDiffering, 0)

/** Merges comparisons of several contexts. The position is that of the context furthest behind. */
export function mergedComparison(comparisons: readonly Comparison[]): Comparison {
  const positions = comparisons.map(({ position }) => position).filter((position) => position !== undefined)
  return {
    position: positions.reduce<bigint | undefined>((least, each) => (least && least < each ? least : each), undefined),
    tables: comparisons.flatMap(({ tables }) => tables),
    differences: comparisons.flatMap(({ differences }) => differences),
  }
}

/** Throws what Postgres or the reader of history throws. */
export async function compareWithLive(options: CompareOptions, shadow: Shadow): Promise<Comparison> {
  const { projections, differencesMax } = options
  const { position, snapshot } = await freeze(options, shadow)
  try {
    const home = await currentSchema(snapshot)
    const comparison: Comparison = { position, tables: [], differences: [] }
    for (const projection of projections) {
      for (const table of projection.tables) {
        const left = differencesMax - comparison.differences.length
        const found = await compareTable({ snapshot, home, shadow: shadow.schema, table, rowsMax: left })
        comparison.tables.push({ projection: projection.name, table: table.name, ...found.counts })
        comparison.differences.push(...found.rows)
      }
    }
    return comparison
  } finally {
    await snapshot.rollback().execute()
  }
}

/** For the join of both sides: with less, Postgres sorts through files. One connection has it while it compares. */
const WORK_MEM_MIB = 128

/** A snapshot with live tables and shadow at the same event. The writer waits only while it is made. */
async function freeze(options: CompareOptions, shadow: Shadow) {
  const { db, checkpoint, transactionAttemptsMax } = options
  return inTransaction(db, transactionAttemptsMax, async (trx) => {
    const position = await lockCheckpoint(trx, checkpoint)
    await shadow.catchUp(position)
    const snapshot = await db.startTransaction().setIsolationLevel('repeatable read').execute()
    // The first statement takes the snapshot.
    await sql`SELECT 1 FROM opslog_checkpoints`.execute(snapshot)
    await sql`SET LOCAL work_mem TO ${sql.lit(`${WORK_MEM_MIB}MB`)}`.execute(snapshot)
    return { position, snapshot }
  })
}

interface TableJob {
  snapshot: ControlledTransaction<object>
  home: string
  shadow: string
  table: Table
  rowsMax: number
}

type FoundRow = {
  live: Record<string, string | null> | null
  rebuilt: Record<string, string | null> | null
  total: string
}

async function compareTable({ snapshot, home, shadow, table, rowsMax }: TableJob) {
  const live = sql.id(home, table.name)
  const rebuilt = sql.id(shadow, table.name)
  const shared = await sharedColumns(snapshot, home, shadow, table.name)
  const side = (alias: string) => sql.join(shared.map((column) => sql.id(alias, column)))
  const sameKey = sql.join(
    table.key.map((column) => sql`l.${sql.id(column)} = r.${sql.id(column)}`),
    sql` AND `,
  )
  const asText = (alias: string) =>
    sql`CASE WHEN ${sql.id(alias)} IS NULL THEN NULL ELSE
      (SELECT jsonb_object_agg(key, value) FROM jsonb_each_text(to_jsonb(${sql.id(alias)}))) END`
  // Comparing bytes takes a fraction of the time; only rows whose bytes differ are compared as text.
  const counts = await sql<{ live: string; rebuilt: string }>`SELECT (SELECT count(*) FROM ${live}) AS live,
    (SELECT count(*) FROM ${rebuilt}) AS rebuilt`.execute(snapshot)
  const { rows } = await sql<FoundRow>`SELECT ${asText('l')} AS live, ${asText('r')} AS rebuilt, total FROM (
      SELECT l, r, count(*) OVER () AS total FROM ${live} l FULL JOIN ${rebuilt} r ON ${sameKey}
      WHERE ROW(${side('l')})::record *<> ROW(${side('r')})::record
      AND ROW(${side('l')})::text IS DISTINCT FROM ROW(${side('r')})::text LIMIT ${Math.max(rowsMax, 1)}) found`.execute(
    snapshot,
  )
  return {
    counts: {
      rowsLive: Number(counts.rows[0]!.live),
      rowsRebuilt: Number(counts.rows[0]!.rebuilt),
      rowsDiffering: Number(rows[0]?.total ?? 0),
    },
    rows: rows.slice(0, Math.max(rowsMax, 0)).map((row) => differenceOf(table, shared, row)),
  }
}

/** The columns that both tables have; another version may have others. */
async function sharedColumns(
  snapshot: ControlledTransaction<object>,
  home: string,
  shadow: string,
  table: string,
): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`SELECT attname AS name FROM pg_attribute
    WHERE attrelid = ${`"${home}"."${table}"`}::regclass AND attnum > 0 AND NOT attisdropped
    AND attname IN (SELECT attname FROM pg_attribute WHERE attrelid = ${`"${shadow}"."${table}"`}::regclass
      AND attnum > 0 AND NOT attisdropped) ORDER BY attnum`.execute(snapshot)
  return rows.map(({ name }) => name)
}

function differenceOf(table: Table, shared: readonly string[], { live, rebuilt }: FoundRow): RowDifference {
  const row = live ?? rebuilt ?? {}
  const columns = shared
    .map((column) => ({ column, live: live?.[column] ?? null, rebuilt: rebuilt?.[column] ?? null }))
    .filter((found) => found.live !== found.rebuilt)
  return {
    table: table.name,
    key: Object.fromEntries(table.key.map((column) => [column, row[column] ?? ''])),
    kind: live && rebuilt ? 'different' : live ? 'surplus' : 'missing',
    columns,
  }
}
