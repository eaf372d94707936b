/** Keyset paging: each page begins behind the last row of the page before, whatever rows came since. */
import { type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import { type Camel, camelCase } from '../runtime/letter-case.ts'

export interface Page<Column extends string> {
  /** The ordering columns of the previous page's last row; undefined: the first page. */
  before?: { readonly [Name in Column as Camel<Name>]: string | number } | undefined
  limit: number
}

/**
 * At most `limit` rows, greatest first by these columns, which together are unique. An index over them in this order,
 * descending, finds the page without sorting.
 */
export function newestFirst<Db, Tables extends keyof Db, Row, const Columns extends readonly (keyof Row & string)[]>(
  query: SelectQueryBuilder<Db, Tables, Row>,
  columns: Columns,
  { before, limit }: Page<Columns[number]>,
): SelectQueryBuilder<Db, Tables, Row> {
  const refs = columns.map((column) => sql.ref(column))
  const values = before && columns.map((column) => (before as Record<string, unknown>)[camelCase(column)])
  const after = values ? query.where(sql<SqlBool>`(${sql.join(refs)}) < (${sql.join(values)})`) : query
  return refs.reduce((ordered, ref) => ordered.orderBy(ref, 'desc'), after).limit(limit)
}
