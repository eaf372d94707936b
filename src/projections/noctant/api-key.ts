/** Operators' API keys: what may be shown of them, and the hash that a presented key is compared with. */
import type { OperatorEvent } from '../../events/noctant/operator.ts'
import type { ApiScope } from '../../events/noctant/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import type { OperatorRow } from './operator.ts'
import { noctantTables } from './tables.ts'

export const apiKeys = defineTable({
  name: 'noctant_api_keys',
  key: ['key_id'],
  columns: {
    key_id: text,
    operator_id: uuid,
    label: text.orNull,
    environment: text.of<OperatorRow['environment']>(),
    scopes: text.of<ApiScope>().array,
    /** SHA-256 of the key, hex. */
    key_hash: text,
    revoked_at: time.orNull,
    /** Set once another key has replaced it: it works until then. */
    valid_until: time.orNull,
    created_at: time,
  },
  indexes: ['(operator_id, created_at, key_id)'],
})
export type ApiKeyRow = RowOf<typeof apiKeys>

export const apiKeyProjection = defineProjection<OperatorEvent>({
  name: 'noctant.apiKey',
  version: 2,
  onPoison: 'park',
  tables: [apiKeys],
  handlers: {
    'noctant.ApiKeyIssued.v1': ({ data }) => [
      upsert(apiKeys, { ...snake(data), revoked_at: null, valid_until: null, created_at: data.occurredAt }),
    ],
    'noctant.ApiKeyRevoked.v1': ({ data }) => [patch(apiKeys, snake(data, 'keyId'), { revoked_at: data.occurredAt })],
    'noctant.ApiKeyRotated.v1': ({ data }) => [patch(apiKeys, snake(data, 'keyId'), snake(data, 'validUntil'))],
  },
})

/** Every key of the operator, revoked and replaced ones too, oldest first, at most `limit`. */
export const listApiKeys = (db: ReadModels, operatorId: string, limit = 1_000): Promise<ApiKeyRow[]> =>
  noctantTables(db)
    .selectFrom('noctant_api_keys')
    .selectAll()
    .where('operator_id', '=', operatorId)
    .orderBy('created_at')
    .orderBy('key_id')
    .limit(limit)
    .execute()
