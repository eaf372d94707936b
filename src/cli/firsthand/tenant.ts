/** Organizations as keys of auditors name them. */
import { recordedTenantOf } from '../../audit/scope.ts'
import { organization, organizationNotFound } from '../../commands/firsthand/organization.ts'
import { isPrefixedId } from '../../runtime/ulid.ts'
import type { AdminSession } from '../admin-session.ts'

/** As events of keys record it; undefined: the text is no organization's id. Rejects with organization_not_found. */
export async function existingOrganization({ bus }: AdminSession, id: string): Promise<string | undefined> {
  if (!isPrefixedId('org', id)) return undefined
  if ((await bus.current(organization, id)).status === 'absent') throw organizationNotFound()
  return recordedTenantOf(id)
}
