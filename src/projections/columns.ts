/**
 * Declares a table's columns: SQL type, constraints and the type of a row's value in one. Decimals, 64-bit integers and times
 * are text in rows, as kysely reads them (postgres/database.ts) and as JSON carries them to Postgres.
 */

/** A column. `Value` is the type of its values in rows. */
export interface Column<Value = unknown> {
  /** Type in Postgres: `timestamptz(3)`, `text[]`. */
  readonly type: string
  readonly isNullable: boolean
  readonly isUnique: boolean
  /** A default or a check: `DEFAULT now()`. */
  readonly clause?: string
  /** Postgres computes the column from this expression; it is never written then. */
  readonly expression?: string
  /** For the compiler only; always absent. */
  readonly holds?: Value
}

export interface ColumnKind<Value> extends Column<Value> {
  readonly orNull: ColumnKind<Value | null>
  readonly unique: ColumnKind<Value>
  readonly array: ColumnKind<Value[]>
  /** The same SQL type with a narrower value type: `text.of<'long' | 'short'>()`. */
  of<Narrow extends Value>(): ColumnKind<Narrow>
  with(clause: string): ColumnKind<Value>
  /** Computed by Postgres from the row's other columns; stored. */
  computed(expression: string): Column<Value>
}

type Shape = Omit<Column, 'holds'>

const columnOf = <Value>(shape: Shape): ColumnKind<Value> => ({
  ...shape,
  get orNull() {
    return columnOf<Value | null>({ ...shape, isNullable: true })
  },
  get unique() {
    return columnOf<Value>({ ...shape, isUnique: true })
  },
  get array() {
    return columnOf<Value[]>({ ...shape, type: `${shape.type}[]` })
  },
  of: <Narrow extends Value>() => columnOf<Narrow>(shape),
  with: (clause) => columnOf<Value>({ ...shape, clause }),
  computed: (expression) => ({ ...shape, expression }),
})

const kind = <Value>(type: string) => columnOf<Value>({ type, isNullable: false, isUnique: false })

export const uuid = kind<string>('uuid')
export const text = kind<string>('text')
export const boolean = kind<boolean>('boolean')
export const integer = kind<number>('integer')
/** 64 bits, as text. */
export const bigint = kind<string>('bigint')
/** A decimal of any size, as text. */
export const numeric = kind<string>('numeric')
/** A moment to the millisecond, as RFC 3339 text. */
export const time = kind<string>('timestamptz(3)')
export const jsonb = kind<unknown>('jsonb')

/** The definition behind the column's name in CREATE TABLE. */
export function sqlOf({ type, isNullable, isUnique, clause, expression }: Column): string {
  if (expression !== undefined) return `${type} GENERATED ALWAYS AS (${expression}) STORED`
  return [type, isNullable ? '' : 'NOT NULL', isUnique ? 'UNIQUE' : '', clause ?? ''].filter(Boolean).join(' ')
}

/** An index by a text column's bytes: it finds ids that begin alike, whatever the database sorts by. Joins go by the column's own. */
export const byBeginning = (column: string): string => `(${column} COLLATE "C")`
