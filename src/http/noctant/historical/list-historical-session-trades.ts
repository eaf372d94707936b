/** GET /v1/historical-sessions/{backtest_run_id}/trades: a backtest's trades, last closed first, a page at a time. */
import { z } from '@hono/zod-openapi'
import { listHistoricalTrades } from '../../../projections/noctant/historical-session.ts'
import { json } from '../../answers.ts'
import { uuid } from '../../schemas.ts'
import { list, operatorKey } from '../access.ts'
import { idColumn, pages, timeColumn } from '../pages.ts'
import {
  historicalSessionView,
  historicalTradeView,
  sessionOf,
  sessionView,
  tradeView,
} from './historical-session-view.ts'

const { schema, paging, body } = pages({
  answer: 'HistoricalSessionTradesResponse',
  cursor: 'HistoricalSessionTradeListCursor',
  items: 'trades',
  view: historicalTradeView,
  more: { session: historicalSessionView },
  by: { closed_market_time: timeColumn, trade_id: idColumn },
})

export const listHistoricalSessionTrades = list({
  path: '/v1/historical-sessions/{backtest_run_id}/trades',
  id: 'listHistoricalSessionTrades',
  tags: ['Historical Sessions'],
  summary: 'A backtest’s trades, last closed first',
  description: 'Answers the trades that a completed backtest closed, a page at a time.',
  access: operatorKey('historical_sessions:read'),
  params: z.object({ backtest_run_id: uuid }),
  answer: json(schema, 'The session, and a page of its trades.'),
  refuses: ['historical_session_not_found'],
  paging,
  async rows({ db, principal, params: { backtest_run_id: backtestRunId }, after: before, limit }) {
    const session = await sessionOf(db, principal.operatorId, backtestRunId)
    return { session, rows: await listHistoricalTrades(db, { backtestRunId, before, limit }) }
  },
  page: (page, { session }) => ({
    session: sessionView(session),
    ...body(
      page.rows.map((trade) => tradeView(trade, session)),
      page,
    ),
  }),
})
