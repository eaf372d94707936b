/**
 * Turns changes into SQL: the changes of a batch are folded per row, in order, into one statement per table and kind. The
 * texts depend on the tables only, never on values, so each is prepared once.
 */
import { CompiledQuery } from 'kysely'
import type { ReadModels } from '../postgres/database.ts'
import type { Change, Table, Values } from './projection.ts'

/** A change of one row; an erasure changes or removes many, as earlier changes have left them. */
type RowChange = Exclude<Change, { kind: 'erase' | 'removeAll' }>
type Erasure = Exclude<Change, RowChange>

/** The folded change of one row; `values` includes the key. */
interface Pending {
  kind: RowChange['kind']
  values: Values
}

type Folded = Map<Table, Map<string, Pending>>

/** One text to run, and its rows. */
export interface Statement {
  text: string
  rows: Values[]
}

/** Runs a batch's changes, one statement after the other. */
export async function flush(trx: ReadModels, changes: readonly Change[]): Promise<void> {
  for (const { sql, parameters } of queriesOf(changes)) await trx.executeQuery(CompiledQuery.raw(sql, parameters))
}

export const queriesOf = (changes: readonly Change[]): { sql: string; parameters: unknown[] }[] =>
  statementsFor(changes).map(({ text, rows }) => ({ sql: text, parameters: [JSON.stringify(rows)] }))

export function statementsFor(changes: readonly Change[]): Statement[] {
  const statements: Statement[] = []
  let before: Statement | undefined
  for (const run of splitAtErasures(changes)) {
    if (Array.isArray(run)) {
      statements.push(...rowStatements(run))
      before = undefined
      continue
    }
    // Erasures of one kind that follow each other travel together.
    const text = erasureText(run)
    if (before?.text === text) before.rows.push(run.where)
    else {
      before = { text, rows: [run.where] }
      statements.push(before)
    }
  }
  return statements
}

const isErasure = (change: Change): change is Erasure => change.kind === 'erase' || change.kind === 'removeAll'

/** Splits changes at erasures: runs of row changes, and each erasure on its own. */
function splitAtErasures(changes: readonly Change[]): (RowChange[] | Erasure)[] {
  const runs: (RowChange[] | Erasure)[] = []
  for (const change of changes) {
    const last = runs.at(-1)
    if (isErasure(change)) runs.push(change)
    else if (Array.isArray(last)) last.push(change)
    else runs.push([change])
  }
  return runs
}

function rowStatements(changes: readonly RowChange[]): Statement[] {
  const statements = new Map<string, Statement>()
  for (const [table, rows] of fold(changes)) {
    for (const { kind, values } of rows.values()) {
      const text = knownTextOf(table, kind, values)
      const statement = statements.get(text)
      if (statement) statement.rows.push(values)
      else statements.set(text, { text, rows: [values] })
    }
  }
  return [...statements.values()]
}

/** Applies the same changes to rows in memory: table → key → row. */
export function applyInMemory(tables: ReadonlyMap<Table, Map<string, Values>>, changes: readonly Change[]): void {
  for (const run of splitAtErasures(changes)) {
    if (Array.isArray(run)) changeRows(tables, run)
    else eraseInMemory(tables.get(run.table), run)
  }
}

function eraseInMemory(rows: Map<string, Values> | undefined, erasure: Erasure): void {
  const columns = erasure.kind === 'erase' ? erasure.columns : []
  const nothing = Object.fromEntries(columns.map((column) => [column, null]))
  for (const [key, row] of rows ?? []) {
    if (!Object.entries(erasure.where).every(([column, value]) => row[column] === value)) continue
    if (erasure.kind === 'erase') rows?.set(key, { ...row, ...nothing })
    else rows?.delete(key)
  }
}

function changeRows(tables: ReadonlyMap<Table, Map<string, Values>>, changes: readonly RowChange[]): void {
  for (const [table, pending] of fold(changes)) {
    const rows = tables.get(table)
    if (!rows) continue
    for (const [key, { kind, values }] of pending) {
      const before = rows.get(key)
      if (kind === 'remove') rows.delete(key)
      else if (kind === 'upsert') rows.set(key, values)
      else if (before) rows.set(key, merged(table, before, values))
      else if (table.createsOnPatch) rows.set(key, { ...emptyRow(table), ...values })
    }
  }
}

/** Identifies a row within its table. UUIDs compare without regard to case, as in Postgres. */
export const keyOf = (table: Table, values: Values): string =>
  table.key
    .map((column) => {
      const value = String(values[column])
      return table.columns[column]?.type === 'uuid' ? value.toLowerCase() : value
    })
    .join('\n')

