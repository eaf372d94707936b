/**
 * Whose a thing is, by its id: whatever read model names a tenant beside an id of its own says so. Taken from what
 * contexts declare, so that a new read model is asked without a word here.
 */
import { sql } from 'kysely'
import { isUuid } from '../../events/uuid.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snakeNameOf } from '../../runtime/letter-case.ts'
import type { Projection, Table } from '../projection.ts'

/** What a context declares of its tenants. */
export interface Owning {
  readonly events: { readonly tenant?: string }
  readonly projections: readonly Projection[]
}

/** Columns that hold one row's own id: a key of one column, or one that is unique. */
const idColumns = ({ name: table, key, columns }: Table) =>
  Object.entries(columns)
    .filter(([column, { isUnique }]) => isUnique || (key.length === 1 && key[0] === column))
    .map(([column, { type }]) => ({ table, column, type }))

const placesIn = (contexts: readonly Owning[]) =>
  contexts.flatMap(({ events: { tenant }, projections }) => {
    if (tenant === undefined) return []
    const owner = snakeNameOf(tenant)
    const tables = projections.flatMap((projection) => projection.tables).filter(({ columns }) => owner in columns)
    return tables.flatMap(idColumns).map((place) => ({ ...place, owner }))
  })

/**
 * Finds the tenants of those ids that have one, in the tables of these contexts. An id that nothing is known of, or
 * that nobody owns, is not among them.
 */
export function createOwnersOf(db: ReadModels, contexts: readonly Owning[]) {
  const places = placesIn(contexts)
  return (ids: readonly string[]): Promise<Map<string, string>> => ownersIn(db, places, ids)
}

async function ownersIn(
  db: ReadModels,
  places: ReturnType<typeof placesIn>,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const uuids = ids.filter(isUuid)
  const texts = ids.filter((id) => !isUuid(id) && id !== '' && !id.includes('\0'))
  const queries = places
    .map((place) => ({ ...place, wanted: place.type === 'uuid' ? uuids : texts }))
    .filter(({ wanted }) => wanted.length > 0)
    .map(({ table, column, type, owner, wanted }) => {
      const array = sql`${sql.val(wanted)}::${sql.raw(`${type}[]`)}`
      return sql`SELECT ${sql.ref(column)}::text AS id, ${sql.ref(owner)}::text AS tenant FROM ${sql.table(table)}
        WHERE ${sql.ref(column)} = ANY(${array}) AND ${sql.ref(owner)} IS NOT NULL`
    })
  if (queries.length === 0) return new Map()
  const { rows } = await sql<{ id: string; tenant: string }>`${sql.join(queries, sql` UNION ALL `)}`.execute(db)
  return new Map(rows.map(({ id, tenant }) => [id, tenant]))
}
