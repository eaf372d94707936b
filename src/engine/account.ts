/**
 * An account as the engine knows it: the fold of its events. The state is plain data (it goes into snapshots as JSON)
 * and is never changed in place, so that a step whose commit fails can simply be forgotten.
 *
 * Nothing here decides. What the events do not say outright (which part of a position's commission a trade took) is
 * derived from the order in which a step writes them: fill, its commission, the trade it realised, the position.
 */
import type { EngineEvent } from '../gateway/contract.ts'
import { decimal, moneyText, plainText } from './money.ts'

export type Side = 'buy' | 'sell'
export type OrderSource = 'trader' | 'take_profit' | 'stop_loss' | 'operator' | 'stop_out'
export type CloseReason = 'trader' | 'take_profit' | 'stop_loss' | 'close_all' | 'force_close' | 'stop_out'
export type DataOf<T extends EngineEvent['type']> = Extract<EngineEvent, { type: T }>['data']

export type WorkingOrder = DataOf<'OrderPlaced'> & {
  placedAtMs: number
  filledQuantity: string
  averageFillPrice: string | null
  fills: number
}

export interface Position {
  positionId: string
  symbol: string
  side: 'long' | 'short'
  quantity: string
  averageEntryPrice: string
  takeProfit: string | null
  stopLoss: string | null
  openedAtMs: number
  /** The order and fill that opened the position; later increases do not change them. */
  entryOrderId: string
  entryFillId: string
  /** Commission of the fills that opened and increased it, less what closed trades have taken. */
  entryCommission: string
  /** Swap booked, less what closed trades have taken. */
  swap: string
  /** Rollovers up to here are settled. */
  swapSettledAtMs: number
}

interface LastFill {
  orderId: string
  fillId: string
  commission: string
  atMs: number
}

export interface AccountState {
  accountId: string
  /** unopened: nothing happened yet, or the opening was refused. */
  status: 'unopened' | 'active' | 'disabled'
  /** Sequence of the last event, 0 before the first. */
  sequence: number
  currency: string
  leverage: number
  balance: string
  initialBalance: string
  /** Working orders in the order of their placement. */
  orders: readonly WorkingOrder[]
  positions: readonly Position[]
  /** Sequence of the newest enabling or disabling command that was taken into account. */
  statusCommandSequence: number
  lastFill: LastFill | null
  lastMark: DataOf<'AccountMarked'> | null
  markedAtMs: number
}

/** An event as the log keeps it: the contract's event, and the account's command sequence where a command caused it. */
export interface LogRecord {
  event: EngineEvent
  commandSequence: number | null
}

export function unopenedAccount(accountId: string): AccountState {
  return {
    accountId,
    status: 'unopened',
    sequence: 0,
    currency: '',
    leverage: 1,
    balance: '0',
    initialBalance: '0',
    orders: [],
    positions: [],
    statusCommandSequence: 0,
    lastFill: null,
    lastMark: null,
    markedAtMs: 0,
  }
}

/** True while prices matter to the account: it has a position or a working order. */
export function watchesPrices(state: AccountState): boolean {
  return state.positions.length > 0 || state.orders.length > 0
}

/**
 * The state after one more event.
 * @throws RangeError where the event is not the next one of this account: the log is damaged.
 */
export function evolve(state: AccountState, record: LogRecord): AccountState {
  const { event } = record
  if (event.accountId !== state.accountId || event.sequence !== state.sequence + 1) {
    throw new RangeError(`event ${event.sequence} of ${event.accountId} does not follow event ${state.sequence}`)
  }
  return { ...state, ...changes(state, record), sequence: event.sequence }
}

