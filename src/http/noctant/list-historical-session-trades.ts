/** GET /v1/historical-sessions/{backtest_run_id}/trades: a backtest's trades, last closed first, a page at a time. */
import { createRoute, z } from '@hono/zod-openapi'
import { listHistoricalTrades } from '../../projections/noctant/historical-session.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { LIMIT_DEFAULT, limit, timeOut, uuid, uuidOut } from '../schemas.ts'
import {
  historicalSessionView,
  historicalTradeView,
  sessionOf,
  sessionView,
  tradeView,
} from './historical-session-view.ts'
import { cursorOf, pageOf } from './reading.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { count, cursorHalf } from './schemas.ts'

const cursor = z
  .object({ before_closed_market_time: timeOut, before_trade_id: uuidOut })
  .openapi('HistoricalSessionTradeListCursor')

const answer = z
  .object({
    session: historicalSessionView,
    trades: z.array(historicalTradeView),
    count,
    next_cursor: z.union([cursor, z.null()]).optional(),
  })
  .openapi('HistoricalSessionTradesResponse')

const route = createRoute({
  method: 'get',
  path: '/v1/historical-sessions/{backtest_run_id}/trades',
  operationId: 'listHistoricalSessionTrades',
  tags: ['Historical Sessions'],
  summary: 'A backtest’s trades, last closed first',
  ...forOperator('historical_sessions:read'),
  request: {
    params: z.object({ backtest_run_id: uuid }),
    query: z.object({ limit, before_closed_market_time: cursorHalf.time, before_trade_id: cursorHalf.id }),
  },
  responses: { 200: json(answer, 'The session, and a page of its trades.'), ...problemResponses },
})

export const listHistoricalSessionTrades = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const backtestRunId = c.req.valid('param').backtest_run_id
  const query = c.req.valid('query')
  const size = query.limit ?? LIMIT_DEFAULT
  const after = cursorOf(
    { name: 'before_closed_market_time', value: query.before_closed_market_time },
    { name: 'before_trade_id', value: query.before_trade_id },
  )
  const before = after && { closedMarketTime: after.time, tradeId: after.id }
  const session = await sessionOf(db, c.get('principal').operatorId, backtestRunId)
  const rows = await listHistoricalTrades(db, { backtestRunId, before, limit: size + 1 })
  const { page, last } = pageOf(rows, size)
  const next = last && { before_closed_market_time: last.closed_market_time, before_trade_id: last.trade_id }
  const trades = page.map((trade) => tradeView(trade, session))
  return c.json({ session: sessionView(session), trades, count: page.length, next_cursor: next ?? null }, 200)
})
