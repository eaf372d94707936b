/** Closed trades: what an entry and its exit came to. */
import { Decimal } from 'decimal.js'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, upsert } from '../projection.ts'
import { noctantTables } from './tables.ts'

type Closed = Extract<EngineEvent, { type: 'noctant.EngineTradeClosed.v1' }>['data']

export type TradeRow = {
  trade_id: string
  account_id: string
  position_id: string | null
  symbol: string
  side: Closed['side']
  /** Decimals as text. */
  quantity: string
  entry_price: string
  exit_price: string
  entry_order_id: string | null
  exit_order_id: string
  entry_fill_id: string | null
  exit_fill_id: string | null
  entry_time: string | null
  closed_at: string
  /** Whole seconds from entry to exit. */
  duration_seconds: number | null
  gross_pnl: string
  commission: string
  swap: string
  net_pnl: string
  pnl_currency: string | null
  /** The net result is above zero. */
  is_profitable: boolean
  close_reason: Closed['closeReason']
  correlation_id: string | null
}

/** What the contract's AccountTradeView shows. */
export type TradeView = TradeRow & { org_id: string; program_account_attempt_id: string }

export const trades = defineTable<TradeRow, 'trade_id'>({
  name: 'noctant_trades',
  key: ['trade_id'],
  columns: {
    trade_id: 'uuid NOT NULL',
    account_id: 'uuid NOT NULL',
    position_id: 'uuid',
    symbol: 'text NOT NULL',
    side: 'text NOT NULL',
    quantity: 'numeric NOT NULL',
    entry_price: 'numeric NOT NULL',
    exit_price: 'numeric NOT NULL',
    entry_order_id: 'uuid',
    exit_order_id: 'uuid NOT NULL',
    entry_fill_id: 'uuid',
    exit_fill_id: 'uuid',
    entry_time: 'timestamptz(3)',
    closed_at: 'timestamptz(3) NOT NULL',
    duration_seconds: 'integer',
    gross_pnl: 'numeric NOT NULL',
    commission: 'numeric NOT NULL',
    swap: 'numeric NOT NULL',
    net_pnl: 'numeric NOT NULL',
    pnl_currency: 'text',
    is_profitable: 'boolean NOT NULL',
    close_reason: 'text NOT NULL',
    correlation_id: 'text',
  },
  indexes: ['(account_id, closed_at DESC, trade_id DESC)'],
})

export const tradeProjection = defineProjection<EngineEvent>({
  name: 'noctant.trade',
  version: 1,
  onPoison: 'halt',
  tables: [trades],
  handlers: {
    'noctant.EngineTradeClosed.v1': ({ data, metadata }) => [
      upsert(trades, closedTrade(data, metadata.$correlationId)),
    ],
  },
})

const closedTrade = (data: Closed, correlationId: string): TradeRow => ({
  trade_id: data.tradeId,
  account_id: data.accountId,
  position_id: data.positionId,
  symbol: data.symbol,
  side: data.side,
  quantity: data.quantity,
  entry_price: data.entryPrice,
  exit_price: data.exitPrice,
  entry_order_id: data.entryOrderId,
  exit_order_id: data.exitOrderId,
  entry_fill_id: data.entryFillId,
  exit_fill_id: data.exitFillId,
  entry_time: data.entryTime,
  closed_at: data.occurredAt,
  duration_seconds: Math.floor((Date.parse(data.occurredAt) - Date.parse(data.entryTime)) / 1_000),
  gross_pnl: data.grossPnl,
  commission: data.commission,
  swap: data.swap,
  net_pnl: data.netPnl,
  pnl_currency: data.pnlCurrency,
  is_profitable: new Decimal(data.netPnl).greaterThan(0),
  close_reason: data.closeReason,
  correlation_id: correlationId,
})

export interface TradePage {
  programAccountId: string
  /** One attempt, e.g. the account's current one; undefined: all of them. */
  attemptId?: string | undefined
  /** The last trade of the page before. */
  before?: { closedAt: string; tradeId: string } | undefined
  limit: number
}

/** Last closed first, in an order that inserts do not disturb. */
export function listTrades(db: ReadModels, page: TradePage): Promise<TradeView[]> {
  const { programAccountId, attemptId, before, limit } = page
  return noctantTables(db)
    .selectFrom('noctant_attempts as attempt')
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('noctant_trades')
          .selectAll()
          .whereRef('noctant_trades.account_id', '=', 'attempt.account_id')
          .$if(before !== undefined, (query) =>
            query.where(({ eb, refTuple, tuple }) =>
              eb(refTuple('closed_at', 'trade_id'), '<', tuple(before!.closedAt, before!.tradeId)),
            ),
          )
          .orderBy('closed_at', 'desc')
          .orderBy('trade_id', 'desc')
          .limit(limit)
          .as('found'),
      (join) => join.onTrue(),
    )
    .selectAll('found')
    .select(['attempt.org_id', 'attempt.attempt_id as program_account_attempt_id'])
    .where('attempt.program_account_id', '=', programAccountId)
    .$if(attemptId !== undefined, (query) => query.where('attempt.attempt_id', '=', attemptId!))
    .orderBy('found.closed_at', 'desc')
    .orderBy('found.trade_id', 'desc')
    .limit(limit)
    .execute()
}
