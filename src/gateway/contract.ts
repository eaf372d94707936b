/**
 * The contract with any matching engine: what travels on the two message streams, as zod schemas. An engine that reads
 * these commands and answers with these events can take the reference engine's place (docs/engine.md says it in prose).
 *
 * Subjects: `<prefix>.commands.<accountId>` and `<prefix>.events.<accountId>`; bodies are UTF-8 JSON.
 * Rules of the road:
 *  - A command id is decided once, for ever. A repeated command is answered by sending its recorded events again.
 *  - Every decision ends with a CommandDecided event, after the events that the command caused.
 *  - Events of one account carry a sequence without gaps from 1; a receiver that sees a gap asks with `resend_events`.
 *  - Commands of one account arrive in `sequence` order but for losses; an enabling or disabling command that is older
 *    than the last one applied is ignored as superseded. A command for an account not yet open is not acknowledged.
 *  - The recorded events (events/noctant/engine.ts) have the shapes of these, so that a shape is never edited: a new
 *    type supersedes it.
 *  - Decimals are strings without exponent; times are RFC 3339 in UTC with milliseconds; ids are UUIDs.
 */
import { z } from 'zod'

const uuid = z.uuid()
const time = z.iso.datetime({ offset: false })
/** A decimal without exponent, at most 40 digits: `-12.50`. */
const decimal = z.string().regex(/^-?\d{1,30}(\.\d{1,18})?$/)

const commandHead = {
  commandId: uuid,
  accountId: uuid,
  /** Position among the account's engine commands, from 1. */
  sequence: z.int().positive(),
  /** How often it was sent before; 0 at first. */
  attempt: z.int().nonnegative(),
  issuedAt: time,
}

const side = z.enum(['buy', 'sell'])
const orderTerms = {
  side,
  orderType: z.enum(['market', 'limit', 'stop']),
  quantity: decimal,
  limitPrice: decimal.nullable(),
  stopPrice: decimal.nullable(),
  takeProfit: decimal.nullable(),
  stopLoss: decimal.nullable(),
}

/** An order of a backtest, placed at the first price at or after its time. */
export const scriptedOrder = z.object({ at: time, ...orderTerms })
export type ScriptedOrder = z.infer<typeof scriptedOrder>

/** What trades in a backtest. */
export const backtestStrategy = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('moving_average_crossover'),
    /** Bars of the two averages; the fast one has fewer. */
    fastPeriods: z.int().positive(),
    slowPeriods: z.int().positive(),
    quantity: decimal,
  }),
  z.object({ type: z.literal('order_list'), orders: z.array(scriptedOrder) }),
])
export type BacktestStrategy = z.infer<typeof backtestStrategy>

/** SHA-256 of a feed's CSV file, hex: its name where feeds are kept. */
const contentHash = z.string().regex(/^[0-9a-f]{64}$/)

/** What the engine is asked to do. */
export const engineOrder = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('open_account'),
    currency: z.string(),
    initialBalance: decimal,
    executionProfileKey: z.string(),
  }),
  z.object({ kind: z.literal('close_all'), reason: z.string().nullable() }),
  z.object({
    kind: z.literal('disable_account'),
    forceClosePositions: z.boolean(),
    reason: z.string().nullable(),
  }),
  z.object({ kind: z.literal('enable_account'), reason: z.string().nullable() }),
  z.object({ kind: z.literal('force_close'), reason: z.string().nullable() }),
  z.object({
    kind: z.literal('adjust_balance'),
    /** Signed. */
    amount: decimal,
    /** The correction that it carries out. */
    reference: z.string(),
    reason: z.string().nullable(),
  }),
  z.object({ kind: z.literal('execute_payout'), amount: decimal, reference: z.string() }),
  /** Makes a historical session, and runs it where there is a strategy. Its account id is the run's. */
  z.object({
    kind: z.literal('start_replay'),
    sessionId: uuid,
    feed: z.object({ feedId: uuid, symbol: z.string(), kind: z.enum(['candles', 'ticks']), contentHash }),
    /** Inclusive. */
    marketTimeStart: time,
    /** Exclusive. */
    marketTimeEnd: time,
    currency: z.string(),
    initialBalance: decimal,
    /** Null: a replay, which trades by hand. */
    strategy: backtestStrategy.nullable(),
  }),
])
export type EngineOrder = z.infer<typeof engineOrder>

export const engineCommandSchema = z.object(commandHead).and(engineOrder)
export type EngineCommand = z.infer<typeof engineCommandSchema>
/** A command on a historical run; its `accountId` is the run's id, and no account is concerned. */
export type ReplayCommand = Extract<EngineCommand, { kind: 'start_replay' }>
export type AccountCommand = Exclude<EngineCommand, ReplayCommand>

/** Not a command on an account but a request of the receiver: send the account's events again from a sequence. */
export const resendRequestSchema = z.object({
  kind: z.literal('resend_events'),
  accountId: uuid,
  fromSequence: z.int().positive(),
})
export type ResendRequest = z.infer<typeof resendRequestSchema>

