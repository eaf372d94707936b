/** GET /v1/accounts/by-external-id: one of the operator's accounts. */
import { createRoute, z } from '@hono/zod-openapi'
import { json, operation, problemResponses } from '../operation.ts'
import { accountOf } from './reading.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { externalAccountQuery, operatorAccountView } from './schemas.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/accounts/by-external-id',
  operationId: 'getAccountByExternalId',
  tags: ['Accounts'],
  summary: 'An account by the operator’s own id for it',
  ...forOperator('accounts:read'),
  request: { query: externalAccountQuery },
  responses: {
    200: json(z.object({ account: operatorAccountView }).openapi('AccountResponse'), 'The account.'),
    ...problemResponses,
  },
})

export const getAccountByExternalId = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const account = await accountOf(c, db, c.req.valid('query').external_account_id)
  return c.json({ account }, 200)
})
