/** Buyers' keys at the audit API: one of the live world with `audit:read` opens the organization's own log. */
import type { FindLogReader } from '../../context.ts'
import { provenKey } from './access.ts'
import type { FirsthandDirectories } from './directories.ts'

export function findFirsthandReader({ credentials }: Pick<FirsthandDirectories, 'credentials'>): FindLogReader {
  const proven = provenKey(credentials)
  return (text, now) => {
    const { key, tenant } = proven(text, now) ?? {}
    // The log holds what both worlds do, and a key of the test world sees that world alone.
    if (!key || !tenant || tenant.status === 'suspended' || key.environment !== 'live') return undefined
    return { tenantId: key.organization_id, name: tenant.name, keyId: key.key_id, scopes: key.scopes }
  }
}
