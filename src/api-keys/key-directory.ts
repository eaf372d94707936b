/**
 * The keys of one kind in the memory of each API process: loaded once from the read models, then fed by the events
 * themselves. Authentication then costs no query, and a revocation takes effect with its event, whatever the projector
 * is doing.
 */
import { anyVersionOf, categoryOf } from '../events/event.ts'
import { type Delivered, isPoison } from '../events/subscription.ts'
import type { ReadModels } from '../postgres/database.ts'
import { queriesOver } from '../postgres/queries.ts'
import { applyInMemory, keyOf } from '../projections/changes.ts'
import { projectionsCheckpoint, readCheckpoint } from '../projections/checkpoint.ts'
import type { Change, Projection, RowOf, Table, Values } from '../projections/projection.ts'
import type { Directory } from './directory.ts'

/** The row of this key in one of the directory's tables. */
export type FindRow = <T extends Table>(table: T, key: string) => RowOf<T> | undefined

export interface KeyDirectoryOptions<Key extends Table, Entry> {
  /** Whose read models the directory is loaded from. */
  context: string
  /**
   * Of the streams whose events it follows: category → the table whose key is the stream's id. An event that cannot be
   * read may be a revocation: it removes this row.
   */
  streams: Readonly<Record<string, Table>>
  /** Their handlers name the event types to follow. */
  projections: readonly Projection[]
  /** Those of their tables that are held, whole, each with a key of one column; default: all. */
  tables?: readonly Table[]
  /** `textId`: the column with the id that stands in a key's own text. */
  keys: { table: Key; textId: keyof RowOf<Key> & string }
  /** What is known of a key. One that is to end may be found a little longer: the caller judges it. */
  entryOf(key: RowOf<Key>, row: FindRow): Entry | undefined
  /** Whether the key works no more, for good. It is forgotten, so that memory grows with the keys that work alone. */
  hasEnded(key: RowOf<Key>, nowMs: number): boolean
  /** Milliseconds since 1970. */
  nowMs?: () => number
  /** Told of each row that is loaded, oldest first where its table says when it was made, and of each that is written anew. */
  onRow?(table: Table, row: Values): void
}

/** Between two looks for keys whose time has come, for which no event comes. */
const SWEEP_INTERVAL_MS = 60_000

/** Whether a time, as a row has it, is there and has passed. */
export const hasPassed = (time: string | null, nowMs: number): boolean => time !== null && Date.parse(time) <= nowMs

export interface KeyDirectory<Entry> extends Directory {
  /** By the id in the key's text. */
  find(textId: string): Entry | undefined
  row: FindRow
}

export function createKeyDirectory<Key extends Table, Entry>(
  options: KeyDirectoryOptions<Key, Entry>,
): KeyDirectory<Entry> {
  const { context, streams, projections, keys, entryOf, hasEnded, nowMs = Date.now, onRow } = options
  const { tables = projections.flatMap((projection) => projection.tables) } = options
  const rows = new Map<Table, Map<string, Values>>(tables.map((table) => [table, new Map()]))
  const rowKey = (table: Table, key: string) => keyOf(table, { [table.key[0] ?? '']: key })
  const findRow: FindRow = <T extends Table>(table: T, key: string) => {
    const held = rows.get(table)
    // Nearly every key is written as the directory writes it.
    return (held?.get(key) ?? held?.get(rowKey(table, key))) as RowOf<T> | undefined
  }
  /** The id in a key's text → its row's key. */
  const byTextId = new Map<string, string>()
  const noteText = (row: Values) => void byTextId.set(String(row[keys.textId]), keyOf(keys.table, row))
  const isRotation = (change: Change): change is Extract<Change, { kind: 'patch' }> =>
    change.kind === 'patch' && change.table === keys.table && keys.textId in change.values
  /** A key goes with its row, which may be another key's afterwards. */
  const isRemoval = (change: Change): change is Extract<Change, { kind: 'remove' }> =>
    change.kind === 'remove' && change.table === keys.table
  const forgetText = (key: Values) =>
    byTextId.delete(String(rows.get(keys.table)?.get(keyOf(keys.table, key))?.[keys.textId]))

  let sweptMs = nowMs()

  /** Takes out what has ended among these keys; undefined: among all. */
  function forgetEnded(among?: readonly string[]): void {
    const held = rows.get(keys.table)
    for (const key of among ?? held?.keys() ?? []) {
      const row = held?.get(key)
      if (!row || !hasEnded(row as RowOf<Key>, nowMs())) continue
      byTextId.delete(String(row[keys.textId]))
      held?.delete(key)
    }
  }

  return {
    // Of any version: an event that cannot be read must arrive too.
    types: projections.flatMap(({ handlers }) => Object.keys(handlers).map(anyVersionOf)),

    async load(db: ReadModels) {
      const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
      const { checkpoint, found } = await snapshot.execute(async (trx) => {
        const all = (table: Table) =>
          queriesOver<Record<string, Values>>().tables(trx).selectFrom(table.name).selectAll()
        const found = new Map<Table, Values[]>()
        for (const table of tables) found.set(table, await all(table).execute())
        return { checkpoint: await readCheckpoint(trx, projectionsCheckpoint(context)), found }
      })
      for (const [table, held] of rows) {
        held.clear()
        for (const row of inOrder(found.get(table) ?? [])) {
          held.set(keyOf(table, row), row)
          onRow?.(table, row)
        }
      }
      forgetEnded()
      byTextId.clear()
      for (const row of rows.get(keys.table)?.values() ?? []) noteText(row)
      return checkpoint?.position
    },

    apply(events: readonly Delivered[]) {
      for (const event of events) {
        const category = categoryOf(event.stream)
        const owners = streams[category]
        if (!owners) continue
        if (isPoison(event)) {
          rows.get(owners)?.delete(rowKey(owners, event.stream.slice(category.length + 1)))
          continue
        }
        const changes = projections.flatMap(({ handlers }) => handlers[event.type]?.(event) ?? [])
        for (const change of changes) if (isRotation(change) || isRemoval(change)) forgetText(change.key)
        applyInMemory(rows, changes)
        for (const change of changes) {
          if (change.kind === 'upsert' && change.table === keys.table) noteText(change.row)
          if (change.kind === 'upsert') onRow?.(change.table, change.row)
          if (isRotation(change)) noteText({ ...change.key, ...change.values })
        }
        forgetEnded(changes.flatMap((change) => (change.table === keys.table ? keyOfChange(change) : [])))
      }
      if (nowMs() - sweptMs < SWEEP_INTERVAL_MS) return
      sweptMs = nowMs()
      forgetEnded()
    },

    find(textId) {
      const key = rows.get(keys.table)?.get(byTextId.get(textId) ?? '')
      return key && entryOf(key as RowOf<Key>, findRow)
    },
    row: findRow,
  }
}

/** Of one row; an erasure is of many, and no key ends by it. */
function keyOfChange(change: Change): string[] {
  if (change.kind === 'erase' || change.kind === 'removeAll') return []
  return [keyOf(change.table, change.kind === 'upsert' ? change.row : change.key)]
}

/** The oldest first, where their table says when they were made. */
const inOrder = (rows: readonly Values[]): readonly Values[] =>
  rows.toSorted((a, b) => Date.parse(String(a.created_at ?? 0)) - Date.parse(String(b.created_at ?? 0)))
