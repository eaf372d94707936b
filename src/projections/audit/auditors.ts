/**
 * The auditors' keys in the memory of each API process: loaded once from the read models, then fed by the events
 * themselves, so that a revocation bites as soon as its event arrives, whatever the projector is doing.
 */
import { anyVersionOf } from '../../events/event.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { applyInMemory, keyOf } from '../changes.ts'
import { projectionsCheckpoint, readCheckpoint } from '../checkpoint.ts'
import type { Table, Values } from '../projection.ts'
import { type AuditorKeyRow, auditorKeyProjection, auditorKeys } from './auditor-key.ts'
import { auditTables } from './tables.ts'

export interface AuditorDirectory {
  /**
   * Replaces the content by what the read models hold, and returns the commit position that it stands for: where to
   * subscribe from. Undefined: from the start of the log.
   */
  load(db: ReadModels): Promise<bigint | undefined>
  /** Takes in events, in the log's order. Others than the auditors' keys' are passed over. */
  apply(events: readonly Delivered[]): void
  /** A revoked key is found as well; `revoked_at` tells. */
  find(keyId: string): AuditorKeyRow | undefined
}

/** The event types that the directory lives on, as prefixes: of any version, for one that it cannot read locks out. */
export const auditorEventTypes: readonly string[] = Object.keys(auditorKeyProjection.handlers).map(anyVersionOf)

/** Stream of a key, less its id. */
const auditorStream = 'audit.auditor-'

export function createAuditorDirectory(): AuditorDirectory {
  const rows = new Map<string, Values>()
  const tables = new Map<Table, Map<string, Values>>([[auditorKeys, rows]])
  return {
    async load(db) {
      const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
      const { checkpoint, found } = await snapshot.execute(async (trx) => ({
        checkpoint: await readCheckpoint(trx, projectionsCheckpoint('audit')),
        found: await auditTables(trx).selectFrom('audit_auditor_keys').selectAll().execute(),
      }))
      rows.clear()
      for (const row of found) rows.set(keyOf(auditorKeys, row), row)
      return checkpoint?.position
    },
    apply(events) {
      for (const event of events) {
        if (!event.stream.startsWith(auditorStream)) continue
        // It may have been a revocation. Without knowing, the key opens nothing.
        if (isPoison(event)) rows.delete(event.stream.slice(auditorStream.length))
        else applyInMemory(tables, auditorKeyProjection.handlers[event.type]?.(event) ?? [])
      }
    },
    find: (keyId) => rows.get(keyId) as AuditorKeyRow | undefined,
  }
}
