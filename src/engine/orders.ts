/**
 * Orders: what is refused at placement, when a working order is filled, when it ends. Liquidity is not modelled: a
 * fill is always for the whole quantity, at the bid or the ask of the moment.
 *
 *   market   at once
 *   limit    once the price is at the limit or better, at that price
 *   stop     once the price has reached the stop, at whatever the price is then
 *   ioc      now or cancelled;  day  until midnight UTC;  gtc  until filled or cancelled
 */
import type { CloseReason, DataOf, OrderSource, Side } from './account.ts'
import { figuresOf, marginOf } from './margin.ts'
import { Decimal, decimal, moneyText, plainText, priceText } from './money.ts'
import type { FillTerms } from './positions.ts'
import { commissionOf, fillOrder, fillTermsOf } from './positions.ts'
import type { Step } from './step.ts'
import { emit } from './step.ts'
import type { TradedSymbol } from './symbols.ts'

/** What a trader asks for; decimals are positive and within the contract's digits. */
export interface OrderRequest {
  orderId: string
  clientOrderId: string | null
  symbol: string
  side: Side
  orderType: 'market' | 'limit' | 'stop'
  quantity: string
  limitPrice: string | null
  stopPrice: string | null
  takeProfit: string | null
  stopLoss: string | null
  timeInForce: 'gtc' | 'ioc' | 'day'
}

interface Refusal {
  reasonCode: string
  reason: string
}

const refuse = (reasonCode: string, reason: string): Refusal => ({ reasonCode, reason })

/** Places a trader's order: OrderRejected, or OrderPlaced and what follows at once. */
export function placeOrder(step: Step, request: OrderRequest): void {
  const symbol = step.context.symbols.get(request.symbol)
  const data = orderData(request, symbol)
  const terms = fillTermsOf(step, request.symbol, request.side)
  const refusal =
    termsRefusal(step, request, symbol) ??
    (symbol && pricesRefusal(request, symbol)) ??
    (terms
      ? undefined
      : refuse('no_price', `There is no price for ${request.symbol} at the moment; try again later.`)) ??
    (symbol && terms && exitsRefusal(step, request)) ??
    (terms && marginRefusal(step, request, terms))
  if (refusal !== undefined || terms === undefined) {
    emit(step, 'OrderRejected', { ...data, ...(refusal ?? refuse('no_price', 'There is no price.')) })
    return
  }
  emit(step, 'OrderPlaced', data)
  if (isDue(request, terms.price)) {
    fillOrder(step, request.orderId, terms, 'trader')
  } else if (request.timeInForce === 'ioc') {
    endOrder(step, request.orderId, 'cancelled', 'not_fillable_at_once')
  }
}

function orderData(request: OrderRequest, symbol: TradedSymbol | undefined): DataOf<'OrderPlaced'> {
  const price = (value: string | null) =>
    value === null ? null : symbol ? priceText(decimal(value), symbol.priceDigits) : plainText(decimal(value))
  return {
    ...request,
    quantity: plainText(decimal(request.quantity)),
    limitPrice: price(request.limitPrice),
    stopPrice: price(request.stopPrice),
    takeProfit: price(request.takeProfit),
    stopLoss: price(request.stopLoss),
    source: 'trader',
  }
}

/** Refusals that need no price: trading allowed, symbol known, quantity within the symbol's bounds, room for an order. */
function termsRefusal(step: Step, request: OrderRequest, symbol: TradedSymbol | undefined): Refusal | undefined {
  if (step.state.status !== 'active') {
    return refuse('trading_disabled', 'Trading is disabled on this account; its operator can enable it.')
  }
  if (symbol === undefined) {
    const known = [...step.context.symbols.keys()].join(', ')
    return refuse('unknown_symbol', `${request.symbol} is not traded here; choose one of ${known}.`)
  }
  const quantity = decimal(request.quantity)
  const { quantityMin, quantityMax, quantityStep } = symbol
  if (quantity.lt(quantityMin) || quantity.gt(quantityMax) || !quantity.mod(quantityStep).isZero()) {
    const bounds = `between ${quantityMin} and ${quantityMax} lots in steps of ${quantityStep}`
    return refuse('invalid_quantity', `Quantities of ${symbol.symbol} are ${bounds}.`)
  }
  if (request.orderType !== 'market' && step.state.orders.length >= step.context.rules.workingOrdersMax) {
    return refuse('too_many_orders', `${step.state.orders.length} orders are working already; cancel one first.`)
  }
  return undefined
}