export const commandMessageSchema = z.union([engineCommandSchema, resendRequestSchema])

const orderHead = {
  orderId: uuid,
  clientOrderId: z.string().nullable(),
  symbol: z.string(),
  ...orderTerms,
  timeInForce: z.enum(['gtc', 'ioc', 'day']),
  /** Who placed it: the trader, a position's own take profit or stop loss, an operator's command, a margin call. */
  source: z.enum(['trader', 'take_profit', 'stop_loss', 'operator', 'stop_out']),
}

/** Event type → schema of its data. */
export const engineEventData = {
  AccountOpened: z.object({ currency: z.string(), balance: decimal, leverage: z.int().positive() }),
  TradingStatusChanged: z.object({ tradingStatus: z.enum(['active', 'disabled']), reason: z.string().nullable() }),
  OrderPlaced: z.object({ ...orderHead }),
  OrderRejected: z.object({ ...orderHead, reasonCode: z.string(), reason: z.string() }),
  OrderFilled: z.object({
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
  OrderCancelled: z.object({
    orderId: uuid,
    status: z.enum(['cancelled', 'expired']),
    filledQuantity: decimal,
    remainingQuantity: decimal,
    reason: z.string(),
  }),
  PositionChanged: z.object({
    positionId: uuid,
    symbol: z.string(),
    side: z.enum(['long', 'short']),
    quantity: decimal,
    averageEntryPrice: decimal,
    takeProfit: decimal.nullable(),
    stopLoss: decimal.nullable(),
    unrealizedPnl: decimal,
    openedAt: time,
  }),
  PositionClosed: z.object({ positionId: uuid, symbol: z.string() }),
  TradeClosed: z.object({
    tradeId: uuid,
    positionId: uuid,
    symbol: z.string(),
    side: z.enum(['long', 'short']),
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
  BalanceChanged: z.object({
    balance: decimal,
    change: decimal,
    cause: z.enum(['trade', 'commission', 'swap', 'correction', 'payout']),
    reference: z.string(),
  }),
  /** The account's figures, after every step that changed them and now and then while positions are open. */
  AccountMarked: z.object({
    balance: decimal,
    equity: decimal,
    marginUsed: decimal,
    freeMargin: decimal,
    /** equity / margin used, in percent; null without open positions. */
    marginLevel: decimal.nullable(),
    positions: z.array(z.object({ positionId: uuid, symbol: z.string(), markPrice: decimal, unrealizedPnl: decimal })),
  }),
  /** A historical session is there; its run's id stands in the account's place. */
  ReplaySessionCreated: z.object({
    sessionId: uuid,
    feedId: uuid,
    mode: z.enum(['replay', 'backtest']),
    marketTimeStart: time,
    marketTimeEnd: time,
    currency: z.string(),
    initialBalance: decimal,
  }),
  BacktestTradeClosed: z.object({
    tradeId: uuid,
    symbol: z.string(),
    side: z.enum(['long', 'short']),
    quantity: decimal,
    entryPrice: decimal,
    exitPrice: decimal,
    grossPnl: decimal,
    commission: decimal,
    swap: decimal,
    netPnl: decimal,
    pnlCurrency: z.string(),
    /** In the feed's time. */
    entryMarketTime: time,
    closedMarketTime: time,
    closeReason: z.enum(['trader', 'take_profit', 'stop_loss', 'close_all', 'force_close', 'stop_out']),
  }),
  BacktestCompleted: z.object({
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
  CommandDecided: z.object({
    kind: z.string(),
    outcome: z.enum(['accepted', 'rejected', 'ignored']),
    reasonCode: z.string().nullable(),
    reason: z.string().nullable(),
  }),
} as const

export type EngineEventType = keyof typeof engineEventData

const eventHead = {
  eventId: uuid,
  accountId: uuid,
  /** Per account, from 1, without gaps. */
  sequence: z.int().positive(),
  /** The command that caused it; null where the trader or the market did. */
  commandId: uuid.nullable(),
  /** When the engine's log recorded it. */
  occurredAt: time,
}

export type EngineEvent = {
  [T in EngineEventType]: {
    eventId: string
    accountId: string
    sequence: number
    commandId: string | null
    occurredAt: string
    type: T
    data: z.infer<(typeof engineEventData)[T]>
  }
}[EngineEventType]

const eventSchema = ([type, data]: [string, z.ZodObject]) => z.object({ ...eventHead, type: z.literal(type), data })
const [firstSchema, ...otherSchemas] = Object.entries(engineEventData).map(eventSchema)

/** A message of the events stream. Unknown types and malformed data fail to parse; the receiver quarantines them. */
export const engineEventSchema = z.discriminatedUnion('type', [
  firstSchema!,
  ...otherSchemas,
]) as unknown as z.ZodType<EngineEvent>
