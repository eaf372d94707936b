/** GET /v1/accounts: the operator's accounts, newest first, a page at a time. */

import { listAccounts as query } from '../../../projections/noctant/account.ts'
import { operatorKey } from '../access.ts'
import { idColumn, pagedList, timeColumn } from '../pages.ts'
import { operatorAccountView } from '../schemas.ts'

export const listAccounts = pagedList({
  path: '/v1/accounts',
  id: 'listAccounts',
  tags: ['Accounts'],
  summary: 'The operator’s accounts, newest first',
  description: 'Answers all accounts that you opened, a page at a time.',
  access: operatorKey('accounts:read'),
  answer: 'AccountListResponse',
  cursor: 'AccountListCursor',
  items: 'accounts',
  view: operatorAccountView,
  by: { created_at: timeColumn, program_account_id: idColumn },
  says: 'A page of accounts.',
  rows: ({ db, principal }, page) => query(db, principal.operatorId, page),
  show: (account) => account,
})
