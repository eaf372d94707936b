/** Who asks rungate's operations for somebody who uses the console. */
import type { Asked } from '../../pages/declaration.ts'
import type { Operator, RungateParts } from '../access.ts'

/**
 * The account whose token signed in; an administrator acts for the account of the thing, under the own name. `memberId`: whose
 * own the thing is; null: nobody's.
 */
export function principalFor(
  { viewer }: Pick<Asked<RungateParts>, 'viewer'>,
  accountId: string,
  memberId: string | null = null,
): Operator {
  if (viewer.principal) return viewer.principal as Operator
  const { sessionId, actor, name } = viewer
  return {
    ...{ accountId, tenantId: accountId, environment: '', scopes: ['read', 'write'], memberId, role: null },
    ...{ sessionId, author: { id: name, tokenId: null }, actor, logFields: { accountId, sessionId } },
  }
}
