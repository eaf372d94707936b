/** The directory of buyers' API keys, each with its organization, whose suspension locks all of them out. */
import { createKeyDirectory, hasPassed, type KeyDirectory } from '../../api-keys/key-directory.ts'
import type { RowOf } from '../projection.ts'
import { apiKeyProjection, apiKeys } from './api-key.ts'
import { organizationProjection, organizations } from './organization.ts'

export interface Credential {
  tenant: RowOf<typeof organizations>
  /** One that was replaced, or has expired, is found as well. */
  key: RowOf<typeof apiKeys>
}
export type CredentialDirectory = KeyDirectory<Credential>

export const createCredentialDirectory = (): CredentialDirectory =>
  createKeyDirectory({
    context: 'firsthand',
    streams: { 'firsthand.organization': organizations },
    projections: [organizationProjection, apiKeyProjection],
    keys: { table: apiKeys, textId: 'text_id' },
    entryOf(key, row) {
      const tenant = row(organizations, key.organization_id)
      return tenant && { tenant, key }
    },
    hasEnded: ({ revoked_at, valid_until, expires_at }, nowMs) =>
      revoked_at !== null || hasPassed(valid_until, nowMs) || hasPassed(expires_at, nowMs),
  })