function pricesRefusal(request: OrderRequest, symbol: TradedSymbol): Refusal | undefined {
  const { orderType, limitPrice, stopPrice } = request
  if ((limitPrice !== null) !== (orderType === 'limit')) {
    return refuse('invalid_price', 'A limit order needs a limit price; other orders take none.')
  }
  if ((stopPrice !== null) !== (orderType === 'stop')) {
    return refuse('invalid_price', 'A stop order needs a stop price; other orders take none.')
  }
  for (const price of [limitPrice, stopPrice, request.takeProfit, request.stopLoss]) {
    if (price === null) continue
    if (!decimal(price).gt(0) || !decimal(price).mod(symbol.tickSize).isZero()) {
      return refuse('invalid_price', `Prices of ${symbol.symbol} are multiples of ${symbol.tickSize}.`)
    }
  }
  return undefined
}

/** Take profit must lie beyond, and stop loss short of, the order's own price (for a market order: the closing price). */
function exitsRefusal(step: Step, request: OrderRequest): Refusal | undefined {
  const quote = step.context.quote(request.symbol)
  const closing = request.side === 'buy' ? quote?.bid : quote?.ask
  const reference = request.limitPrice ?? request.stopPrice ?? closing
  if (reference === undefined) return undefined
  const above = (price: string) => decimal(price).gt(reference)
  const below = (price: string) => decimal(price).lt(reference)
  const [beyond, short] = request.side === 'buy' ? [above, below] : [below, above]
  if (request.takeProfit !== null && !beyond(request.takeProfit)) {
    const where = request.side === 'buy' ? 'above' : 'below'
    return refuse('invalid_take_profit', `The take profit of this order must be ${where} ${reference}.`)
  }
  if (request.stopLoss !== null && !short(request.stopLoss)) {
    const where = request.side === 'buy' ? 'below' : 'above'
    return refuse('invalid_stop_loss', `The stop loss of this order must be ${where} ${reference}.`)
  }
  return undefined
}

/** Refuses what would need more margin than is free; an order that does not add margin always passes. */
function marginRefusal(step: Step, request: OrderRequest, terms: FillTerms): Refusal | undefined {
  const { state } = step
  const figures = figuresOf(state, step.context)
  if (figures === undefined)
    return refuse('no_price', 'A price that the margin check needs is missing; try again later.')
  const position = state.positions.find((candidate) => candidate.symbol === request.symbol)
  const against = position !== undefined && (position.side === 'long') !== (request.side === 'buy')
  const quantity = decimal(request.quantity)
  const closing = against ? Decimal.min(quantity, position.quantity) : decimal(0)
  const opening = quantity.minus(closing)
  if (opening.isZero()) return undefined
  const marginTerms = { ...terms, currency: state.currency, leverage: state.leverage }
  const price = request.limitPrice ?? request.stopPrice ?? terms.price
  const added = marginOf(opening, price, marginTerms)
  const freed = position ? marginOf(closing, position.averageEntryPrice, marginTerms) : decimal(0)
  const needed = added.minus(freed)
  const commission = commissionOf(quantity, terms, state.currency)
  if (needed.lte(0) || needed.plus(commission).lte(figures.freeMargin)) return undefined
  const money = (amount: Decimal) => `${moneyText(amount, state.currency)} ${state.currency}`
  const text = `The order needs ${money(needed.plus(commission))} of margin and commission; ${money(figures.freeMargin)} are free.`
  return refuse('insufficient_margin', text)
}

