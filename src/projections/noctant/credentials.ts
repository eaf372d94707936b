/** The directory that operators' requests are authenticated against. */
import { createTenantDirectory, directoryTypes, type TenantDirectory } from '../../api-keys/tenant-directory.ts'
import { apiKeyProjection, apiKeys } from './api-key.ts'
import { operatorProjection, operators } from './operator.ts'

const projections = [operatorProjection, apiKeyProjection]

export const credentialEventTypes = directoryTypes(projections)

export type CredentialDirectory = TenantDirectory<typeof operators, typeof apiKeys>
export type Credential = NonNullable<ReturnType<CredentialDirectory['find']>>

export const createCredentialDirectory = (): CredentialDirectory =>
  createTenantDirectory({
    context: 'noctant',
    category: 'noctant.operator',
    projections,
    tenants: { table: operators, id: 'operator_id' },
    keys: { table: apiKeys, textId: 'key_id' },
  })
