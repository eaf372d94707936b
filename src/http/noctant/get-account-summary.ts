/** GET /v1/accounts/by-external-id/summary: the account's figures, as the engine last stated them. */
import { createRoute, z } from '@hono/zod-openapi'
import { Rejected } from '../../commands/rejection.ts'
import { findSummary } from '../../projections/noctant/summary.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { nullableDecimalOut, timeOut, uuidOut } from '../schemas.ts'
import { accountOf } from './reading.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { externalAccountQuery, figures } from './schemas.ts'

const view = z
  .object({
    account_id: uuidOut,
    org_id: uuidOut,
    global_user_id: uuidOut,
    external_account_id: z.string(),
    currency: z.string(),
    ...figures,
    margin_level: nullableDecimalOut.optional(),
    trading_status: z.string(),
    updated_at: timeOut,
    version: z.int(),
  })
  .openapi('AccountSummaryView')

const route = createRoute({
  method: 'get',
  path: '/v1/accounts/by-external-id/summary',
  operationId: 'getAccountSummaryByExternalId',
  tags: ['Accounts'],
  summary: 'Balance, equity and margin of an account',
  ...forOperator('account_summary:read'),
  request: { query: externalAccountQuery },
  responses: {
    200: json(z.object({ summary: view }).openapi('AccountSummaryResponse'), 'The figures.'),
    ...problemResponses,
  },
})

export const getAccountSummaryByExternalId = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const account = await accountOf(c, db, c.req.valid('query').external_account_id)
  const summary = await findSummary(db, account.account_id)
  if (!summary) throw new Rejected('account_not_found', 'The account has no figures yet.')
  // The version counts the engine's events of one account; the contract wants a JSON integer, which a double holds.
  return c.json({ summary: { ...summary, version: Number(summary.version) } }, 200)
})
