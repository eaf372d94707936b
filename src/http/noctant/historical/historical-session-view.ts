/** Historical sessions and their trades as the contract shows them. */
import { z } from '@hono/zod-openapi'
import * as vocabulary from '../../../events/noctant/vocabulary.ts'
import {
  findHistoricalSession,
  type HistoricalSessionView,
  type HistoricalTradeRow,
} from '../../../projections/noctant/historical-session.ts'
import { Problem } from '../../errors.ts'
import { decimalOut, nullableDecimalOut, nullableTimeOut, timeOut, uuidOut } from '../../schemas.ts'
import type { NoctantParts } from '../access.ts'
import type { NoctantCode } from '../errors.ts'
import { launchProductMode } from '../launches/launch-view.ts'

export const historicalSessionState = z.enum(['created', 'completed']).openapi('HistoricalSessionState')
const sessionMode = z.enum(vocabulary.historicalSessionMode.options).openapi('HistoricalSessionMode')
const sourceScope = z.enum(['historical_session', 'backtest_run']).openapi('HistoricalSessionSourceScope')
const tradeMode = z.enum(['backtest']).openapi('HistoricalTradeSessionMode')
const tradeScope = z.enum(['backtest_run']).openapi('HistoricalTradeSourceScope')
const int32 = z
  .int32()
  .nullable()
  .optional()
  .openapi({ type: ['integer', 'null'], format: 'int32' })

export const historicalSessionView = z
  .object({
    session_id: uuidOut,
    backtest_run_id: uuidOut,
    source_mode: sessionMode,
    source_scope: sourceScope,
    source_id: uuidOut,
    launch_session_id: uuidOut,
    org_id: uuidOut,
    global_user_id: uuidOut,
    external_user_id: z.string().nullable().optional(),
    requested_product_mode: launchProductMode,
    session_mode: sessionMode,
    feed_id: uuidOut,
    market_time_start: timeOut,
    market_time_end: timeOut,
    state: historicalSessionState,
    initial_balance: nullableDecimalOut.optional(),
    final_balance: nullableDecimalOut.optional(),
    peak_balance: nullableDecimalOut.optional(),
    max_drawdown: nullableDecimalOut.optional(),
    realized_pnl: nullableDecimalOut.optional(),
    trade_count: int32,
    winning_trades: int32,
    losing_trades: int32,
    created_at: timeOut,
    completed_at: nullableTimeOut.optional(),
    updated_at: timeOut,
  })
  .openapi('HistoricalSessionView')

export const historicalTradeView = z
  .object({
    trade_id: uuidOut,
    session_id: uuidOut,
    backtest_run_id: uuidOut,
    source_mode: tradeMode,
    source_scope: tradeScope,
    source_id: uuidOut,
    launch_session_id: uuidOut,
    org_id: uuidOut,
    global_user_id: uuidOut,
    external_user_id: z.string().nullable().optional(),
    requested_product_mode: launchProductMode,
    feed_id: uuidOut,
    session_mode: tradeMode,
    symbol: z.string(),
    side: z.string(),
    quantity: decimalOut,
    entry_price: decimalOut,
    exit_price: decimalOut,
    gross_pnl: decimalOut,
    commission: decimalOut,
    net_pnl: decimalOut,
    entry_market_time: timeOut,
    closed_market_time: timeOut,
    duration_seconds: z.int(),
  })
  .openapi('HistoricalSessionTradeView')

/** A backtest's figures are its run's; a replay has the session alone to speak for it. */
export const sessionView = (row: HistoricalSessionView) => {
  const isBacktest = row.session_mode === 'backtest'
  return {
    ...row,
    source_mode: row.session_mode,
    source_scope: isBacktest ? ('backtest_run' as const) : ('historical_session' as const),
    source_id: isBacktest ? row.backtest_run_id : row.session_id,
  }
}

/** Trades come of backtests alone. */
export const tradeView = (trade: HistoricalTradeRow, session: HistoricalSessionView) => {
  const { session_id, launch_session_id, org_id, global_user_id, external_user_id } = session
  const { requested_product_mode, feed_id } = session
  const owner = { session_id, launch_session_id, org_id, global_user_id, external_user_id }
  return {
    ...trade,
    ...owner,
    requested_product_mode,
    feed_id,
    source_mode: 'backtest' as const,
    source_scope: 'backtest_run' as const,
    source_id: trade.backtest_run_id,
    session_mode: 'backtest' as const,
  }
}

/** The operator's session of this run. Throws historical_session_not_found, also while the engine has yet to make it. */
export async function sessionOf(
  db: NoctantParts['db'],
  operatorId: string,
  backtestRunId: string,
): Promise<HistoricalSessionView> {
  const found = await findHistoricalSession(db, operatorId, backtestRunId)
  if (!found)
    throw new Problem<NoctantCode>('historical_session_not_found', 'The operator has no historical session of this id.')
  return found
}
