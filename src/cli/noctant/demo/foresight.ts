/**
 * The market of the reference engine is a function of time, so a trader who knows its seed can know what comes. The demo
 * trades with that knowledge, since a story about a profit should not hang on luck.
 */
import type { PriceFeed } from '../../../engine/feed.ts'
import { referenceSymbols } from '../../../engine/symbols.ts'
import { decimal } from '../../demo/checks.ts'

export interface Plan {
  symbol: string
  side: 'buy' | 'sell'
  takeProfit: string
  /** When the market will have been there. */
  byMs: number
  /** What is left of it per lot, after spread and commission, in US dollars. */
  profitPerLot: number
}

/** Pairs quoted in the account's currency, so that profit needs no conversion. */
const SYMBOLS = ['EURUSD', 'GBPUSD', 'AUDUSD']
/** Between now and the order's fill. */
const LATENCY_MS = 500
const STEP_MS = 250
/** Of the best move; the rest is for a fill that is not quite the one foreseen. */
const MODESTY = '0.7'

/** The soonest trade, opened now, that will be worth this much per lot; undefined where none is within the horizon. */
export function soonestTrade(
  feed: PriceFeed,
  nowMs: number,
  { horizonMs, profitPerLotMin }: { horizonMs: number; profitPerLotMin: number },
): Plan | undefined {
  const plans = SYMBOLS.flatMap((symbol) => [
    ...tradesIn(feed, symbol, 'buy', nowMs, horizonMs),
    ...tradesIn(feed, symbol, 'sell', nowMs, horizonMs),
  ])
  return plans.filter(({ profitPerLot }) => profitPerLot >= profitPerLotMin).toSorted((a, b) => a.byMs - b.byMs)[0]
}

function tradesIn(feed: PriceFeed, symbol: string, side: Plan['side'], nowMs: number, horizonMs: number): Plan[] {
  const terms = referenceSymbols.get(symbol)
  const entry = feed.quote(symbol, nowMs)
  if (!terms || !entry) return []
  const opened = decimal(side === 'buy' ? entry.ask : entry.bid)
  const signOf = side === 'buy' ? 1 : -1
  const commission = decimal(terms.commissionPerLot).times(2)
  const plans: Plan[] = []
  for (let atMs = nowMs + LATENCY_MS; atMs <= nowMs + horizonMs; atMs += STEP_MS) {
    const exit = feed.quote(symbol, atMs)
    if (!exit) continue
    const move = decimal(side === 'buy' ? exit.bid : exit.ask)
      .minus(opened)
      .times(signOf)
      .times(MODESTY)
    const profit = move.times(terms.contractSize).minus(commission)
    if (!profit.greaterThan(0)) continue
    const takeProfit = opened.plus(move.times(signOf)).toFixed(terms.priceDigits)
    plans.push({ symbol, side, takeProfit, byMs: atMs, profitPerLot: profit.toNumber() })
  }
  return plans
}
