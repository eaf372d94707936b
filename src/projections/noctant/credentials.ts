/** The directory of operators' API keys, each with its operator, whose suspension locks all of them out. */
import { createKeyDirectory, hasPassed, type KeyDirectory } from '../../api-keys/key-directory.ts'
import { type ApiKeyRow, apiKeyProjection, apiKeys } from './api-key.ts'
import { type OperatorRow, operatorProjection, operators } from './operator.ts'

export interface Credential {
  tenant: OperatorRow
  /** A replaced key is found as well; `valid_until` tells. */
  key: ApiKeyRow
}

export const createCredentialDirectory = (nowMs = Date.now): KeyDirectory<Credential> =>
  createKeyDirectory({
    ...{ context: 'noctant', nowMs },
    streams: { 'noctant.operator': operators },
    projections: [operatorProjection, apiKeyProjection],
    keys: { table: apiKeys, textId: 'key_id' },
    entryOf(key, row) {
      const tenant = row(operators, key.operator_id)
      return tenant && { tenant, key }
    },
    hasEnded: ({ revoked_at, valid_until }, nowMs) => revoked_at !== null || hasPassed(valid_until, nowMs),
  })
