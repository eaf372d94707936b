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
  if (is === 'begins') return textBeginning(ref, String(value))
  return sql<SqlBool>`${ref} ${sql.raw(operators[is])} ${value}::${sql.raw(type)}`
}

export const whereOf = (table: Table, filters: readonly Filter[]) =>
  filters.length === 0
    ? sql``
    : sql`WHERE ${sql.join(
        filters.map((filter) => conditionOf(table, filter)),
        sql` AND `,
      )}`

/** For one page, and a row more, in the order that it is read in. Throws an Error for a column that the table does not have. */
export function pageQuery(db: ReadModels, table: Table, { filters, sort, from, limit }: Listing) {
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
  return query.limit(limit + 1)
}

/** One page in the order asked for. Throws an Error for a column that the table does not have. */
export async function listRows<T extends Table>(db: ReadModels, table: T, listing: Listing): Promise<Listed<RowOf<T>>> {
  const { from, limit } = listing
  const isReversed = from?.isBefore === true
  const found = (await pageQuery(db, table, listing).execute()) as RowOf<T>[]
  const hasMore = found.length > limit
  const rows = found.slice(0, limit)
  if (isReversed) return { rows: rows.toReversed(), hasBehind: true, hasBefore: hasMore }
  return { rows, hasBehind: hasMore, hasBefore: from !== undefined }
}

/** Where this row stands in that order. */
export const placeOf = (table: Table, row: Values, column: string): Place =>
  orderOf(table, column).map((name) => {
    const value = row[name]
    return value === null || value === undefined ? null : String(value)
  })

const orderOf = ({ key }: Table, column: string): readonly string[] => [
  column,
  ...key.filter((name) => name !== column),
]

/** An index finds them. What begins no UUID is found nowhere. */
function uuidsBeginning(text: string): { first: string; last: string } {
  const digits = text.toLowerCase().replaceAll('-', '')
  if (!/^[0-9a-f]{1,32}$/.test(digits)) return { first: 'f'.repeat(32), last: '0'.repeat(32) }
  return { first: digits.padEnd(32, '0'), last: digits.padEnd(32, 'f') }
}

/** By its bytes: an index finds them where the column has one for that (`byBeginning` of columns.ts). */
function textBeginning(ref: RawBuilder<unknown>, text: string): RawBuilder<SqlBool> {
  const behind = firstBehind(text)
  const from = sql<SqlBool>`${ref} COLLATE "C" >= ${text}`
  return behind === undefined ? from : sql<SqlBool>`(${from} AND ${ref} COLLATE "C" < ${behind})`
}

/** The least text that is greater than all that begin so; undefined: every greater text begins so. */
function firstBehind(text: string): string | undefined {
  const points = Array.from(text, (each) => each.codePointAt(0) ?? 0)
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    // Half of a pair of UTF-16 is no character.
    const next = last === 0xd7ff ? 0xe000 : last + 1
    if (next <= 0x10ffff) return String.fromCodePoint(...points, next)
  }
  return undefined
}

/** Ids of a table that begin so, in their order, at most `limit`. Throws an Error for a column that the table does not have. */
export async function idsBeginning(
  db: ReadModels,
  table: Table,
  column: string,
  beginning: string,
  limit: number,
): Promise<string[]> {
  const where = whereOf(table, [{ column, is: 'begins', value: beginning }])
  const query = sql<{
    id: string
  }>`SELECT DISTINCT ${sql.ref(column)}::text AS id FROM ${sql.table(table.name)} ${where}
    ORDER BY 1 LIMIT ${limit}`
  return (await query.execute(db)).rows.map(({ id }) => id)
}

const operators = { equal: '=', from: '>=', until: '<=' } as const

/** How many rows there are of each value of a column, the most first. */
export async function countsBy(
  db: ReadModels,
  table: Table,
  column: string,
  filters: readonly Filter[],
): Promise<{ value: string | null; count: string }[]> {
  const query = sql<{
    value: string | null
    count: string
  }>`SELECT ${sql.ref(column)}::text AS value, count(*)::text AS count
    FROM ${sql.table(table.name)} ${whereOf(table, filters)} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 50`
  return (await query.execute(db)).rows
}
