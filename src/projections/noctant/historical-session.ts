/**
 * Replays and backtests, and the trades of the latter. The request says whose a session is; it is there for readers once
 * the engine has made it, which the engine's own log says.
 */
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { LaunchSessionEvent } from '../../events/noctant/launch-session.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, patch, upsert } from '../projection.ts'
import { type NoctantDatabase, noctantTables, preparedOne } from './tables.ts'

type Requested = Extract<LaunchSessionEvent, { type: 'noctant.HistoricalSessionRequested.v1' }>['data']
type TradeClosed = Extract<EngineEvent, { type: 'noctant.EngineBacktestTradeClosed.v1' }>['data']
type Completed = Extract<EngineEvent, { type: 'noctant.EngineBacktestCompleted.v1' }>['data']

export type HistoricalSessionState = 'created' | 'completed'

export type HistoricalSessionRow = {
  backtest_run_id: string
  session_id: string
  launch_session_id: string
  operator_id: string
  org_id: string
  global_user_id: string
  external_user_id: string | null
  requested_product_mode: Requested['requestedProductMode']
  session_mode: Requested['mode']
  feed_id: string
  market_time_start: string
  market_time_end: string
  /** Null until the engine has made the session. */
  state: HistoricalSessionState | null
  initial_balance: string | null
  /** Known once it is completed, like all figures that follow. */
  final_balance: string | null
  peak_balance: string | null
  max_drawdown: string | null
  realized_pnl: string | null
  trade_count: number | null
  winning_trades: number | null
  losing_trades: number | null
  created_at: string | null
  completed_at: string | null
  updated_at: string | null
}

export type HistoricalTradeRow = {
  trade_id: string
  backtest_run_id: string
  symbol: string
  side: TradeClosed['side']
  /** Decimals as text. */
  quantity: string
  entry_price: string
  exit_price: string
  gross_pnl: string
  commission: string
  net_pnl: string
  entry_market_time: string
  closed_market_time: string
  /** Whole seconds of market time. */
  duration_seconds: number
}

export const historicalSessions = defineTable<HistoricalSessionRow, 'backtest_run_id'>({
  name: 'noctant_historical_sessions',
  key: ['backtest_run_id'],
  columns: {
    backtest_run_id: 'uuid NOT NULL',
    session_id: 'uuid NOT NULL',
    launch_session_id: 'uuid NOT NULL',
    operator_id: 'uuid NOT NULL',
    org_id: 'uuid NOT NULL',
    global_user_id: 'uuid NOT NULL',
    external_user_id: 'text',
    requested_product_mode: 'text NOT NULL',
    session_mode: 'text NOT NULL',
    feed_id: 'uuid NOT NULL',
    market_time_start: 'timestamptz(3) NOT NULL',
    market_time_end: 'timestamptz(3) NOT NULL',
    state: 'text',
    initial_balance: 'numeric',
    final_balance: 'numeric',
    peak_balance: 'numeric',
    max_drawdown: 'numeric',
    realized_pnl: 'numeric',
    trade_count: 'integer',
    winning_trades: 'integer',
    losing_trades: 'integer',
    created_at: 'timestamptz(3)',
    completed_at: 'timestamptz(3)',
    updated_at: 'timestamptz(3)',
  },
  indexes: ['(operator_id, created_at DESC, session_id DESC) WHERE created_at IS NOT NULL'],
})

export const historicalTrades = defineTable<HistoricalTradeRow, 'trade_id'>({
  name: 'noctant_historical_trades',
  key: ['trade_id'],
  columns: {
    trade_id: 'uuid NOT NULL',
    backtest_run_id: 'uuid NOT NULL',
    symbol: 'text NOT NULL',
    side: 'text NOT NULL',
    quantity: 'numeric NOT NULL',
    entry_price: 'numeric NOT NULL',
    exit_price: 'numeric NOT NULL',
    gross_pnl: 'numeric NOT NULL',
    commission: 'numeric NOT NULL',
    net_pnl: 'numeric NOT NULL',
    entry_market_time: 'timestamptz(3) NOT NULL',
    closed_market_time: 'timestamptz(3) NOT NULL',
    duration_seconds: 'integer NOT NULL',
  },
  indexes: ['(backtest_run_id, closed_market_time DESC, trade_id DESC)'],
})

export const historicalSessionProjection = defineProjection<LaunchSessionEvent | EngineEvent>({
  name: 'noctant.historicalSession',
  version: 1,
  onPoison: 'halt',
  tables: [historicalSessions, historicalTrades],
  handlers: {
    'noctant.HistoricalSessionRequested.v1': ({ data }) => [upsert(historicalSessions, requested(data))],
    'noctant.EngineReplaySessionCreated.v1': ({ data }) => [
      patch(
        historicalSessions,
        { backtest_run_id: data.accountId },
        {
          state: 'created',
          initial_balance: data.initialBalance,
          created_at: data.occurredAt,
          updated_at: data.occurredAt,
        },
      ),
    ],
    'noctant.EngineBacktestTradeClosed.v1': ({ data }) => [upsert(historicalTrades, closedTrade(data))],
    'noctant.EngineBacktestCompleted.v1': ({ data }) => [
      patch(historicalSessions, { backtest_run_id: data.accountId }, completed(data)),
    ],
  },
})

