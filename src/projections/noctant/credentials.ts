/** The directory of operators' API keys, each with its operator, whose suspension locks all of them out. */
import { createKeyDirectory, type KeyDirectory } from '../../api-keys/key-directory.ts'
import { type ApiKeyRow, apiKeyProjection, apiKeys } from './api-key.ts'
import { type OperatorRow, operatorProjection, operators } from './operator.ts'

export interface Credential {
  tenant: OperatorRow
  /** A revoked or replaced key is found as well; `revoked_at` and `valid_until` tell. */
  key: ApiKeyRow
}

export const createCredentialDirectory = (): KeyDirectory<Credential> =>
  createKeyDirectory({
    context: 'noctant',
    streams: { 'noctant.operator': operators },
    projections: [operatorProjection, apiKeyProjection],
    keys: { table: apiKeys, textId: 'key_id' },
    entryOf(key, row) {
      const tenant = row(operators, key.operator_id)
      return tenant && { tenant, key }
    },
  })
