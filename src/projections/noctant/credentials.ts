/**
 * The directory that requests are authenticated against, in the memory of each API process: loaded once from the read
 * models, then fed by the events themselves. So authentication costs no query, and a suspension or a revocation bites
 * as soon as its event arrives, whatever the projector is doing.
 */
import { anyVersionOf } from '../../events/event.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { applyInMemory, keyOf } from '../changes.ts'
import { projectionsCheckpoint, readCheckpoint } from '../checkpoint.ts'
import type { Table, Values } from '../projection.ts'
import { type ApiKeyRow, apiKeyProjection, apiKeys } from './api-key.ts'
import { type OperatorRow, operatorProjection, operators } from './operator.ts'
import { noctantTables } from './tables.ts'

export interface Credential {
  operator: OperatorRow
  /** A revoked or replaced key is found as well; `revoked_at` and `valid_until` tell. */
  key: ApiKeyRow
}

export interface CredentialDirectory {
  /**
   * Replaces the content by what the read models hold, and returns the commit position that it stands for: where to
   * subscribe from. Undefined: from the start of the log.
   */
  load(db: ReadModels): Promise<bigint | undefined>
  /** Takes in events, in the log's order. Others than the operators' are passed over. */
  apply(events: readonly Delivered[]): void
  find(keyId: string): Credential | undefined
}

const projections = [operatorProjection, apiKeyProjection]

/** The event types that the directory lives on, as prefixes: of any version, for one that it cannot read locks out. */
export const credentialEventTypes: readonly string[] = projections.flatMap(({ handlers }) =>
  Object.keys(handlers).map(anyVersionOf),
)

/** Stream of an operator, less its id. */
const operatorStream = 'noctant.operator-'

export function createCredentialDirectory(): CredentialDirectory {
  const operatorRows = new Map<string, Values>()
  const keyRows = new Map<string, Values>()
  const tables = new Map<Table, Map<string, Values>>([
    [operators, operatorRows],
    [apiKeys, keyRows],
  ])

  return {
    async load(db) {
      const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
      const { checkpoint, foundOperators, foundKeys } = await snapshot.execute(async (trx) => ({
        checkpoint: await readCheckpoint(trx, projectionsCheckpoint('noctant')),
        foundOperators: await noctantTables(trx).selectFrom('noctant_operators').selectAll().execute(),
        foundKeys: await noctantTables(trx).selectFrom('noctant_api_keys').selectAll().execute(),
      }))
      operatorRows.clear()
      keyRows.clear()
      for (const row of foundOperators) operatorRows.set(keyOf(operators, row), row)
      for (const row of foundKeys) keyRows.set(keyOf(apiKeys, row), row)
      return checkpoint?.position
    },

    apply(events) {
      for (const event of events) {
        if (!event.stream.startsWith(operatorStream)) continue
        if (isPoison(event)) {
          // It may have been a suspension. Without knowing, the operator's keys open nothing.
          operatorRows.delete(event.stream.slice(operatorStream.length).toLowerCase())
          continue
        }
        for (const { handlers } of projections) applyInMemory(tables, handlers[event.type]?.(event) ?? [])
      }
    },

    find(keyId) {
      const key = keyRows.get(keyId) as ApiKeyRow | undefined
      const operator = key && (operatorRows.get(key.operator_id.toLowerCase()) as OperatorRow | undefined)
      return operator && { operator, key }
    },
  }
}
