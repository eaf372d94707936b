/** Accounts as keys of auditors name them. */
import { account, accountNotFound, accountSlug, slugIdOf } from '../../commands/rungate/account.ts'
import { isUuid } from '../../events/uuid.ts'
import type { AdminSession } from '../admin-session.ts'

/** Rejects with account_not_found. */
export async function existingAccount({ bus }: AdminSession, slugOrId: string): Promise<string> {
  const accountId = isUuid(slugOrId)
    ? slugOrId.toLowerCase()
    : (await bus.current(accountSlug, slugIdOf(slugOrId)))?.accountId
  if (accountId === undefined || (await bus.current(account, accountId)).status === 'absent') throw accountNotFound()
  return accountId
}
