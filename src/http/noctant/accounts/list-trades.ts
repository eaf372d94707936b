/** GET /v1/accounts/by-external-id/trades: the account's closed trades, last closed first, a page at a time. */
import { z } from '@hono/zod-openapi'
import { listTrades } from '../../../projections/noctant/trade.ts'
import { decimalOut, nullableTimeOut, nullableUuidOut, timeOut, uuidOut } from '../../schemas.ts'
import { operatorKey } from '../access.ts'
import { executionList, idColumn, timeColumn } from '../pages.ts'

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

export const listTradesByExternalId = executionList({
  path: '/v1/accounts/by-external-id/trades',
  id: 'listTradesByExternalId',
  tags: ['Accounts'],
  summary: 'The account’s closed trades, last closed first',
  description: 'Answers the closed trades of the current attempt, or of those that the scope names, a page at a time.',
  access: operatorKey('trades:read'),
  answer: 'AccountTradesResponse',
  cursor: 'AccountTradeListCursor',
  items: 'trades',
  view,
  by: { closed_at: timeColumn, trade_id: idColumn },
  says: 'A page of trades.',
  rows: (db, { programAccountId, attemptId }, page) => listTrades(db, { programAccountId, attemptId, ...page }),
  show: (trade) => trade,
})
