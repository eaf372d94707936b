/** GET /v1/accounts/by-external-id: one of the operator's accounts. */
import { z } from '@hono/zod-openapi'
import { json } from '../../answers.ts'
import { operatorKey, read } from '../access.ts'
import { accountOf } from '../reading.ts'
import { externalAccountQuery, operatorAccountView } from '../schemas.ts'

export const getAccountByExternalId = read({
  path: '/v1/accounts/by-external-id',
  id: 'getAccountByExternalId',
  tags: ['Accounts'],
  summary: 'An account by the operator’s own id for it',
  description: 'Answers the account that you opened under this id of yours.',
  access: operatorKey('accounts:read'),
  query: externalAccountQuery,
  answer: json(z.object({ account: operatorAccountView }).openapi('AccountResponse'), 'The account.'),
  refuses: ['account_not_found'],
  handle: async ({ db, principal, query }) => ({ account: await accountOf(db, principal, query.external_account_id) }),
})
