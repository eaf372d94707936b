/**
 * Whose a thing is, by its id: whatever read model names an operator beside an id of its own says so. Taken from the
 * tables' declarations, so that a new read model is asked without a word here.
 */
import { sql } from 'kysely'
import { isUuid } from '../../events/uuid.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { Projection, Table } from '../projection.ts'

const OWNER = 'operator_id'

/** Columns that hold one row's own id: a key of one column, or one that is unique. */
const idColumns = ({ name: table, key, columns }: Table) =>
  Object.entries(columns)
    .filter(([column, { isUnique }]) => isUnique || (key.length === 1 && key[0] === column))
    .map(([column, { type }]) => ({ table, column, type }))

const placesIn = (projections: readonly Projection[]) =>
  projections
    .flatMap(({ tables }) => tables)
    .filter(({ columns }) => OWNER in columns)
    .flatMap(idColumns)

/**
 * Finds the operators of those ids that have one, in the tables of these projections. An id that nothing is known of, or
 * that nobody owns, is not among them.
 */
export function createOwnersOf(db: ReadModels, projections: readonly Projection[]) {
  const places = placesIn(projections)
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
    .map(({ table, column, type, wanted }) => {
      const array = sql`${sql.val(wanted)}::${sql.raw(`${type}[]`)}`
      return sql`SELECT ${sql.ref(column)}::text AS id, operator_id::text AS operator FROM ${sql.table(table)}
        WHERE ${sql.ref(column)} = ANY(${array}) AND operator_id IS NOT NULL`
    })
  if (queries.length === 0) return new Map()
  const { rows } = await sql<{ id: string; operator: string }>`${sql.join(queries, sql` UNION ALL `)}`.execute(db)
  return new Map(rows.map(({ id, operator }) => [id, operator]))
}
