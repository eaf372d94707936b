/**
 * A backtest: an account of its own is traded by a strategy over a feed's prices, decided by the very core that decides
 * live accounts. Pure: the same feed, range and terms give the same trades to the last digit, whenever and wherever it
 * is run. What is open at the end is closed at the last price.
 */

import type { BacktestStrategy, EngineEvent } from '../../gateway/contract.ts'
import { type AccountState, unopenedAccount, watchesPrices } from '../account.ts'
import { type StepInput, step } from '../decide.ts'
import { uuidFrom } from '../ids.ts'
import { Decimal, moneyText } from '../money.ts'
import { defaultTradingRules, type StepContext } from '../step.ts'
import type { TradedSymbol } from '../symbols.ts'
import type { PricePoint } from './prices.ts'
import { strategyOf } from './strategy.ts'

export interface BacktestTerms {
  /** Names the run: the ids of its orders and trades follow from it. */
  runId: string
  symbol: TradedSymbol
  prices: Iterable<PricePoint>
  strategy: BacktestStrategy
  currency: string
  initialBalance: string
  /** A run with more is given up. */
  tradesMax: number
}

export interface BacktestTrade {
  tradeId: string
  symbol: string
  side: 'long' | 'short'
  quantity: string
  entryPrice: string
  exitPrice: string
  grossPnl: string
  commission: string
  swap: string
  netPnl: string
  pnlCurrency: string
  entryMarketTime: string
  closedMarketTime: string
  closeReason: Extract<EngineEvent, { type: 'TradeClosed' }>['data']['closeReason']
}

export interface BacktestStatistics {
  currency: string
  tradeCount: number
  winningTrades: number
  losingTrades: number
  ordersRejected: number
  initialBalance: string
  finalBalance: string
  /** The greatest balance after a closed trade, the initial one included. */
  peakBalance: string
  /** The greatest fall from a peak so far, as an amount. */
  maxDrawdown: string
  realizedPnl: string
}

export interface BacktestResult {
  trades: BacktestTrade[]
  statistics: BacktestStatistics
}

/** There are more trades than a run may have. */
export class TooManyTrades extends Error {
  override name = 'TooManyTrades'
}

/** @throws TooManyTrades */
export function runBacktest(terms: BacktestTerms): BacktestResult {
  const { runId, symbol } = terms
  const account = traded(terms)
  const strategy = strategyOf(terms.strategy)
  let orders = 0
  for (const point of terms.prices) {
    account.moveTo(point)
    for (const order of strategy.ordersAt(point, account.position())) {
      const orderId = uuidFrom(runId, `order:${++orders}`)
      account.take({ kind: 'place_order', order: { ...order, orderId, clientOrderId: null, symbol: symbol.symbol } })
    }
  }
  account.closeAll()
  return { trades: account.trades, statistics: statisticsOf(terms, account) }
}

interface Traded {
  trades: BacktestTrade[]
  rejected(): number
  /** The market comes to this price. */
  moveTo(point: PricePoint): void
  take(input: StepInput): void
  closeAll(): void
  position(): Decimal
  balance(): Decimal
}

/** The run's own account, opened, and stepped by the core at the prices of the moment. */
function traded({ runId, symbol, currency, initialBalance, tradesMax }: BacktestTerms): Traded {
  // Marks between trades are nobody's concern here.
  const rules = { ...defaultTradingRules, markIntervalMs: Number.MAX_SAFE_INTEGER }
  const symbols = new Map([[symbol.symbol, symbol]])
  const trades: BacktestTrade[] = []
  let state: AccountState = unopenedAccount(runId)
  let now: PricePoint = { atMs: 0, bid: '', ask: '', barClose: null }
  let steps = 0
  let rejected = 0
  const take = (input: StepInput) => {
    const context: StepContext = {
      nowMs: now.atMs,
      stepId: uuidFrom(runId, `step:${++steps}`),
      quote: (name) => (name === symbol.symbol && now.bid !== '' ? now : undefined),
      symbols,
      rules,
    }
    const { events, state: after } = step(state, input, context)
    state = after
    for (const event of events) {
      if (event.type === 'TradeClosed') trades.push(tradeOf(event))
      if (event.type === 'OrderRejected') rejected += 1
    }
    if (trades.length > tradesMax) throw new TooManyTrades(`the run has more than ${tradesMax} trades`)
  }
  const command = (sequence: number) => ({
    commandId: uuidFrom(runId, `command:${sequence}`),
    accountId: runId,
    sequence,
    attempt: 0,
    issuedAt: new Date(now.atMs).toISOString(),
  })
  const opening = { kind: 'open_account' as const, currency, initialBalance, executionProfileKey: 'backtest' }
  take({ kind: 'command', command: { ...command(1), ...opening } })
  return {
    trades,
    rejected: () => rejected,
    moveTo(point) {
      now = point
      if (watchesPrices(state)) take({ kind: 'market' })
    },
    take,
    closeAll() {
      if (watchesPrices(state)) {
        take({ kind: 'command', command: { ...command(2), kind: 'close_all', reason: null } })
      }
    },
    balance: () => new Decimal(state.balance),
    position() {
      const [open] = state.positions
      return new Decimal(open?.quantity ?? 0).times(open?.side === 'short' ? -1 : 1)
    },
  }
}

function tradeOf({ data, occurredAt }: Extract<EngineEvent, { type: 'TradeClosed' }>): BacktestTrade {
  const { tradeId, symbol, side, quantity, entryPrice, exitPrice, grossPnl, commission, swap, netPnl } = data
  const { pnlCurrency, closeReason, entryTime: entryMarketTime } = data
  const figures = { grossPnl, commission, swap, netPnl, pnlCurrency }
  const times = { entryMarketTime, closedMarketTime: occurredAt }
  return { tradeId, symbol, side, quantity, entryPrice, exitPrice, ...figures, ...times, closeReason }
}

/**
 * Peak and drawdown are of the balance after each trade, so that anybody can add them up again; the final balance is the
 * account's own, which the trades add up to, since nothing is open any more.
 */
function statisticsOf(terms: BacktestTerms, account: Traded): BacktestStatistics {
  const { currency } = terms
  const { trades } = account
  const initial = new Decimal(terms.initialBalance)
  let balance = initial
  let peak = initial
  let drawdown = new Decimal(0)
  for (const { netPnl } of trades) {
    balance = balance.plus(netPnl)
    peak = Decimal.max(peak, balance)
    drawdown = Decimal.max(drawdown, peak.minus(balance))
  }
  const money = (amount: Decimal) => moneyText(amount, currency)
  return {
    currency,
    tradeCount: trades.length,
    winningTrades: trades.filter(({ netPnl }) => new Decimal(netPnl).gt(0)).length,
    losingTrades: trades.filter(({ netPnl }) => new Decimal(netPnl).lt(0)).length,
    ordersRejected: account.rejected(),
    initialBalance: money(initial),
    finalBalance: money(account.balance()),
    peakBalance: money(peak),
    maxDrawdown: money(drawdown),
    realizedPnl: money(account.balance().minus(initial)),
  }
}
