/** How large tables are, as Postgres knows without counting. */
import { sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'

export interface TableSize {
  table: string
  /** By the planner's statistics; undefined: it has none yet. */
  rows: number | undefined
  bytes: number
}

/** Of those tables that there are. */
export async function sizesOf(db: ReadModels, tables: readonly string[]): Promise<TableSize[]> {
  const { rows } = await sql<{ table: string; rows: number; bytes: string }>`
    SELECT relname AS table, reltuples::float8 AS rows, pg_total_relation_size(oid)::text AS bytes FROM pg_class
    WHERE oid = ANY (SELECT to_regclass(name) FROM unnest(${[...tables]}::text[]) AS name) ORDER BY relname`.execute(db)
  return rows.map(({ table, rows, bytes }) => ({ table, rows: rows < 0 ? undefined : rows, bytes: Number(bytes) }))
}
