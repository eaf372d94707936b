/** GET /v1/accounts: the operator's accounts, newest first, a page at a time. */

import { listAccounts as query } from '../../../projections/noctant/account.ts'
import { json } from '../../answers.ts'
import { list, operatorKey } from '../access.ts'
import { idColumn, pages, timeColumn } from '../pages.ts'
import { operatorAccountView } from '../schemas.ts'

const { schema, paging, body } = pages({
  answer: 'AccountListResponse',
  cursor: 'AccountListCursor',
  items: 'accounts',
  view: operatorAccountView,
  by: { created_at: timeColumn, program_account_id: idColumn },
})

export const listAccounts = list({
  path: '/v1/accounts',
  id: 'listAccounts',
  tags: ['Accounts'],
  summary: 'The operator’s accounts, newest first',
  access: operatorKey('accounts:read'),
  answer: json(schema, 'A page of accounts.'),
  paging,
  rows: async ({ db, principal, after: before, limit }) => ({
    rows: await query(db, principal.operatorId, { before, limit }),
  }),
  page: (page) => body(page.rows, page),
})
