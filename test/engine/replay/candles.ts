/** Candles for backtests: a walk that is the same on every machine, as a CSV file. */
import { Decimal } from 'decimal.js'

export const sessionStart = '2026-01-05T00:00:00.000Z'

/** A minute of the session, as RFC 3339. */
export const minute = (n: number): string => new Date(Date.parse(sessionStart) + n * 60_000).toISOString()

/** `count` candles of a minute, around 1.10000. */
export function candlesCsv(count: number, seed = 1): string {
  let state = seed
  const next = (spread: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * (2 * spread + 1)) - spread
  }
  const text = (ticks: number) => new Decimal(ticks).div(100_000).toFixed(5)
  const lines = ['time,open,high,low,close']
  let price = 110_000
  for (let at = 0; at < count; at++) {
    const close = price + next(15)
    const high = Math.max(price, close) + Math.abs(next(6))
    const low = Math.min(price, close) - Math.abs(next(6))
    lines.push([minute(at), ...[price, high, low, close].map(text)].join(','))
    price = close
  }
  return `${lines.join('\n')}\n`
}

export interface TradeFigures {
  side: string
  quantity: string
  entry_price: string
  exit_price: string
  gross_pnl: string
  commission: string
  net_pnl: string
}

/** What trades of EURUSD without a night in between come to, reckoned anew from prices and quantities. */
export function reckon(trades: readonly TradeFigures[], initialBalance: string) {
  let balance = new Decimal(initialBalance)
  let peak = balance
  let drawdown = new Decimal(0)
  let won = 0
  let lost = 0
  for (const trade of trades) {
    const move = new Decimal(trade.exit_price).minus(trade.entry_price).times(trade.side === 'long' ? 1 : -1)
    const gross = move.times(trade.quantity).times(100_000).toDecimalPlaces(2, Decimal.ROUND_HALF_EVEN)
    const commission = new Decimal('3.50').times(trade.quantity).toDecimalPlaces(2, Decimal.ROUND_HALF_EVEN).times(2)
    if (!gross.eq(trade.gross_pnl)) throw new Error(`gross ${trade.gross_pnl} is ${gross}`)
    if (!commission.eq(trade.commission)) throw new Error(`commission ${trade.commission} is ${commission}`)
    const net = gross.minus(commission)
    if (!net.eq(trade.net_pnl)) throw new Error(`net ${trade.net_pnl} is ${net}`)
    balance = balance.plus(net)
    peak = Decimal.max(peak, balance)
    drawdown = Decimal.max(drawdown, peak.minus(balance))
    if (net.gt(0)) won += 1
    if (net.lt(0)) lost += 1
  }
  return {
    trade_count: trades.length,
    winning_trades: won,
    losing_trades: lost,
    final_balance: balance.toFixed(2),
    peak_balance: peak.toFixed(2),
    max_drawdown: drawdown.toFixed(2),
    realized_pnl: balance.minus(initialBalance).toFixed(2),
  }
}
