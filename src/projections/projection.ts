/**
 * A projection is a name, a version, tables, and a pure handler per event type. Handlers say which rows change; changes.ts
 * turns the changes of a batch into few statements. All names in the SQL are unqualified, so the same definitions build a
 * shadow of the tables in another schema (rebuild/shadow.ts).
 */
import type { AnyEvent, Recorded } from '../events/event.ts'
import { type Column, sqlOf } from './columns.ts'

/** Column → value, as it goes to Postgres in JSON: decimals, 64-bit integers and times as text. */
export type Values = Readonly<Record<string, unknown>>

export type Columns = Readonly<Record<string, Column>>

export interface Table {
  readonly name: string
  /** The primary key. */
  readonly key: readonly string[]
  /** Written columns. */
  readonly columns: Columns
  /** Columns that Postgres computes. */
  readonly generated?: Columns
  /** What follows `CREATE INDEX … ON <table>`. */
  readonly indexes?: readonly string[]
  /** A patch of an absent row creates it: for rows whose events come from several streams. */
  readonly createsOnPatch?: boolean
  /** Columns that a patch sets once; later values are ignored. */
  readonly writeOnce?: readonly string[]
}

/** A table whose columns and key the compiler knows. */
export interface TableOf<Name extends string, Written extends Columns, Key extends string, Computed extends Columns>
  extends Omit<Table, 'name' | 'key' | 'columns' | 'generated'> {
  readonly name: Name
  readonly key: readonly Key[]
  readonly columns: Written
  readonly generated?: Computed
}

type ValuesOf<Of> = { -readonly [Name in keyof Of]: Of[Name] extends Column<infer Value> ? Value : never }

/** The written part of a row. */
export type WrittenOf<T extends Table> = ValuesOf<T['columns']>
/** A row as it is read. */
export type RowOf<T extends Table> = WrittenOf<T> & ValuesOf<NonNullable<T['generated']>>
export type KeyOf<T extends Table> = Pick<WrittenOf<T>, T['key'][number]>
/** Table name → row, as kysely takes it, of a union of tables. */
export type TablesOf<Tables extends Table> = { [T in Tables as T['name']]: RowOf<T> }

/** Declares a table, so that the compiler knows its columns and key. */
export const defineTable = <
  const Name extends string,
  Written extends Columns,
  const Key extends keyof Written & string,
  Computed extends Columns = Record<never, never>,
>(
  table: TableOf<Name, Written, Key, Computed> & { readonly writeOnce?: readonly (keyof Written & string)[] },
): TableOf<Name, Written, Key, Computed> => table

/** The names of a table's columns, computed ones last, but for some. */
export const columnsBut = <T extends Table, const But extends keyof RowOf<T> & string>(
  table: T,
  ...but: readonly But[]
): Exclude<keyof RowOf<T> & string, But>[] => {
  const names = [...Object.keys(table.columns), ...Object.keys(table.generated ?? {})]
  return names.filter((name) => !but.includes(name as But)) as Exclude<keyof RowOf<T> & string, But>[]
}

/** The values of these columns, in their order: the row as a query for them answers it. */
export const columnsOf = <Name extends string, Row extends Readonly<Record<Name, unknown>>>(
  columns: readonly Name[],
  row: Row,
): Pick<Row, Name> => Object.fromEntries(columns.map((name) => [name, row[name]])) as Pick<Row, Name>

export type Change =
  | { kind: 'upsert'; table: Table; row: Values }
  | { kind: 'patch'; table: Table; key: Values; values: Values }
  | { kind: 'remove'; table: Table; key: Values }
  /** Empties columns in all rows with these values, which need not be a key. */
  | { kind: 'erase'; table: Table; where: Values; columns: readonly string[] }
  /** Removes all rows with these values, which need not be a key. */
  | { kind: 'removeAll'; table: Table; where: Values }

/** Writes the whole row, and replaces one with the same key. Drops members that are no columns of the table. */
export const upsert = <T extends Table>(table: T, row: WrittenOf<T>): Change => {
  const values: Record<string, unknown> = {}
  for (const name of Object.keys(table.columns)) values[name] = (row as Values)[name]
  return { kind: 'upsert', table, row: values }
}

/** Writes some columns of a row. Without effect where the row is absent, unless the table is createsOnPatch. */
export const patch = <T extends Table>(
  table: T,
  key: KeyOf<T>,
  values: Partial<Omit<WrittenOf<T>, T['key'][number]>>,
): Change => ({ kind: 'patch', table, key: key as Values, values: values as Values })

export const remove = <T extends Table>(table: T, key: KeyOf<T>): Change => ({
  kind: 'remove',
  table,
  key: key as Values,
})

/** Empties these columns in every row of the table that has these values. */
export const erase = <T extends Table>(
  table: T,
  where: Partial<WrittenOf<T>>,
  columns: readonly Exclude<keyof T['columns'] & string, T['key'][number]>[],
): Change => ({ kind: 'erase', table, where: where as Values, columns })

/** Removes every row of the table that has these values. */
export const removeAll = <T extends Table>(table: T, where: Partial<WrittenOf<T>>): Change => ({
  kind: 'removeAll',
  table,
  where: where as Values,
})

export type Handlers = Readonly<Record<string, (event: Recorded) => Change[]>>

/** A handler per event type of a union, each typed by its event. Pure: the same event gives the same changes. */
export type HandlersOf<E extends AnyEvent> = {
  readonly [T in E['type']]?: (event: Recorded<Extract<E, { type: T }>>) => Change[]
}

export interface Projection {
  readonly name: string
  /** Raised with every change of tables or handlers; the projector then rebuilds the tables. */
  readonly version: number
  /** `halt`: a poison event stops the projector, where wrong values would be worse than old ones. `park`: it is set aside. */
  readonly onPoison: 'halt' | 'park'
  /** No table belongs to two projections. */
  readonly tables: readonly Table[]
  readonly handlers: Handlers
}

/** Declares a projection. The registry decodes every event by its type, so the handlers' types hold. */
export const defineProjection = <E extends AnyEvent>(
  projection: Omit<Projection, 'handlers'> & { handlers: HandlersOf<E> },
): Projection => ({ ...projection, handlers: projection.handlers as unknown as Handlers })

/** The statements that make a missing table and its indexes, in the first schema of the search path. */
export function ddlOf(table: Table): string[] {
  const columns = Object.entries({ ...table.columns, ...table.generated })
  const lines = [
    ...columns.map(([name, column]) => `${name} ${sqlOf(column)}`),
    `PRIMARY KEY (${table.key.join(', ')})`,
  ]
  const indexes = (table.indexes ?? []).map(
    (definition, index) => `CREATE INDEX IF NOT EXISTS ${table.name}_${index + 1} ON ${table.name} ${definition}`,
  )
  return [`CREATE TABLE IF NOT EXISTS ${table.name} (${lines.join(', ')})`, ...indexes]
}
