/** GET /api/account: the caller's own account. */
import { accountNotFound } from '../../../commands/rungate/account.ts'
import { findAccount } from '../../../projections/rungate/account.ts'
import { findOwner } from '../../../projections/rungate/member.ts'
import { stepsSince } from '../../../projections/rungate/run.ts'
import { json } from '../../answers.ts'
import { dashboard, read } from '../access.ts'
import { accountShown } from '../runs/up-to-date.ts'
import { dataOf } from '../schemas.ts'
import { accountResponse, accountView, monthOf } from './account-view.ts'

export const getCurrentAccount = read({
  path: '/api/account',
  id: 'getCurrentAccount',
  tags: ['Accounts'],
  summary: 'Your account',
  description: 'Answers with the account of the token or the session that asks.',
  access: dashboard('read'),
  answer: json(dataOf(accountResponse), 'The account.'),
  refuses: ['account_not_found'],
  async handle({ db, clock, principal: { accountId }, ...parts }) {
    await accountShown(parts, accountId)
    const since = monthOf(clock())
    const [found, steps, owner] = await Promise.all([
      findAccount(db, accountId),
      stepsSince(db, accountId, since),
      findOwner(db, accountId),
    ])
    if (!found) throw accountNotFound()
    return { data: accountView(found, { steps, since, email: owner?.email ?? null }) }
  },
})
