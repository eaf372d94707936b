/** Organizations as keys of auditors name them. */
import { recordedTenantOf } from '../../audit/scope.ts'
import { organization, organizationNotFound } from '../../commands/firsthand/organization.ts'
import { isPrefixedId } from '../../runtime/ulid.ts'
import type { AdminSession } from '../admin-session.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

/** As events of keys record it; undefined: the text is no organization's id. Rejects with organization_not_found. */
export async function existingOrganization({ bus, db }: AdminSession, named: string): Promise<string | undefined> {
  if (!named.startsWith('org_')) return undefined
  const id = await wholeIdOf({ db }, identified.organization, named)
  if (!isPrefixedId('org', id)) return undefined
  if ((await bus.current(organization, id)).status === 'absent') throw organizationNotFound()
  return recordedTenantOf(id)
}
