/** GET /v1/accounts/by-external-id/positions: what the account holds now. */
import { z } from '@hono/zod-openapi'
import { listPositions } from '../../../projections/noctant/position.ts'
import { json } from '../../answers.ts'
import { decimalOut, nullableDecimalOut, timeOut, uuidOut } from '../../schemas.ts'
import { operatorKey, read } from '../access.ts'
import { accountOf } from '../reading.ts'
import { count, externalAccountQuery } from '../schemas.ts'

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

export const listPositionsByExternalId = read({
  path: '/v1/accounts/by-external-id/positions',
  id: 'listPositionsByExternalId',
  tags: ['Accounts'],
  summary: 'The account’s open positions',
  description: 'Answers the newest 1,000 of the positions that are open, as the engine stated them last.',
  access: operatorKey('positions:read'),
  query: externalAccountQuery,
  isList: true,
  answer: json(z.object({ positions: z.array(view), count }).openapi('AccountPositionsResponse'), 'Open positions.'),
  refuses: ['account_not_found'],
  async handle({ db, principal, query }) {
    const account = await accountOf(db, principal, query.external_account_id)
    const positions = await listPositions(db, account.account_id)
    return { positions, count: positions.length }
  },
})