const requested = (data: Requested): HistoricalSessionRow => ({
  backtest_run_id: data.backtestRunId,
  session_id: data.sessionId,
  launch_session_id: data.launchSessionId,
  operator_id: data.operatorId,
  org_id: data.orgId,
  global_user_id: data.globalUserId,
  external_user_id: data.externalUserId,
  requested_product_mode: data.requestedProductMode,
  session_mode: data.mode,
  feed_id: data.feedId,
  market_time_start: data.marketTimeStart,
  market_time_end: data.marketTimeEnd,
  state: null,
  initial_balance: null,
  final_balance: null,
  peak_balance: null,
  max_drawdown: null,
  realized_pnl: null,
  trade_count: null,
  winning_trades: null,
  losing_trades: null,
  created_at: null,
  completed_at: null,
  updated_at: null,
})

const closedTrade = (data: TradeClosed): HistoricalTradeRow => ({
  trade_id: data.tradeId,
  backtest_run_id: data.accountId,
  symbol: data.symbol,
  side: data.side,
  quantity: data.quantity,
  entry_price: data.entryPrice,
  exit_price: data.exitPrice,
  gross_pnl: data.grossPnl,
  commission: data.commission,
  net_pnl: data.netPnl,
  entry_market_time: data.entryMarketTime,
  closed_market_time: data.closedMarketTime,
  duration_seconds: Math.floor((Date.parse(data.closedMarketTime) - Date.parse(data.entryMarketTime)) / 1_000),
})

const completed = (data: Completed) => ({
  state: 'completed' as const,
  final_balance: data.finalBalance,
  peak_balance: data.peakBalance,
  max_drawdown: data.maxDrawdown,
  realized_pnl: data.realizedPnl,
  trade_count: data.tradeCount,
  winning_trades: data.winningTrades,
  losing_trades: data.losingTrades,
  completed_at: data.occurredAt,
  updated_at: data.occurredAt,
})

/** A session that the engine has made, with where its figures come from. */
export type HistoricalSessionView = Omit<
  HistoricalSessionRow,
  'operator_id' | 'state' | 'created_at' | 'updated_at'
> & {
  state: HistoricalSessionState
  created_at: string
  updated_at: string
}

const viewColumns = Object.keys(historicalSessions.columns).filter(
  (name) => name !== 'operator_id',
) as (keyof HistoricalSessionView)[]

/** Sessions of the operator that the engine has made, so that state and times are known. */
const made = (db: NoctantDatabase, operatorId: string) =>
  db
    .selectFrom('noctant_historical_sessions')
    .select(viewColumns)
    .$narrowType<{ state: HistoricalSessionState; created_at: string; updated_at: string }>()
    .where('operator_id', '=', operatorId)
    .where('created_at', 'is not', null)

export const findHistoricalSession = preparedOne((db, operatorId: string, backtestRunId: string) =>
  made(db, operatorId).where('backtest_run_id', '=', backtestRunId),
)

export interface HistoricalSessionPage {
  filter: {
    external_user_id?: string | undefined
    global_user_id?: string | undefined
    feed_id?: string | undefined
    launch_session_id?: string | undefined
    requested_product_mode?: Requested['requestedProductMode'] | undefined
    state?: HistoricalSessionState | undefined
  }
  /** The last session of the page before. */
  before?: { createdAt: string; sessionId: string } | undefined
  limit: number
}

/** Newest first, in an order that inserts do not disturb. */
export function listHistoricalSessions(
  db: ReadModels,
  operatorId: string,
  { filter, before, limit }: HistoricalSessionPage,
): Promise<HistoricalSessionView[]> {
  let query = made(noctantTables(db), operatorId)
  for (const name of Object.keys(filter) as (keyof typeof filter)[]) {
    const value = filter[name]
    if (value !== undefined) query = query.where(name, '=', value)
  }
  if (before !== undefined) {
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('created_at', 'session_id'), '<', tuple(before.createdAt, before.sessionId)),
    )
  }
  return query.orderBy('created_at', 'desc').orderBy('session_id', 'desc').limit(limit).execute()
}

export interface HistoricalTradePage {
  backtestRunId: string
  /** The last trade of the page before. */
  before?: { closedMarketTime: string; tradeId: string } | undefined
  limit: number
}

/** Last closed first, in market time. */
export function listHistoricalTrades(
  db: ReadModels,
  { backtestRunId, before, limit }: HistoricalTradePage,
): Promise<HistoricalTradeRow[]> {
  return noctantTables(db)
    .selectFrom('noctant_historical_trades')
    .selectAll()
    .where('backtest_run_id', '=', backtestRunId)
    .$if(before !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('closed_market_time', 'trade_id'), '<', tuple(before!.closedMarketTime, before!.tradeId)),
      ),
    )
    .orderBy('closed_market_time', 'desc')
    .orderBy('trade_id', 'desc')
    .limit(limit)
    .execute()
}
