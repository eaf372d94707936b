/**
 * Pages of any declared table, for people who look through it: filtered by its columns, sorted by one, and read from either
 * end of the page before. Columns are those that the table declares, so that nothing of a request becomes SQL.
 */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { ReadModels } from '../postgres/database.ts'
import { queriesOver } from '../postgres/queries.ts'
import type { RowOf, Table, Values } from './projection.ts'

export interface Filter {
  column: string
  /** `begins`: the column is text or a UUID. */
  is: 'equal' | 'begins' | 'from' | 'until'
  value: string | boolean
}

/** A row's place in the order: its value of the sorting column, and its key. */
export type Place = readonly (string | null)[]

export interface Listing {
  filters: readonly Filter[]
  sort: { column: string; isDescending: boolean }
  /** Behind this row, or before it; absent: the first page. */
  from?: { place: Place; isBefore: boolean } | undefined
  limit: number
}

export interface Listed<Row> {
  rows: Row[]
  /** Whether rows follow behind these, and before them. */
  hasBehind: boolean
  hasBefore: boolean
}

/** Throws an Error for a column that the table does not have. */
function typeIn({ name: table, columns, generated }: Table, name: string): string {
  const type = { ...columns, ...generated }[name]?.type
  if (type === undefined) throw new Error(`${table} has no column ${name}`)
  return type
}

function conditionOf(table: Table, { column, is, value }: Filter): RawBuilder<SqlBool> {
  const [ref, type] = [sql.ref(column), typeIn(table, column)]
  if (is === 'begins' && type === 'uuid') {
    const { first, last } = uuidsBeginning(String(value))
    return sql<SqlBool>`${ref} BETWEEN ${first}::uuid AND ${last}::uuid`
  }
  // No character is behind that one. The bytes' order is that of an index for it (columns.ts).
  if (is === 'begins') return sql<SqlBool>`${ref} COLLATE "C" BETWEEN ${value} AND ${`${value}\u{10ffff}`}`
  return sql<SqlBool>`${ref} ${sql.raw(operators[is])} ${value}::${sql.raw(type)}`
}

export function whereOf(table: Table, filters: readonly Filter[]): RawBuilder<unknown> {
  const conditions = filters.map((filter) => conditionOf(table, filter))
  return conditions.length === 0 ? sql`` : sql`WHERE ${sql.join(conditions, sql` AND `)}`
}

/** One page in the order asked for. Throws an Error for a column that the table does not have. */
export async function listRows<T extends Table>(db: ReadModels, table: T, listing: Listing): Promise<Listed<RowOf<T>>> {
  const { filters, sort, from, limit } = listing
  const order = orderOf(table, sort.column)
  // Rows before a page are read backwards, the nearest first.
  const isReversed = from?.isBefore === true
  const isDescending = sort.isDescending !== isReversed
  let query = queriesOver<Record<string, Values>>().tables(db).selectFrom(table.name).selectAll()
  for (const filter of filters) query = query.where(conditionOf(table, filter))
  if (from) {
    const refs = sql.join(order.map((name) => sql.ref(name)))
    const values = sql.join(order.map((name, at) => sql`${from.place[at] ?? null}::${sql.raw(typeIn(table, name))}`))
    query = query.where(sql<SqlBool>`(${refs}) ${sql.raw(isDescending ? '<' : '>')} (${values})`)
  }
  for (const name of order) query = query.orderBy(sql.ref(name), isDescending ? 'desc' : 'asc')
  const found = (await query.limit(limit + 1).execute()) as RowOf<T>[]
  const hasMore = found.length > limit
  const rows = found.slice(0, limit)
  if (isReversed) return { rows: rows.toReversed(), hasBehind: true, hasBefore: hasMore }
  return { rows, hasBehind: hasMore, hasBefore: from !== undefined }
}

/** Where this row stands in that order. */
export const placeOf = (table: Table, row: Values, column: string): Place =>
  orderOf(table, column).map((name) => (row[name] === null || row[name] === undefined ? null : String(row[name])))

const orderOf = ({ key }: Table, first: string): readonly string[] => [first, ...key.filter((name) => name !== first)]

/** An index finds them. What begins no UUID is found nowhere. */
function uuidsBeginning(text: string): { first: string; last: string } {
  const digits = text.toLowerCase().replaceAll('-', '')
  if (!/^[0-9a-f]{1,32}$/.test(digits)) return { first: 'f'.repeat(32), last: '0'.repeat(32) }
  return { first: digits.padEnd(32, '0'), last: digits.padEnd(32, 'f') }
}

const operators = { equal: '=', from: '>=', until: '<=' } as const

type Count = { value: string | null; count: string }

/** How many rows there are of each value of a column, the most first. */
export async function countsBy(
  db: ReadModels,
  table: Table,
  column: string,
  filters: readonly Filter[],
): Promise<Count[]> {
  const query = sql<Count>`SELECT ${sql.ref(column)}::text AS value, count(*)::text AS count
    FROM ${sql.table(table.name)} ${whereOf(table, filters)} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 50`
  return (await query.execute(db)).rows
}
