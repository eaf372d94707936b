/**
 * What a projection is: a name, a version, tables, and a pure handler per event type. Handlers say which rows change;
 * changes.ts turns a batch of such changes into few statements. All names in the SQL are unqualified, so that the same
 * definitions build a shadow of the tables in another schema (rebuild.ts).
 */
import type { AnyEvent, Recorded } from '../events/event.ts'
import type { Delivered, Poison } from '../events/subscription.ts'

/** Whether the event could not be decoded; it is delivered all the same, so that nothing is passed over in silence. */
export const isPoison = (event: Delivered): event is Poison => event.data === undefined

/** Column → value, as it goes to Postgres in JSON: decimals, 64-bit integers and times as text. */
export type Values = Readonly<Record<string, unknown>>

export interface Table {
  readonly name: string
  /** Columns of the primary key. */
  readonly key: readonly string[]
  /** Written columns, with SQL type and constraints. */
  readonly columns: Readonly<Record<string, string>>
  /** Columns that Postgres computes, with SQL type and expression. */
  readonly generated?: Readonly<Record<string, string>>
  /** What follows `CREATE INDEX … ON <table>`. */
  readonly indexes?: readonly string[]
  /** A patch of an absent row makes it: for rows whose events stand in several streams. */
  readonly createsOnPatch?: boolean
  /** Columns that a patch sets once; later values are let go. */
  readonly writeOnce?: readonly string[]
}

/** A table whose rows and key are known to the compiler. */
export interface TableOf<Row extends object, Key extends keyof Row & string> extends Table {
  readonly key: readonly Key[]
  readonly columns: Readonly<Record<keyof Row & string, string>>
}

/** Declares a table; the compiler sees to it that its columns are the row's. */
export const defineTable = <Row extends object, Key extends keyof Row & string>(
  table: TableOf<Row, Key>,
): TableOf<Row, Key> => table

export type Change =
  | { kind: 'upsert'; table: Table; row: Values }
  | { kind: 'patch'; table: Table; key: Values; values: Values }
  | { kind: 'remove'; table: Table; key: Values }
  /** Of all rows that have these values; they need be no key. */
  | { kind: 'erase'; table: Table; where: Values; columns: readonly string[] }

/** The whole row, new or in the place of the one with its key. */
export const upsert = <Row extends object, Key extends keyof Row & string>(
  table: TableOf<Row, Key>,
  row: Row,
): Change => ({ kind: 'upsert', table, row: row as Values })

/** Some columns of a row. Without effect where the row is absent, unless the table is createsOnPatch. */
export const patch = <Row extends object, Key extends keyof Row & string>(
  table: TableOf<Row, Key>,
  key: Pick<Row, Key>,
  values: Partial<Omit<Row, Key>>,
): Change => ({ kind: 'patch', table, key: key as Values, values: values as Values })

export const remove = <Row extends object, Key extends keyof Row & string>(
  table: TableOf<Row, Key>,
  key: Pick<Row, Key>,
): Change => ({ kind: 'remove', table, key: key as Values })

/** Nothing in these columns any more, in every row of the table that has these values. */
export const erase = <Row extends object, Key extends keyof Row & string>(
  table: TableOf<Row, Key>,
  where: Partial<Row>,
  columns: readonly Exclude<keyof Row & string, Key>[],
): Change => ({ kind: 'erase', table, where: where as Values, columns })

export type Handlers = Readonly<Record<string, (event: Recorded) => Change[]>>

/** A handler per event type of a union, each typed by its event. Pure: the same event, the same changes. */
export type HandlersOf<E extends AnyEvent> = {
  readonly [T in E['type']]?: (event: Recorded<Extract<E, { type: T }>>) => Change[]
}

export interface Projection {
  readonly name: string
  /** Raised with every change of tables or handlers; the tables are then rebuilt. */
  readonly version: number
  /** Wrong figures are worse than old ones: a poison event stops everything instead of being parked. */
  readonly onPoison: 'halt' | 'park'
  /** No table belongs to two projections. */
  readonly tables: readonly Table[]
  readonly handlers: Handlers
}

/** Declares a projection. The registry has decoded every event by its type, which is what makes the handlers' types true. */
export const defineProjection = <E extends AnyEvent>(
  projection: Omit<Projection, 'handlers'> & { handlers: HandlersOf<E> },
): Projection => ({ ...projection, handlers: projection.handlers as unknown as Handlers })

/** The statements that make a table and its indexes where they are missing, in the first schema of the search path. */
export function ddlOf(table: Table): string[] {
  const written = Object.entries(table.columns).map(([name, type]) => `${name} ${type}`)
  const computed = Object.entries(table.generated ?? {}).map(([name, type]) => `${name} ${type}`)
  const lines = [...written, ...computed, `PRIMARY KEY (${table.key.join(', ')})`]
  const indexes = (table.indexes ?? []).map(
    (definition, index) => `CREATE INDEX IF NOT EXISTS ${table.name}_${index + 1} ON ${table.name} ${definition}`,
  )
  return [`CREATE TABLE IF NOT EXISTS ${table.name} (${lines.join(', ')})`, ...indexes]
}

/** An event type whatever its version: `noctant.AccountOpened.v2` → `noctant.AccountOpened.v`. */
export const anyVersionOf = (type: string): string => type.replace(/\d+$/, '')

/**
 * What to subscribe to for these projections, as prefixes of event types: everything of their contexts. Fewer would do
 * for the handlers, but a reader may wait for the position of any event, and one of a newer version must be noticed.
 */
export const prefixesOf = (projections: readonly Projection[]): string[] => {
  const types = projections.flatMap(({ handlers }) => Object.keys(handlers))
  return [...new Set(types.map((type) => type.slice(0, type.indexOf('.') + 1)))]
}
