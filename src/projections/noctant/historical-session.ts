/**
 * Replays and backtests, and the trades of the latter. The request says whose a session is; it is there for readers once
 * the engine has made it, which the engine's own log says.
 */
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { LaunchSessionEvent } from '../../events/noctant/launch-session.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, numeric, text, time, uuid } from '../columns.ts'
import { newestFirst, type Page } from '../keyset.ts'
import { columnsBut, defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { type NoctantDatabase, noctantTables, preparedOne } from './tables.ts'

type Requested = Extract<LaunchSessionEvent, { type: 'noctant.HistoricalSessionRequested.v1' }>['data']
type TradeClosed = Extract<EngineEvent, { type: 'noctant.EngineBacktestTradeClosed.v1' }>['data']

export type HistoricalSessionState = 'created' | 'completed'

export const historicalSessions = defineTable({
  name: 'noctant_historical_sessions',
  key: ['backtest_run_id'],
  columns: {
    backtest_run_id: uuid,
    session_id: uuid,
    launch_session_id: uuid,
    operator_id: uuid,
    org_id: uuid,
    global_user_id: uuid,
    external_user_id: text.orNull,
    requested_product_mode: text.of<Requested['requestedProductMode']>(),
    session_mode: text.of<Requested['mode']>(),
    feed_id: uuid,
    market_time_start: time,
    market_time_end: time,
    /** Null until the engine has made the session. */
    state: text.of<HistoricalSessionState>().orNull,
    initial_balance: numeric.orNull,
    /** Known once it is completed, like all figures that follow. */
    final_balance: numeric.orNull,
    peak_balance: numeric.orNull,
    max_drawdown: numeric.orNull,
    realized_pnl: numeric.orNull,
    trade_count: integer.orNull,
    winning_trades: integer.orNull,
    losing_trades: integer.orNull,
    created_at: time.orNull,
    completed_at: time.orNull,
    updated_at: time.orNull,
  },
  indexes: [
    '(session_id)',
    '(launch_session_id) WHERE launch_session_id IS NOT NULL',
    '(operator_id, created_at DESC, session_id DESC) WHERE created_at IS NOT NULL',
  ],
})

export const historicalTrades = defineTable({
  name: 'noctant_historical_trades',
  key: ['trade_id'],
  columns: {
    trade_id: uuid,
    backtest_run_id: uuid,
    symbol: text,
    side: text.of<TradeClosed['side']>(),
    quantity: numeric,
    entry_price: numeric,
    exit_price: numeric,
    gross_pnl: numeric,
    commission: numeric,
    net_pnl: numeric,
    entry_market_time: time,
    closed_market_time: time,
    /** Whole seconds of market time. */
    duration_seconds: integer,
  },
  indexes: ['(backtest_run_id, closed_market_time DESC, trade_id DESC)'],
})

/** As the request leaves it. */
const begun = {
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
}

export type HistoricalTradeRow = RowOf<typeof historicalTrades>

export const historicalSessionProjection = defineProjection<LaunchSessionEvent | EngineEvent>({
  name: 'noctant.historicalSession',
  version: 2,
  onPoison: 'halt',
  tables: [historicalSessions, historicalTrades],
  handlers: {
    'noctant.HistoricalSessionRequested.v1': ({ data }) => [
      upsert(historicalSessions, { ...snake(data), ...begun, session_mode: data.mode }),
    ],
    'noctant.EngineReplaySessionCreated.v1': ({ data }) => [
      patch(historicalSessions, run(data), {
        state: 'created',
        initial_balance: data.initialBalance,
        created_at: data.occurredAt,
        updated_at: data.occurredAt,
      }),
    ],
    'noctant.EngineBacktestTradeClosed.v1': ({ data }) => [
      upsert(historicalTrades, {
        ...snake(data),
        ...run(data),
        duration_seconds: Math.floor((Date.parse(data.closedMarketTime) - Date.parse(data.entryMarketTime)) / 1_000),
      }),
    ],
    'noctant.EngineBacktestCompleted.v1': ({ data }) => [
      patch(historicalSessions, run(data), {
        ...snake(data, 'finalBalance', 'peakBalance', 'maxDrawdown', 'realizedPnl'),
        ...snake(data, 'tradeCount', 'winningTrades', 'losingTrades'),
        state: 'completed',
        completed_at: data.occurredAt,
        updated_at: data.occurredAt,
      }),
    ],
  },
})

/** The engine's log has the run's id in the account's place. */
const run = ({ accountId }: { accountId: string }) => ({ backtest_run_id: accountId })

/** A session that the engine has made, with where its figures come from. */
export type HistoricalSessionView = Omit<
  RowOf<typeof historicalSessions>,
  'operator_id' | 'state' | 'created_at' | 'updated_at'
> & { state: HistoricalSessionState; created_at: string; updated_at: string }

const viewColumns = columnsBut(historicalSessions, 'operator_id')

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

export interface HistoricalSessionPage extends Page<'created_at' | 'session_id'> {
  filter: {
    external_user_id?: string | undefined
    global_user_id?: string | undefined
    feed_id?: string | undefined
    launch_session_id?: string | undefined
    requested_product_mode?: Requested['requestedProductMode'] | undefined
    state?: HistoricalSessionState | undefined
  }
}

/** Newest first. */
export function listHistoricalSessions(
  db: ReadModels,
  operatorId: string,
  page: HistoricalSessionPage,
): Promise<HistoricalSessionView[]> {
  let query = made(noctantTables(db), operatorId)
  for (const name of Object.keys(page.filter) as (keyof typeof page.filter)[]) {
    const value = page.filter[name]
    if (value !== undefined) query = query.where(name, '=', value)
  }
  return newestFirst(query, ['created_at', 'session_id'], page).execute()
}

export interface HistoricalTradePage extends Page<'closed_market_time' | 'trade_id'> {
  backtestRunId: string
}

/** Last closed first, in market time. */
export function listHistoricalTrades(db: ReadModels, page: HistoricalTradePage): Promise<HistoricalTradeRow[]> {
  const query = noctantTables(db).selectFrom('noctant_historical_trades').selectAll()
  const ofRun = query.where('backtest_run_id', '=', page.backtestRunId)
  return newestFirst(ofRun, ['closed_market_time', 'trade_id'], page).execute()
}
