/** Operators' API keys: what may be shown of them, and the hash that a presented key is compared with. */
import type { OperatorEvent } from '../../events/noctant/operator.ts'
import type { ApiScope } from '../../events/noctant/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, patch, upsert } from '../projection.ts'
import type { OperatorRow } from './operator.ts'
import { noctantTables } from './tables.ts'

export type ApiKeyRow = {
  key_id: string
  operator_id: string
  label: string | null
  environment: OperatorRow['environment']
  scopes: ApiScope[]
  /** SHA-256 of the key, hex. */
  key_hash: string
  revoked_at: string | null
  /** Set once another key has replaced it: it works until then. */
  valid_until: string | null
  created_at: string
}

export const apiKeys = defineTable<ApiKeyRow, 'key_id'>({
  name: 'noctant_api_keys',
  key: ['key_id'],
  columns: {
    key_id: 'text NOT NULL',
    operator_id: 'uuid NOT NULL',
    label: 'text',
    environment: 'text NOT NULL',
    scopes: 'text[] NOT NULL',
    key_hash: 'text NOT NULL',
    revoked_at: 'timestamptz(3)',
    valid_until: 'timestamptz(3)',
    created_at: 'timestamptz(3) NOT NULL',
  },
  indexes: ['(operator_id, created_at, key_id)'],
})

export const apiKeyProjection = defineProjection<OperatorEvent>({
  name: 'noctant.apiKey',
  version: 2,
  onPoison: 'park',
  tables: [apiKeys],
  handlers: {
    'noctant.ApiKeyIssued.v1': ({ data }) => [
      upsert(apiKeys, {
        key_id: data.keyId,
        operator_id: data.operatorId,
        label: data.label,
        environment: data.environment,
        scopes: data.scopes,
        key_hash: data.keyHash,
        revoked_at: null,
        valid_until: null,
        created_at: data.occurredAt,
      }),
    ],
    'noctant.ApiKeyRevoked.v1': ({ data }) => [patch(apiKeys, { key_id: data.keyId }, { revoked_at: data.occurredAt })],
    'noctant.ApiKeyRotated.v1': ({ data }) => [
      patch(apiKeys, { key_id: data.keyId }, { valid_until: data.validUntil }),
    ],
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
