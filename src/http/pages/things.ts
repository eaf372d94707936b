/** Things that a table holds: how they are found by whatever somebody has in hand, and shown to those alone whose they are. */
import { isUuid } from '../../events/uuid.ts'
import { byBeginning } from '../../projections/columns.ts'
import { type Filter, listRows } from '../../projections/listing.ts'
import type { RowOf, Table } from '../../projections/projection.ts'
import { type Asked, type Finder, type Hit, type Shown, tenantOf, type View } from './declaration.ts'

export interface ThingsOf<T extends Table> {
  table: T
  /** In singular and in plural: `account`, `accounts`. */
  kind: string
  kinds: string
  /** The column with the tenant's id; undefined: they are nobody's, and shown to administrators alone. */
  tenant: (keyof RowOf<T> & string) | undefined
  /** Which of the tenant's own are shown to its keys; default: all. */
  ofKeys?: readonly Filter[]
  /** The column with the id that the API has for them. */
  id: keyof RowOf<T> & string
  /** Columns with further ids and names, none of them null for all rows. */
  aliases?: readonly (keyof RowOf<T> & string)[]
  /** A column of times, by which they are sorted. */
  at: keyof RowOf<T> & string
  /** Of their list, under `/console`. */
  path: string
  /** As people know one. */
  nameOf: (row: RowOf<T>) => string
}

export interface WithDatabase {
  db: Parameters<typeof listRows>[0]
}

/** An id's beginning that is long enough to look for: of a UUID, or of an id with a prefix, `job_01KJPV4G`. */
const BEGINNING = /^([0-9a-f]{8}[0-9a-f-]{0,28}|[a-z]+_\w{8,99})$/i
/** More than one screen of them is no answer: the text says too little. */
const FOUND_MAX = 10

export const typeOf = (of: Table, name: string): string => ({ ...of.columns, ...of.generated })[name]?.type ?? ''

/** Whether Postgres takes the text for a value of this type. */
export function fits(type: string, text: string): boolean {
  if (text.includes('\0')) return false
  if (type === 'uuid') return isUuid(text)
  if (type === 'boolean') return text === 'true' || text === 'false'
  if (type === 'numeric') return /^-?\d{1,60}(\.\d{1,60})?$/.test(text)
  if (type === 'integer' || type === 'bigint') return (type === 'bigint' ? /^-?\d{1,18}$/ : /^-?\d{1,9}$/).test(text)
  if (type.startsWith('timestamptz')) return !Number.isNaN(Date.parse(text))
  return true
}

/** Confines a query to the viewer's own; no filter for those who see all. Throws where the things are nobody's. */
export function ownFilter<T extends Table>(
  { table, tenant, kinds, ofKeys = [] }: Pick<ThingsOf<T>, 'table' | 'tenant' | 'kinds' | 'ofKeys'>,
  { viewer }: Pick<Asked<unknown>, 'viewer'>,
): Filter[] {
  const owner = tenantOf(viewer)
  if (owner === undefined) return []
  if (tenant === undefined) throw new Error(`${kinds} are nobody's, and not for a tenant`)
  // A key is of one of the tenant's worlds.
  const { environment } = viewer.principal ?? {}
  const ofWorld: Filter = { column: 'environment', is: 'equal', value: environment ?? '' }
  const own: Filter = { column: tenant, is: 'equal', value: owner }
  return [own, ...(environment && table.columns.environment ? [ofWorld] : []), ...ofKeys]
}

async function rowsWhere<T extends Table>(
  things: ThingsOf<T>,
  asked: Asked<WithDatabase>,
  column: string,
  value: string,
  is: Filter['is'] = 'equal',
): Promise<RowOf<T>[]> {
  if (is === 'equal' && !fits(typeOf(things.table, column), value)) return []
  const filters = [...ownFilter(things, asked), { column, is, value }]
  const sort = { column: things.at, isDescending: true }
  return (await listRows(asked.parts.db, things.table, { filters, sort, limit: FOUND_MAX })).rows
}

/** The path of one of them, under `/console`. */
export const pathOfThing = <T extends Table>(things: ThingsOf<T>, row: RowOf<T>): string =>
  `${things.path}/${encodeURIComponent(String((row as Record<string, unknown>)[things.id]))}`

/** The thing of this very id; undefined: there is none, or it is another's. */
export const thingOf = async <T extends Table>(
  things: ThingsOf<T>,
  asked: Asked<WithDatabase>,
  id: string,
): Promise<RowOf<T> | undefined> => (await rowsWhere(things, asked, things.id, id))[0]

/** Those that this text names, by an id, a name, or the beginning of an id. */
async function named<T extends Table>(
  things: ThingsOf<T>,
  asked: Asked<WithDatabase>,
  text: string,
): Promise<RowOf<T>[]> {
  const columns = [things.id, ...(things.aliases ?? [])]
  const found = (await Promise.all(columns.map((column) => rowsWhere(things, asked, column, text)))).flat()
  if (found.length > 0 || !BEGINNING.test(text)) return found
  const ids = columns.filter((column) => hasBeginnings(things.table, column, text.includes('_') ? 'text' : 'uuid'))
  return (await Promise.all(ids.map((column) => rowsWhere(things, asked, column, text, 'begins')))).flat()
}

/** Whether ids of this type are found by their beginnings here. UUIDs are in the order of their digits in any index. */
export const hasBeginnings = (of: Table, column: string, type = typeOf(of, column)): boolean =>
  typeOf(of, column) === type && (type === 'uuid' || (of.indexes ?? []).includes(byBeginning(column)))

/** The view of one of them, whose id is the path's `:id`. Another of its names leads there. */
export const thingView =
  <T extends Table, Parts extends WithDatabase>(
    things: ThingsOf<T>,
    show: (asked: Asked<Parts>, row: RowOf<T>) => Promise<Shown | undefined>,
  ): View<Parts> =>
  async (asked) => {
    const text = asked.params.id ?? ''
    const row = await thingOf(things, asked, text)
    if (row) return show(asked, row)
    const found = await named(things, asked, text)
    const paths = new Set(found.map((each) => pathOfThing(things, each)))
    if (paths.size > 1) return `/find?q=${encodeURIComponent(text)}`
    return [...paths][0]
  }

/** Finds them for the box that takes any id. */
export const finderOf = <T extends Table>(things: ThingsOf<T>): Finder<WithDatabase> & { things: ThingsOf<T> } => ({
  ...{ kind: things.kinds, things },
  async find(asked, text) {
    // What is nobody's is found by administrators alone.
    if (things.tenant === undefined && tenantOf(asked.viewer) !== undefined) return []
    const found = await named(things, asked, text)
    return found.map((row): Hit => ({ kind: things.kind, name: things.nameOf(row), path: pathOfThing(things, row) }))
  },
})

/** The newest rows of a table that belong to one thing. */
export async function rowsOf<T extends Table>(
  { parts: { db } }: { parts: WithDatabase },
  table: T,
  by: { at: keyof RowOf<T> & string; of: readonly [column: keyof RowOf<T> & string, value: string]; limit: number },
): Promise<RowOf<T>[]> {
  const filters: Filter[] = [{ column: by.of[0], is: 'equal', value: by.of[1] }]
  return (await listRows(db, table, { filters, sort: { column: by.at, isDescending: true }, limit: by.limit })).rows
}
