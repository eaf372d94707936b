/** Closed trades: what an entry and its exit came to. */
import { Decimal } from 'decimal.js'
import { sql } from 'kysely'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { boolean, integer, numeric, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, type RowOf, upsert } from '../projection.ts'
import { type AttemptsPage, listOfAttempts } from './attempts.ts'
import { noctantTables } from './tables.ts'

type Closed = Extract<EngineEvent, { type: 'noctant.EngineTradeClosed.v1' }>['data']

export const trades = defineTable({
  name: 'noctant_trades',
  key: ['trade_id'],
  columns: {
    trade_id: uuid,
    account_id: uuid,
    position_id: uuid.orNull,
    symbol: text,
    side: text.of<Closed['side']>(),
    quantity: numeric,
    entry_price: numeric,
    exit_price: numeric,
    entry_order_id: uuid.orNull,
    exit_order_id: uuid,
    entry_fill_id: uuid.orNull,
    exit_fill_id: uuid.orNull,
    entry_time: time.orNull,
    closed_at: time,
    /** Whole seconds from entry to exit. */
    duration_seconds: integer.orNull,
    gross_pnl: numeric,
    commission: numeric,
    swap: numeric,
    net_pnl: numeric,
    pnl_currency: text.orNull,
    /** The net result is above zero. */
    is_profitable: boolean,
    close_reason: text.of<Closed['closeReason']>(),
    correlation_id: text.orNull,
  },
  indexes: ['(account_id, closed_at DESC, trade_id DESC)'],
})

/** What the contract's AccountTradeView shows. */
export type TradeView = RowOf<typeof trades> & { org_id: string; program_account_attempt_id: string }

export const tradeProjection = defineProjection<EngineEvent>({
  name: 'noctant.trade',
  version: 1,
  onPoison: 'halt',
  tables: [trades],
  handlers: {
    'noctant.EngineTradeClosed.v1': ({ data, metadata }) => [
      upsert(trades, {
        ...snake(data),
        closed_at: data.occurredAt,
        duration_seconds: Math.floor((Date.parse(data.occurredAt) - Date.parse(data.entryTime)) / 1_000),
        is_profitable: new Decimal(data.netPnl).greaterThan(0),
        correlation_id: metadata.$correlationId,
      }),
    ],
  },
})

export type TradePage = AttemptsPage<'closed_at' | 'trade_id'>

/** Last closed first. */
export function listTrades(db: ReadModels, page: TradePage): Promise<TradeView[]> {
  const ofAttempt = noctantTables(db)
    .selectFrom('noctant_trades')
    .selectAll()
    .whereRef('noctant_trades.account_id', '=', sql.ref('attempt.account_id'))
  return listOfAttempts(db, ofAttempt, ['closed_at', 'trade_id'], page)
}
