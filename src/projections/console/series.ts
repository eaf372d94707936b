/** What rows of a declared table come to over time, for plots: Postgres adds them up, a line for each value of a column. */
import { type RawBuilder, sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'
import { type Filter, whereOf } from '../listing.ts'
import type { Table } from '../projection.ts'

export interface SeriesQuery {
  table: Table
  /** The column of times by which rows stand in a step. */
  at: string
  /** A line for each of its values; absent: one for all rows. */
  by?: string | undefined
  measure?: Measure | undefined
  filters?: readonly Filter[] | undefined
}

/** Of a column, or of the milliseconds between two. Percentiles are given as shares: 0.99. */
export interface Measure {
  of: string | readonly [from: string, to: string]
  as: 'sum' | 'last' | readonly number[]
}

export interface SeriesRow {
  /** Unix second at which the step begins. */
  atS: number
  /** Of the column `by`; null where it has none. */
  value: string | null
  /** One figure for each of the measures; null where no row has it. */
  figures: (number | null)[]
}

const numberOf = (of: Measure['of']): RawBuilder<number> =>
  typeof of === 'string'
    ? sql`${sql.ref(of)}::float8`
    : sql`extract(epoch FROM ${sql.ref(of[1])} - ${sql.ref(of[0])})::float8 * 1000`

function figuresOf({ measure, at }: SeriesQuery): RawBuilder<number[]> {
  if (!measure) return sql`ARRAY[count(*)::float8]`
  const value = numberOf(measure.of)
  if (measure.as === 'sum') return sql`ARRAY[sum(${value})]`
  if (measure.as === 'last') return sql`ARRAY[(array_agg(${value} ORDER BY ${sql.ref(at)} DESC))[1]]`
  return sql`percentile_cont(${[...measure.as]}::float8[]) WITHIN GROUP (ORDER BY ${value})`
}

/** Steps that have rows, in their order. `from` is included, `until` is not. */
export async function readSeries(
  db: ReadModels,
  query: SeriesQuery,
  { from, until, stepS }: { from: Date; until: Date; stepS: number },
): Promise<SeriesRow[]> {
  const { table, at, by, filters = [] } = query
  const within: Filter[] = [
    { column: at, is: 'from', value: from.toISOString() },
    { column: at, is: 'until', value: until.toISOString() },
  ]
  const step = sql.lit(stepS)
  const found = await sql<{ at_s: string; value: string | null; figures: (number | null)[] | null }>`
    SELECT (floor(extract(epoch FROM ${sql.ref(at)}) / ${step}) * ${step})::bigint AS at_s,
      ${by === undefined ? sql`NULL` : sql`${sql.ref(by)}::text`} AS value, ${figuresOf(query)} AS figures
    FROM ${sql.table(table.name)} ${whereOf(table, [...filters, ...within])} GROUP BY 1, 2 ORDER BY 1, 2`.execute(db)
  return found.rows.map(({ at_s, value, figures }) => ({ atS: Number(at_s), value, figures: figures ?? [] }))
}
