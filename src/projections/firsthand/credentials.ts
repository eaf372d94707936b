/** The directory that buyers' requests are authenticated against. */
import { createTenantDirectory, directoryTypes, type TenantDirectory } from '../../api-keys/tenant-directory.ts'
import { apiKeyProjection, apiKeys } from './api-key.ts'
import { organizationProjection, organizations } from './organization.ts'

const projections = [organizationProjection, apiKeyProjection]

export const credentialEventTypes = directoryTypes(projections)

export type CredentialDirectory = TenantDirectory<typeof organizations, typeof apiKeys>

export const createCredentialDirectory = (): CredentialDirectory =>
  createTenantDirectory({
    context: 'firsthand',
    category: 'firsthand.organization',
    projections,
    tenants: { table: organizations, id: 'organization_id' },
    keys: { table: apiKeys, textId: 'text_id' },
  })