function changes(state: AccountState, record: LogRecord): Partial<AccountState> {
  const { event } = record
  const atMs = Date.parse(event.occurredAt)
  switch (event.type) {
    case 'AccountOpened': {
      const { currency, balance, leverage } = event.data
      return { status: 'active', currency, balance, initialBalance: balance, leverage }
    }
    case 'TradingStatusChanged':
      return { status: event.data.tradingStatus }
    case 'OrderPlaced':
      return { orders: [...state.orders, placed(event.data, atMs)] }
    case 'OrderRejected':
      return {}
    case 'OrderFilled':
      return afterFill(state, event.data, atMs)
    case 'OrderCancelled':
      return { orders: state.orders.filter((order) => order.orderId !== event.data.orderId) }
    case 'PositionChanged':
      return { positions: positionsAfterChange(state, event.data, atMs) }
    case 'PositionClosed':
      return { positions: state.positions.filter((position) => position.positionId !== event.data.positionId) }
    case 'TradeClosed':
      return { positions: positionsAfterTrade(state, event.data) }
    case 'BalanceChanged':
      return afterBalanceChange(state, event.data, atMs)
    case 'AccountMarked':
      return { lastMark: event.data, markedAtMs: atMs }
    // A historical run has an account of its own, which is not kept.
    case 'ReplaySessionCreated':
    case 'BacktestTradeClosed':
    case 'BacktestCompleted':
      return {}
    case 'CommandDecided':
      return afterDecision(event.data, record.commandSequence)
    default:
      return event satisfies never
  }
}

function placed(data: DataOf<'OrderPlaced'>, placedAtMs: number): WorkingOrder {
  return { ...data, placedAtMs, filledQuantity: '0', averageFillPrice: null, fills: 0 }
}

function afterFill(state: AccountState, data: DataOf<'OrderFilled'>, atMs: number): Partial<AccountState> {
  const lastFill = { orderId: data.orderId, fillId: data.fillId, commission: data.commission, atMs }
  const orders = state.orders
    .map((order) => {
      if (order.orderId !== data.orderId) return order
      const { filledQuantity, averageFillPrice } = data
      return { ...order, filledQuantity, averageFillPrice, fills: order.fills + 1 }
    })
    .filter((order) => order.orderId !== data.orderId || data.status === 'partially_filled')
  return { orders, lastFill }
}

function positionsAfterChange(state: AccountState, data: DataOf<'PositionChanged'>, atMs: number): Position[] {
  const { positionId, symbol, side, quantity, averageEntryPrice, takeProfit, stopLoss } = data
  const shown = { positionId, symbol, side, quantity, averageEntryPrice, takeProfit, stopLoss }
  const fill = state.lastFill
  if (fill === null) throw new RangeError(`position ${positionId} changed without a fill`)
  const known = state.positions.find((position) => position.positionId === positionId)
  if (known === undefined) {
    const opened = {
      ...shown,
      openedAtMs: atMs,
      entryOrderId: fill.orderId,
      entryFillId: fill.fillId,
      entryCommission: fill.commission,
      swap: '0',
      swapSettledAtMs: atMs,
    }
    return [...state.positions, opened]
  }
  const increased = decimal(quantity).gt(known.quantity)
  const entryCommission = increased
    ? moneyText(decimal(known.entryCommission).plus(fill.commission), state.currency)
    : known.entryCommission
  return state.positions.map((position) => (position === known ? { ...known, ...shown, entryCommission } : position))
}

/** The trade takes its share of the position's quantity, entry commission and swap; the rest stays for the next one. */
function positionsAfterTrade(state: AccountState, trade: DataOf<'TradeClosed'>): Position[] {
  const exitCommission = state.lastFill?.commission ?? '0'
  return state.positions.map((position) => {
    if (position.positionId !== trade.positionId) return position
    const entryShare = decimal(trade.commission).minus(exitCommission)
    return {
      ...position,
      quantity: plainText(decimal(position.quantity).minus(trade.quantity)),
      entryCommission: moneyText(decimal(position.entryCommission).minus(entryShare), state.currency),
      swap: moneyText(decimal(position.swap).minus(trade.swap), state.currency),
    }
  })
}

function afterBalanceChange(state: AccountState, data: DataOf<'BalanceChanged'>, atMs: number): Partial<AccountState> {
  if (data.cause !== 'swap') return { balance: data.balance }
  const positions = state.positions.map((position) => {
    if (position.positionId !== data.reference) return position
    const swap = moneyText(decimal(position.swap).plus(data.change), state.currency)
    return { ...position, swap, swapSettledAtMs: atMs }
  })
  return { balance: data.balance, positions }
}

/** A command that was overtaken changes nothing; any other enabling or disabling one is the newest known. */
function afterDecision(data: DataOf<'CommandDecided'>, commandSequence: number | null): Partial<AccountState> {
  const setsStatus = data.kind === 'enable_account' || data.kind === 'disable_account'
  if (!setsStatus || commandSequence === null || data.reasonCode === 'superseded') return {}
  return { statusCommandSequence: commandSequence }
}
