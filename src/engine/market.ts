/**
 * What the passing of time and the moving of prices do to an account, without anyone asking. The order within one
 * step is fixed: day orders end, swap is booked, take profit and stop loss close positions, waiting orders fill, and
 * last the margin is checked.
 */
import type { Position } from './account.ts'
import { uuidFrom } from './ids.ts'
import { closingPrice, conversionRate, figuresOf } from './margin.ts'
import { decimal, roundMoney } from './money.ts'
import { cancelAllOrders, closePosition, expireDayOrders, fillDueOrders } from './orders.ts'
import { changeBalance, fillTermsOf } from './positions.ts'
import type { Step } from './step.ts'
import type { TradedSymbol } from './symbols.ts'

const dayMs = 86_400_000

/** Applies the market of the moment to the account. */
export function followMarket(step: Step): void {
  expireDayOrders(step)
  bookSwap(step)
  closeAtExits(step)
  fillDueOrders(step)
  stopOut(step)
}

/** Nights that a rollover settles for a symbol: three on its triple day, none on the weekend that those stand for. */
export function nightsAt(rolloverMs: number, symbol: Pick<TradedSymbol, 'tripleSwapWeekday'>): number {
  if (symbol.tripleSwapWeekday === null) return 1
  const weekday = new Date(rolloverMs).getUTCDay()
  if (weekday === symbol.tripleSwapWeekday) return 3
  return weekday === 0 || weekday === 6 ? 0 : 1
}

/** Nights due for a position since its last settlement (or opening). */
function nightsDue(position: Position, symbol: TradedSymbol, nowMs: number, rolloverHourUtc: number): number {
  const offsetMs = rolloverHourUtc * 3_600_000
  const settledDay = Math.floor((position.swapSettledAtMs - offsetMs) / dayMs)
  const today = Math.floor((nowMs - offsetMs) / dayMs)
  let nights = 0
  for (let day = settledDay + 1; day <= today; day++) nights += nightsAt(day * dayMs + offsetMs, symbol)
  return nights
}

function bookSwap(step: Step): void {
  const { nowMs, rules, symbols } = step.context
  const { currency } = step.state
  for (const position of step.state.positions) {
    const symbol = symbols.get(position.symbol)
    if (symbol === undefined) continue
    const nights = nightsDue(position, symbol, nowMs, rules.rolloverHourUtc)
    const rate = nights === 0 ? undefined : conversionRate(step.context, symbol.quoteCurrency, currency)
    if (rate === undefined) continue
    const perLot = position.side === 'long' ? symbol.swapLongPerLot : symbol.swapShortPerLot
    const swap = roundMoney(decimal(perLot).times(position.quantity).times(nights).times(rate), currency)
    changeBalance(step, swap, 'swap', position.positionId)
  }
}

/** Which of a position's own exits the price has reached. */
function exitReached(position: Position, price: string): 'take_profit' | 'stop_loss' | undefined {
  const long = position.side === 'long'
  const reached = (target: string | null, above: boolean) =>
    target !== null && (above ? decimal(price).gte(target) : decimal(price).lte(target))
  if (reached(position.stopLoss, !long)) return 'stop_loss'
  if (reached(position.takeProfit, long)) return 'take_profit'
  return undefined
}

function closeAtExits(step: Step): void {
  for (const position of step.state.positions) {
    if (position.takeProfit === null && position.stopLoss === null) continue
    const quote = step.context.quote(position.symbol)
    const terms = fillTermsOf(step, position.symbol, position.side === 'long' ? 'sell' : 'buy')
    const exit = quote && terms && exitReached(position, closingPrice(position, quote))
    if (exit !== undefined) closeBy(step, position.positionId, exit)
  }
}

function closeBy(step: Step, positionId: string, cause: 'take_profit' | 'stop_loss' | 'stop_out'): void {
  const orderId = uuidFrom(step.context.stepId, `close:${positionId}`)
  closePosition(step, positionId, { orderId, source: cause, closeReason: cause })
}

/**
 * Below the stop-out level: waiting orders are cancelled, then positions are closed, the greatest loss first, until
 * the level is kept or nothing is left.
 */
function stopOut(step: Step): void {
  for (;;) {
    const figures = figuresOf(step.state, step.context)
    if (figures === undefined || figures.marginUsed.isZero()) return
    const least = figures.marginUsed.times(step.context.rules.stopOutLevelPercent).div(100)
    if (figures.equity.gte(least)) return
    const closable = figures.positions.filter(({ position }) => fillTermsOf(step, position.symbol, 'buy') !== undefined)
    const [worst] = closable.sort((one, other) => one.unrealizedPnl.comparedTo(other.unrealizedPnl))
    if (worst === undefined) return
    cancelAllOrders(step, 'stop_out')
    closeBy(step, worst.position.positionId, 'stop_out')
  }
}
