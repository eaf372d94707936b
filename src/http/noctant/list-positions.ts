/** GET /v1/accounts/by-external-id/positions: what the account holds now. */
import { createRoute, z } from '@hono/zod-openapi'
import { listPositions } from '../../projections/noctant/position.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { decimalOut, nullableDecimalOut, timeOut, uuidOut } from '../schemas.ts'
import { accountOf } from './reading.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { count, externalAccountQuery } from './schemas.ts'

const view = z
  .object({
    account_id: uuidOut,
    org_id: uuidOut,
    position_id: uuidOut,
    symbol: z.string(),
    side: z.string(),
    quantity: decimalOut,
    avg_entry_price: decimalOut,
    take_profit: nullableDecimalOut.optional(),
    stop_loss: nullableDecimalOut.optional(),
    unrealized_pnl: nullableDecimalOut.optional(),
    opened_at: timeOut,
    updated_at: timeOut,
  })
  .openapi('AccountPositionView')

const route = createRoute({
  method: 'get',
  path: '/v1/accounts/by-external-id/positions',
  operationId: 'listPositionsByExternalId',
  tags: ['Accounts'],
  summary: 'The account’s open positions',
  ...forOperator('positions:read'),
  request: { query: externalAccountQuery },
  responses: {
    200: json(z.object({ positions: z.array(view), count }).openapi('AccountPositionsResponse'), 'Open positions.'),
    ...problemResponses,
  },
})

export const listPositionsByExternalId = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const account = await accountOf(c, db, c.req.valid('query').external_account_id)
  const positions = await listPositions(db, account.account_id)
  return c.json({ positions, count: positions.length }, 200)
})
