/**
 * The engine's write-ahead log as this side recorded it. Stream `noctant.engine-<accountId>`; an event's revision is its
 * WAL sequence less one, its id is the WAL event's own. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { decimal, historicalSessionMode, time, uuid } from './vocabulary.ts'

const head = {
  accountId: uuid,
  /** Per account, from 1, without gaps. */
  sequence: z.int().positive(),
  /** The command that caused it; null where the trader or the market did. */
  commandId: uuid.nullable(),
  occurredAt: time,
}
const side = z.enum(['buy', 'sell'])
const direction = z.enum(['long', 'short'])
const order = {
  orderId: uuid,
  clientOrderId: z.string().nullable(),
  symbol: z.string(),
  side,
  orderType: z.enum(['market', 'limit', 'stop']),
  quantity: decimal,
  limitPrice: decimal.nullable(),
  stopPrice: decimal.nullable(),
  takeProfit: decimal.nullable(),
  stopLoss: decimal.nullable(),
  timeInForce: z.enum(['gtc', 'ioc', 'day']),
  source: z.enum(['trader', 'take_profit', 'stop_loss', 'operator', 'stop_out']),
}

export const engineEvents = {
  'noctant.EngineAccountOpened.v1': z.object({
    ...head,
    currency: z.string(),
    balance: decimal,
    leverage: z.int().positive(),
  }),
  'noctant.EngineTradingStatusChanged.v1': z.object({
    ...head,
    tradingStatus: z.enum(['active', 'disabled']),
    reason: z.string().nullable(),
  }),
  'noctant.EngineOrderPlaced.v1': z.object({ ...head, ...order }),
  'noctant.EngineOrderRejected.v1': z.object({ ...head, ...order, reasonCode: z.string(), reason: z.string() }),
  'noctant.EngineOrderFilled.v1': z.object({
    ...head,
    orderId: uuid,
    fillId: uuid,
    symbol: z.string(),
    side,
    quantity: decimal,
    price: decimal,
    commission: decimal,
    filledQuantity: decimal,
    remainingQuantity: decimal,
    averageFillPrice: decimal,
    status: z.enum(['partially_filled', 'filled']),
  }),
  'noctant.EngineOrderCancelled.v1': z.object({
    ...head,
    orderId: uuid,
    status: z.enum(['cancelled', 'expired']),
    filledQuantity: decimal,
    remainingQuantity: decimal,
    reason: z.string(),
  }),
  'noctant.EnginePositionChanged.v1': z.object({
    ...head,
    positionId: uuid,
    symbol: z.string(),
    side: direction,
    quantity: decimal,
    averageEntryPrice: decimal,
    takeProfit: decimal.nullable(),
    stopLoss: decimal.nullable(),
    unrealizedPnl: decimal,
    openedAt: time,
  }),
  'noctant.EnginePositionClosed.v1': z.object({ ...head, positionId: uuid, symbol: z.string() }),
  'noctant.EngineTradeClosed.v1': z.object({
    ...head,
    tradeId: uuid,
    positionId: uuid,
    symbol: z.string(),
    side: direction,
    quantity: decimal,
    entryPrice: decimal,
    exitPrice: decimal,
    entryOrderId: uuid,
    exitOrderId: uuid,
    entryFillId: uuid,
    exitFillId: uuid,
    entryTime: time,
    grossPnl: decimal,
    commission: decimal,
    swap: decimal,
    netPnl: decimal,
    pnlCurrency: z.string(),
    closeReason: z.enum(['trader', 'take_profit', 'stop_loss', 'close_all', 'force_close', 'stop_out']),
  }),
  'noctant.EngineBalanceChanged.v1': z.object({
    ...head,
    balance: decimal,
    change: decimal,
    cause: z.enum(['trade', 'commission', 'swap', 'correction', 'payout']),
    reference: z.string(),
  }),
  'noctant.EngineAccountMarked.v1': z.object({
    ...head,
    balance: decimal,
    equity: decimal,
    marginUsed: decimal,
    freeMargin: decimal,
    marginLevel: decimal.nullable(),
    positions: z.array(z.object({ positionId: uuid, symbol: z.string(), markPrice: decimal, unrealizedPnl: decimal })),
  }),
  /** Of a historical session: its stream is `noctant.engine-<backtestRunId>`, the run's id in the account's place. */
  'noctant.EngineReplaySessionCreated.v1': z.object({
    ...head,
    sessionId: uuid,
    feedId: uuid,
    mode: historicalSessionMode,
    marketTimeStart: time,
    marketTimeEnd: time,
    currency: z.string(),
    initialBalance: decimal,
  }),
  'noctant.EngineBacktestTradeClosed.v1': z.object({
    ...head,
    tradeId: uuid,
    symbol: z.string(),
    side: direction,
    quantity: decimal,
    entryPrice: decimal,
    exitPrice: decimal,
    grossPnl: decimal,
    commission: decimal,
    swap: decimal,
    netPnl: decimal,
    pnlCurrency: z.string(),
    /** When it was in the feed's time. */
    entryMarketTime: time,
    closedMarketTime: time,
    closeReason: z.enum(['trader', 'take_profit', 'stop_loss', 'close_all', 'force_close', 'stop_out']),
  }),
  'noctant.EngineBacktestCompleted.v1': z.object({
    ...head,
    sessionId: uuid,
    currency: z.string(),
    tradeCount: z.int().nonnegative(),
    winningTrades: z.int().nonnegative(),
    losingTrades: z.int().nonnegative(),
    ordersRejected: z.int().nonnegative(),
    initialBalance: decimal,
    finalBalance: decimal,
    /** The greatest balance after a closed trade, the initial one included. */
    peakBalance: decimal,
    /** The greatest fall from a peak so far, as an amount. */
    maxDrawdown: decimal,
    realizedPnl: decimal,
  }),
  'noctant.EngineCommandDecided.v1': z.object({
    ...head,
    commandId: uuid,
    kind: z.string(),
    outcome: z.enum(['accepted', 'rejected', 'ignored']),
    reasonCode: z.string().nullable(),
    reason: z.string().nullable(),
  }),
}
export type EngineEvent = EventOf<typeof engineEvents>

/** What could not be entered in an account's engine stream. Stream `noctant.engineQuarantine-<accountId>`. */
export const engineQuarantineEvents = {
  'noctant.EngineEventQuarantined.v1': z.object({
    accountId: z.string(),
    reason: z.string(),
    /** The message as it came, UTF-8, at most 64 KiB. */
    body: z.string(),
    occurredAt: time,
  }),
}
export type EngineQuarantineEvent = EventOf<typeof engineQuarantineEvents>