function fold(changes: readonly RowChange[]): Folded {
  const folded: Folded = new Map()
  for (const change of changes) {
    const { table } = change
    const rows = folded.get(table) ?? new Map<string, Pending>()
    folded.set(table, rows)
    const key = keyOf(table, change.kind === 'upsert' ? change.row : change.key)
    const pending = next(rows.get(key), change)
    if (pending) rows.set(key, pending)
  }
  return folded
}

function next(before: Pending | undefined, change: RowChange): Pending | undefined {
  const { table } = change
  switch (change.kind) {
    case 'upsert':
      return { kind: 'upsert', values: change.row }
    case 'remove':
      return { kind: 'remove', values: change.key }
    case 'patch': {
      const values = { ...change.key, ...change.values }
      if (!before) return { kind: 'patch', values }
      if (before.kind !== 'remove') return { kind: before.kind, values: merged(table, before.values, change.values) }
      return table.createsOnPatch ? { kind: 'upsert', values: { ...emptyRow(table), ...values } } : before
    }
    default:
      return change satisfies never
  }
}

function merged(table: Table, before: Values, patch: Values): Values {
  const kept = (column: string) => table.writeOnce?.includes(column) && before[column] != null
  return { ...before, ...Object.fromEntries(Object.entries(patch).filter(([column]) => !kept(column))) }
}

const emptyRow = (table: Table): Values => Object.fromEntries(Object.keys(table.columns).map((name) => [name, null]))

const texts = new WeakMap<Table, Map<string, string>>()

/** `textOf`, composed once for each set of columns. Composing it for each row would cost more than the row itself. */
function knownTextOf(table: Table, kind: RowChange['kind'], values: Values): string {
  const known = texts.get(table) ?? new Map<string, string>()
  if (known.size === 0) texts.set(table, known)
  const shape = kind === 'patch' ? `patch ${Object.keys(values).join()}` : kind
  const text = known.get(shape) ?? textOf(table, kind, values)
  known.set(shape, text)
  return text
}

function textOf(table: Table, kind: RowChange['kind'], values: Values): string {
  const { name, key } = table
  const source = `jsonb_populate_recordset(null::${name}, $1::jsonb)`
  const sameKey = key.map((column) => `t.${column} = p.${column}`).join(' AND ')
  if (kind === 'remove') return `DELETE FROM ${name} AS t USING ${source} AS p WHERE ${sameKey}`
  if (kind === 'upsert') return insertText(table, Object.keys(table.columns), (column) => `excluded.${column}`)
  const columns = Object.keys(table.columns).filter((column) => column in values)
  const set = (from: string) => (column: string) =>
    table.writeOnce?.includes(column) ? `COALESCE(t.${column}, ${from}.${column})` : `${from}.${column}`
  if (table.createsOnPatch) return insertText(table, columns, set('excluded'))
  const changed = columns.filter((column) => !key.includes(column))
  const assignments = changed.map((column) => `${column} = ${set('p')(column)}`).join(', ')
  return `UPDATE ${name} AS t SET ${assignments} FROM ${source} AS p WHERE ${sameKey}`
}

function erasureText(erasure: Erasure): string {
  const { name } = erasure.table
  const same = Object.keys(erasure.where).map((column) => `t.${column} = p.${column}`)
  const source = `jsonb_populate_recordset(null::${name}, $1::jsonb)`
  if (erasure.kind === 'removeAll') return `DELETE FROM ${name} AS t USING ${source} AS p WHERE ${same.join(' AND ')}`
  const filled = erasure.columns.map((column) => `t.${column} IS NOT NULL`).join(' OR ')
  const assignments = erasure.columns.map((column) => `${column} = NULL`).join(', ')
  return `UPDATE ${name} AS t SET ${assignments} FROM ${source} AS p WHERE ${same.join(' AND ')} AND (${filled})`
}

function insertText(table: Table, columns: readonly string[], newValue: (column: string) => string): string {
  const { name, key } = table
  const list = columns.join(', ')
  const changed = columns.filter((column) => !key.includes(column))
  const assignments = changed.map((column) => `${column} = ${newValue(column)}`).join(', ')
  const onConflict = changed.length > 0 ? `DO UPDATE SET ${assignments}` : 'DO NOTHING'
  return (
    `INSERT INTO ${name} AS t (${list}) SELECT ${list} FROM jsonb_populate_recordset(null::${name}, $1::jsonb) ` +
    `ON CONFLICT (${key.join(', ')}) ${onConflict}`
  )
}
