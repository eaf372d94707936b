/** Accounts as keys of auditors name them. */
import { account, accountNotFound, accountSlug, slugIdOf } from '../../commands/rungate/account.ts'
import { isUuid } from '../../events/uuid.ts'
import type { AdminSession } from '../admin-session.ts'
import { isBeginning, wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

/** Rejects with account_not_found. */
export async function existingAccount(session: Pick<AdminSession, 'bus' | 'db'>, slugOrId: string): Promise<string> {
  const accountId = await accountIdOf(session, slugOrId)
  if (accountId === undefined || (await session.bus.current(account, accountId)).status === 'absent')
    throw accountNotFound()
  return accountId
}

/** The id of the account that this slug, this id or this beginning of one names; undefined: of none. */
export async function accountIdOf(
  { bus, db }: Pick<AdminSession, 'bus' | 'db'>,
  slugOrId: string,
): Promise<string | undefined> {
  const claim = isUuid(slugOrId) ? undefined : await bus.current(accountSlug, slugIdOf(slugOrId))
  if (claim) return claim.accountId
  if (!isUuid(slugOrId) && !isBeginning(slugOrId.toLowerCase())) return undefined
  return wholeIdOf({ db }, identified.account, slugOrId)
}
