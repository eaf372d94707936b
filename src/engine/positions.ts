/**
 * Netting: an account has at most one position per symbol. A fill first closes what stands against it and opens or
 * increases with the rest; an order that does both has two fills, so that a trade's exit and a position's entry never
 * share one.
 */
import type { CloseReason, Position, WorkingOrder } from './account.ts'
import { uuidFrom } from './ids.ts'
import { conversionRate, figuresOf, profitOf } from './margin.ts'
import { Decimal, decimal, moneyText, plainText, priceText, roundMoney } from './money.ts'
import type { Step } from './step.ts'
import { emit } from './step.ts'
import type { TradedSymbol } from './symbols.ts'

/** Digits that an average entry price keeps beyond the symbol's own. */
const averagePriceExtraDigits = 6

/** What a fill needs besides the order: the symbol, the price, and what its currency is worth in the account's. */
export interface FillTerms {
  symbol: TradedSymbol
  price: string
  /** Account currency per unit of the quote currency. */
  rate: Decimal
  /** Account currency per US dollar, the currency of commissions. */
  dollarRate: Decimal
}

/** The terms on which an order would be filled now; undefined where a price is missing. */
export function fillTermsOf(step: Step, symbolName: string, side: 'buy' | 'sell'): FillTerms | undefined {
  const { context, state } = step
  const symbol = context.symbols.get(symbolName)
  const quote = context.quote(symbolName)
  if (symbol === undefined || quote === undefined) return undefined
  const rate = conversionRate(context, symbol.quoteCurrency, state.currency)
  const dollarRate = conversionRate(context, 'USD', state.currency)
  if (rate === undefined || dollarRate === undefined) return undefined
  const price = priceText(decimal(side === 'buy' ? quote.ask : quote.bid), symbol.priceDigits)
  return { symbol, price, rate, dollarRate }
}

/** Commission of one fill in the account currency, rounded. */
export function commissionOf(quantity: Decimal, terms: FillTerms, currency: string): Decimal {
  return roundMoney(quantity.times(terms.symbol.commissionPerLot).times(terms.dollarRate), currency)
}

/** Fills a placed order completely at the terms' price. */
export function fillOrder(step: Step, orderId: string, terms: FillTerms, closeReason: CloseReason): void {
  const order = step.state.orders.find((candidate) => candidate.orderId === orderId)
  if (order === undefined) throw new RangeError(`order ${orderId} is not working`)
  const position = step.state.positions.find((candidate) => candidate.symbol === order.symbol)
  const against = position !== undefined && (position.side === 'long') !== (order.side === 'buy')
  const quantity = decimal(order.quantity)
  const closing = against ? Decimal.min(quantity, position.quantity) : decimal(0)
  if (against) {
    recordFill(step, order, closing, terms)
    realise(step, position, closing, terms, closeReason)
  }
  const opening = quantity.minus(closing)
  if (opening.isZero()) return
  const rest = step.state.orders.find((candidate) => candidate.orderId === orderId) ?? order
  recordFill(step, rest, opening, terms)
  enlarge(step, order, opening, terms)
}

function recordFill(step: Step, order: WorkingOrder, quantity: Decimal, terms: FillTerms): void {
  const { currency } = step.state
  const commission = commissionOf(quantity, terms, currency)
  const before = decimal(order.filledQuantity)
  const filled = before.plus(quantity)
  const remaining = decimal(order.quantity).minus(filled)
  const paidBefore = before.times(order.averageFillPrice ?? 0)
  const average = paidBefore.plus(quantity.times(terms.price)).div(filled)
  const fillId = uuidFrom(order.orderId, `fill:${order.fills + 1}`)
  emit(step, 'OrderFilled', {
    orderId: order.orderId,
    fillId,
    symbol: order.symbol,
    side: order.side,
    quantity: plainText(quantity),
    price: terms.price,
    commission: moneyText(commission, currency),
    filledQuantity: plainText(filled),
    remainingQuantity: plainText(remaining),
    averageFillPrice: averageText(average, terms.symbol),
    status: remaining.isZero() ? 'filled' : 'partially_filled',
  })
  changeBalance(step, commission.negated(), 'commission', fillId)
}

/** Books an amount on the balance; nothing where it is zero. */
export function changeBalance(
  step: Step,
  change: Decimal,
  cause: 'trade' | 'commission' | 'swap' | 'correction' | 'payout',
  reference: string,
): void {
  if (change.isZero()) return
  const { currency, balance } = step.state
  emit(step, 'BalanceChanged', {
    balance: moneyText(decimal(balance).plus(change), currency),
    change: moneyText(change, currency),
    cause,
    reference,
  })
}

