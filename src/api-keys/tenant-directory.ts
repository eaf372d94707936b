/**
 * Tenants and their keys in the memory of each API process: loaded once from the read models, then fed by the events
 * themselves (directory.ts). So a request signs in without a query, and a suspension or a revocation bites as soon as its
 * event arrives, whatever the projector is doing. Rows are made by the projections' own handlers.
 */
import { anyVersionOf } from '../events/event.ts'
import { isPoison } from '../events/subscription.ts'
import { queriesOver } from '../postgres/queries.ts'
import { applyInMemory, keyOf } from '../projections/changes.ts'
import { projectionsCheckpoint, readCheckpoint } from '../projections/checkpoint.ts'
import type { Projection, RowOf, Table, Values } from '../projections/projection.ts'
import type { Directory } from './directory.ts'

export interface TenantDirectory<Tenant extends Table, Key extends Table> extends Directory {
  /** A revoked, replaced or expired key is found as well. `id` stands in the key's own text. */
  find(id: string): { tenant: RowOf<Tenant>; key: RowOf<Key> } | undefined
}

export interface TenantDirectoryOptions<Tenant extends Table, Key extends Table> {
  context: string
  /** Of the tenants' streams, which have all events of tenants and keys. */
  category: string
  projections: readonly Projection[]
  /** The columns: a tenant's id, in both tables, and the id in a key's own text. */
  tenants: { table: Tenant; id: keyof RowOf<Tenant> & keyof RowOf<Key> & string }
  keys: { table: Key; textId: keyof RowOf<Key> & string }
}

/** The event types that such a directory lives on, as prefixes: of any version, for one that it cannot read locks out. */
export const directoryTypes = (projections: readonly Projection[]): readonly string[] =>
  projections.flatMap(({ handlers }) => Object.keys(handlers).map(anyVersionOf))

export function createTenantDirectory<Tenant extends Table, Key extends Table>({
  context,
  category,
  projections,
  tenants,
  keys,
}: TenantDirectoryOptions<Tenant, Key>): TenantDirectory<Tenant, Key> {
  const tenantRows = new Map<string, Values>()
  const keyRows = new Map<string, Values>()
  /** The id in a key's text → its row's key. */
  const byTextId = new Map<string, string>()
  const held = new Map<Table, Map<string, Values>>([
    [tenants.table, tenantRows],
    [keys.table, keyRows],
  ])
  const noteText = (row: Values) => void byTextId.set(String(row[keys.textId]), keyOf(keys.table, row))

  return {
    async load(db) {
      const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
      return snapshot.execute(async (trx) => {
        const checkpoint = await readCheckpoint(trx, projectionsCheckpoint(context))
        for (const [table, rows] of held) {
          const query = queriesOver<Record<string, Values>>().tables(trx).selectFrom(table.name).selectAll()
          rows.clear()
          for (const row of await query.execute()) rows.set(keyOf(table, row), row)
        }
        for (const row of keyRows.values()) noteText(row)
        return checkpoint?.position
      })
    },

    apply(events) {
      for (const event of events) {
        if (!event.stream.startsWith(`${category}-`)) continue
        if (isPoison(event)) {
          // It may have been a suspension. Without knowing, the tenant's keys open nothing.
          tenantRows.delete(keyOf(tenants.table, { [tenants.id]: event.stream.slice(category.length + 1) }))
          continue
        }
        const changes = projections.flatMap(({ handlers }) => handlers[event.type]?.(event) ?? [])
        applyInMemory(held, changes)
        for (const change of changes) if (change.kind === 'upsert' && change.table === keys.table) noteText(change.row)
      }
    },

    find(id) {
      const key = keyRows.get(byTextId.get(id) ?? '')
      const tenant = key && tenantRows.get(keyOf(tenants.table, { [tenants.id]: key[tenants.id] }))
      return tenant && { tenant: tenant as RowOf<Tenant>, key: key as RowOf<Key> }
    },
  }
}
