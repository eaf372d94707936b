/**
 * A feed as the prices that a backtest walks through. A candle is four of them: its open, its two extremes and its
 * close, the extreme that lies against the candle's direction first, which is the less favourable guess. The ask is the
 * bid and the symbol's usual spread. Only candles that lie within the range whole are walked through.
 */
import { Decimal } from '../money.ts'
import type { TradedSymbol } from '../symbols.ts'
import { type Candle, type Feed, intervalOf, type Tick } from './feed-file.ts'

export interface PricePoint {
  atMs: number
  bid: string
  ask: string
  /** The close of a bar that has ended by now; null within a bar. */
  barClose: string | null
}

/** Bars that ticks are gathered into, for strategies that look at closes. */
const TICK_BAR_MS = 60_000

export interface MarketRange {
  /** Inclusive. */
  startMs: number
  /** Exclusive. */
  endMs: number
}

/** The prices of the range, in order. */
export function pricesOf(feed: Feed, symbol: TradedSymbol, range: MarketRange): Generator<PricePoint> {
  return feed.kind === 'candles' ? candlePrices(feed.rows, symbol, range) : tickPrices(feed.rows, range)
}

function* candlePrices(rows: readonly Candle[], symbol: TradedSymbol, range: MarketRange): Generator<PricePoint> {
  const intervalMs = intervalOf(rows)
  const spread = new Decimal(symbol.tickSize).times(2 * symbol.synthetic.halfSpreadTicks)
  const point = (atMs: number, bid: string, barClose: string | null = null): PricePoint => {
    const price = new Decimal(bid)
    const ask = price.plus(spread).toFixed(symbol.priceDigits)
    return { atMs, bid: price.toFixed(symbol.priceDigits), ask, barClose }
  }
  for (const { atMs, open, high, low, close } of rows) {
    if (atMs < range.startMs || atMs + intervalMs > range.endMs) continue
    const rises = new Decimal(close).gte(open)
    const quarterMs = Math.floor(intervalMs / 4)
    yield point(atMs, open)
    yield point(atMs + quarterMs, rises ? low : high)
    yield point(atMs + 2 * quarterMs, rises ? high : low)
    yield point(atMs + Math.max(3 * quarterMs, intervalMs - 1), close, close)
  }
}

/** A bar of ticks has ended once a tick of a later bar is there; nothing is known before it happens. */
function* tickPrices(rows: readonly Tick[], range: MarketRange): Generator<PricePoint> {
  let last: Tick | undefined
  for (const tick of rows) {
    if (tick.atMs < range.startMs || tick.atMs >= range.endMs) continue
    const isNewBar = last !== undefined && Math.floor(last.atMs / TICK_BAR_MS) < Math.floor(tick.atMs / TICK_BAR_MS)
    yield { ...tick, barClose: isNewBar ? (last?.bid ?? null) : null }
    last = tick
  }
}