function averageText(price: Decimal, symbol: TradedSymbol): string {
  return priceText(price.toDecimalPlaces(symbol.priceDigits + averagePriceExtraDigits), symbol.priceDigits)
}

/** Share of an amount that goes with part of a quantity, rounded; the last part takes all that is left. */
function shareOf(amount: string, part: Decimal, whole: string, currency: string): Decimal {
  return roundMoney(decimal(amount).times(part).div(whole), currency)
}

function realise(step: Step, position: Position, quantity: Decimal, terms: FillTerms, closeReason: CloseReason): void {
  const { currency, lastFill } = step.state
  if (lastFill === null) throw new RangeError('a trade closes by a fill')
  const grossPnl = profitOf(position, quantity, terms.price, { ...terms, currency })
  const commission = shareOf(position.entryCommission, quantity, position.quantity, currency).plus(lastFill.commission)
  const swap = shareOf(position.swap, quantity, position.quantity, currency)
  const tradeId = uuidFrom(lastFill.fillId, 'trade')
  emit(step, 'TradeClosed', {
    tradeId,
    positionId: position.positionId,
    symbol: position.symbol,
    side: position.side,
    quantity: plainText(quantity),
    entryPrice: position.averageEntryPrice,
    exitPrice: terms.price,
    entryOrderId: position.entryOrderId,
    exitOrderId: lastFill.orderId,
    entryFillId: position.entryFillId,
    exitFillId: lastFill.fillId,
    entryTime: new Date(position.openedAtMs).toISOString(),
    grossPnl: moneyText(grossPnl, currency),
    commission: moneyText(commission, currency),
    swap: moneyText(swap, currency),
    netPnl: moneyText(grossPnl.minus(commission).plus(swap), currency),
    pnlCurrency: currency,
    closeReason,
  })
  changeBalance(step, grossPnl, 'trade', tradeId)
  if (quantity.eq(position.quantity)) {
    emit(step, 'PositionClosed', { positionId: position.positionId, symbol: position.symbol })
    return
  }
  tellPosition(step, {
    ...position,
    quantity: plainText(decimal(position.quantity).minus(quantity)),
  })
}

/** Opens a position, or adds to it at the average price; the order's take profit and stop loss go over to it. */
function enlarge(step: Step, order: WorkingOrder, quantity: Decimal, terms: FillTerms): void {
  const { state, context } = step
  const known = state.positions.find((candidate) => candidate.symbol === order.symbol)
  if (known === undefined) {
    const fillId = state.lastFill?.fillId ?? order.orderId
    tellPosition(step, {
      positionId: uuidFrom(fillId, 'position'),
      symbol: order.symbol,
      side: order.side === 'buy' ? 'long' : 'short',
      quantity: plainText(quantity),
      averageEntryPrice: terms.price,
      takeProfit: order.takeProfit,
      stopLoss: order.stopLoss,
      openedAtMs: context.nowMs,
    })
    return
  }
  const whole = decimal(known.quantity).plus(quantity)
  const paid = decimal(known.quantity).times(known.averageEntryPrice).plus(quantity.times(terms.price))
  tellPosition(step, {
    ...known,
    quantity: plainText(whole),
    averageEntryPrice: averageText(paid.div(whole), terms.symbol),
    takeProfit: order.takeProfit ?? known.takeProfit,
    stopLoss: order.stopLoss ?? known.stopLoss,
  })
}

type PositionFacts = Pick<
  Position,
  'positionId' | 'symbol' | 'side' | 'quantity' | 'averageEntryPrice' | 'takeProfit' | 'stopLoss' | 'openedAtMs'
>

function tellPosition(step: Step, facts: PositionFacts): void {
  const { positionId, symbol, side, quantity, averageEntryPrice, takeProfit, stopLoss, openedAtMs } = facts
  emit(step, 'PositionChanged', {
    positionId,
    symbol,
    side,
    quantity,
    averageEntryPrice,
    takeProfit,
    stopLoss,
    unrealizedPnl: unrealizedPnlText(step, facts),
    openedAt: new Date(openedAtMs).toISOString(),
  })
}

function unrealizedPnlText(step: Step, facts: PositionFacts): string {
  const { state, context } = step
  const shown = { ...facts, entryOrderId: '', entryFillId: '', entryCommission: '0', swap: '0', swapSettledAtMs: 0 }
  const figures = figuresOf({ ...state, positions: [shown] }, context)
  return moneyText(figures?.positions[0]?.unrealizedPnl ?? decimal(0), state.currency)
}
