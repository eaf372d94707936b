/** GET /v1/accounts/by-external-id/trades: the account's closed trades, last closed first, a page at a time. */
import { createRoute, z } from '@hono/zod-openapi'
import { listTrades } from '../../projections/noctant/trade.ts'
import { json, operation, problemResponses } from '../operation.ts'
import {
  decimalOut,
  LIMIT_DEFAULT,
  limit,
  nullableTimeOut,
  nullableUuidOut,
  timeOut,
  uuid,
  uuidOut,
} from '../schemas.ts'
import { accountOf, attemptOf, cursorOf, pageOf } from './reading.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { count, cursorHalf, executionScope, externalAccountQuery } from './schemas.ts'

const view = z
  .object({
    trade_id: uuidOut,
    account_id: uuidOut,
    org_id: uuidOut,
    program_account_attempt_id: nullableUuidOut.optional(),
    position_id: nullableUuidOut.optional(),
    entry_order_id: nullableUuidOut.optional(),
    exit_order_id: uuidOut,
    entry_fill_id: nullableUuidOut.optional(),
    exit_fill_id: nullableUuidOut.optional(),
    symbol: z.string(),
    side: z.string(),
    quantity: decimalOut,
    entry_price: decimalOut,
    exit_price: decimalOut,
    gross_pnl: decimalOut,
    commission: decimalOut,
    swap: decimalOut,
    net_pnl: decimalOut,
    pnl_currency: z.string().nullable().optional(),
    is_profitable: z.boolean(),
    close_reason: z.string(),
    entry_time: nullableTimeOut.optional(),
    closed_at: timeOut,
    duration_seconds: z.int().nullable().optional(),
    correlation_id: z.string().nullable().optional(),
  })
  .openapi('AccountTradeView')

const cursor = z.object({ before_closed_at: timeOut, before_trade_id: uuidOut }).openapi('AccountTradeListCursor')

const answer = z
  .object({ trades: z.array(view), count, next_cursor: z.union([cursor, z.null()]).optional() })
  .openapi('AccountTradesResponse')

const route = createRoute({
  method: 'get',
  path: '/v1/accounts/by-external-id/trades',
  operationId: 'listTradesByExternalId',
  tags: ['Accounts'],
  summary: 'The account’s closed trades, last closed first',
  ...forOperator('trades:read'),
  request: {
    query: externalAccountQuery.extend({
      execution_scope: executionScope.optional(),
      attempt_id: uuid.optional(),
      limit,
      before_closed_at: cursorHalf.time,
      before_trade_id: cursorHalf.id,
    }),
  },
  responses: { 200: json(answer, 'A page of trades.'), ...problemResponses },
})

export const listTradesByExternalId = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const query = c.req.valid('query')
  const size = query.limit ?? LIMIT_DEFAULT
  const after = cursorOf(
    { name: 'before_closed_at', value: query.before_closed_at },
    { name: 'before_trade_id', value: query.before_trade_id },
  )
  const before = after && { closedAt: after.time, tradeId: after.id }
  const account = await accountOf(c, db, query.external_account_id)
  const attemptId = await attemptOf(db, account, query)
  const programAccountId = account.program_account_id
  const rows = await listTrades(db, { programAccountId, attemptId, before, limit: size + 1 })
  const { page, last } = pageOf(rows, size)
  const next = last && { before_closed_at: last.closed_at, before_trade_id: last.trade_id }
  return c.json({ trades: page, count: page.length, next_cursor: next ?? null }, 200)
})
