/** GET /v1/accounts/by-external-id/trades: the account's closed trades, last closed first, a page at a time. */
import { z } from '@hono/zod-openapi'
import { listTrades } from '../../../projections/noctant/trade.ts'
import { json } from '../../answers.ts'
import { decimalOut, nullableTimeOut, nullableUuidOut, timeOut, uuid, uuidOut } from '../../schemas.ts'
import { list, operatorKey } from '../access.ts'
import { idColumn, pages, timeColumn } from '../pages.ts'
import { accountOf, attemptOf } from '../reading.ts'
import { executionScope, externalAccountQuery } from '../schemas.ts'

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

const { schema, paging, body } = pages({
  answer: 'AccountTradesResponse',
  cursor: 'AccountTradeListCursor',
  items: 'trades',
  view,
  by: { closed_at: timeColumn, trade_id: idColumn },
})

export const listTradesByExternalId = list({
  path: '/v1/accounts/by-external-id/trades',
  id: 'listTradesByExternalId',
  tags: ['Accounts'],
  summary: 'The account’s closed trades, last closed first',
  access: operatorKey('trades:read'),
  query: externalAccountQuery.extend({ execution_scope: executionScope.optional(), attempt_id: uuid.optional() }),
  answer: json(schema, 'A page of trades.'),
  refuses: ['account_not_found', 'attempt_not_found'],
  paging,
  async rows({ db, principal, query, after: before, limit }) {
    const account = await accountOf(db, principal, query.external_account_id)
    const attemptId = await attemptOf(db, account, query)
    return { rows: await listTrades(db, { programAccountId: account.program_account_id, attemptId, before, limit }) }
  },
  page: (page) => body(page.rows, page),
})