/** True where an order is filled at this price: the ask for a buyer, the bid for a seller. */
function isDue(order: Pick<OrderRequest, 'side' | 'orderType' | 'limitPrice' | 'stopPrice'>, price: string): boolean {
  if (order.orderType === 'market') return true
  const buys = order.side === 'buy'
  if (order.limitPrice !== null)
    return buys ? decimal(price).lte(order.limitPrice) : decimal(price).gte(order.limitPrice)
  if (order.stopPrice !== null) return buys ? decimal(price).gte(order.stopPrice) : decimal(price).lte(order.stopPrice)
  return false
}

/** Fills every working order whose price has come, in the order of placement; one that lacks margin is cancelled. */
export function fillDueOrders(step: Step): void {
  for (const order of step.state.orders) {
    const terms = fillTermsOf(step, order.symbol, order.side)
    if (terms === undefined || !isDue(order, terms.price)) continue
    const refusal = marginRefusal(step, { ...order, limitPrice: null, stopPrice: null }, terms)
    if (refusal === undefined) fillOrder(step, order.orderId, terms, 'trader')
    else if (refusal.reasonCode !== 'no_price') endOrder(step, order.orderId, 'cancelled', refusal.reasonCode)
  }
}

/** Ends orders for the day that were placed on an earlier day (UTC). */
export function expireDayOrders(step: Step): void {
  const today = Math.floor(step.context.nowMs / 86_400_000)
  for (const order of step.state.orders) {
    const expired = order.timeInForce === 'day' && Math.floor(order.placedAtMs / 86_400_000) < today
    if (expired) endOrder(step, order.orderId, 'expired', 'end_of_day')
  }
}

/** Ends one working order without a (further) fill. */
export function endOrder(step: Step, orderId: string, status: 'cancelled' | 'expired', reason: string): void {
  const order = step.state.orders.find((candidate) => candidate.orderId === orderId)
  if (order === undefined) throw new RangeError(`order ${orderId} is not working`)
  const remaining = decimal(order.quantity).minus(order.filledQuantity)
  emit(step, 'OrderCancelled', {
    orderId,
    status,
    filledQuantity: order.filledQuantity,
    remainingQuantity: plainText(remaining),
    reason,
  })
}

export function cancelAllOrders(step: Step, reason: string): void {
  for (const order of step.state.orders) endOrder(step, order.orderId, 'cancelled', reason)
}

/** The order by which the engine itself closes a position, placed and filled in one go. */
export function closePosition(
  step: Step,
  positionId: string,
  closing: { orderId: string; source: OrderSource; closeReason: CloseReason },
): void {
  const position = step.state.positions.find((candidate) => candidate.positionId === positionId)
  if (position === undefined) throw new RangeError(`position ${positionId} is not open`)
  const side: Side = position.side === 'long' ? 'sell' : 'buy'
  const terms = fillTermsOf(step, position.symbol, side)
  if (terms === undefined) throw new RangeError(`there is no price to close ${position.symbol}`)
  const { source } = closing
  const order: DataOf<'OrderPlaced'> = {
    orderId: closing.orderId,
    clientOrderId: null,
    symbol: position.symbol,
    side,
    orderType: source === 'take_profit' ? 'limit' : source === 'stop_loss' ? 'stop' : 'market',
    quantity: position.quantity,
    limitPrice: source === 'take_profit' ? position.takeProfit : null,
    stopPrice: source === 'stop_loss' ? position.stopLoss : null,
    takeProfit: null,
    stopLoss: null,
    timeInForce: 'ioc',
    source,
  }
  emit(step, 'OrderPlaced', order)
  fillOrder(step, closing.orderId, terms, closing.closeReason)
}

/** True where every open position could be closed now. */
export function canCloseAll(step: Step): boolean {
  return step.state.positions.every((position) => fillTermsOf(step, position.symbol, 'buy') !== undefined)
}
