/**
 * What an account is worth at the prices of the moment, and how much of it its positions tie up.
 *
 *   profit      (closing price − entry price) × quantity × contract size, negated for shorts, in the quote currency,
 *               converted at the middle of the cross, rounded to the account currency
 *   margin      entry price × quantity × contract size × max(symbol's rate, 1 / leverage), converted and rounded alike
 *   equity      balance + profit of all positions;  free margin = equity − margin;  level = equity / margin × 100
 */
import type { AccountState, DataOf, Position } from './account.ts'
import type { Quote } from './feed.ts'
import { Decimal, decimal, moneyText, plainText, priceText, roundMoney } from './money.ts'
import type { StepContext } from './step.ts'
import type { TradedSymbol } from './symbols.ts'

type PriceContext = Pick<StepContext, 'quote' | 'symbols'>

export interface PositionValue {
  position: Position
  markPrice: string
  unrealizedPnl: Decimal
}

export interface Figures {
  balance: Decimal
  equity: Decimal
  marginUsed: Decimal
  freeMargin: Decimal
  /** Percent; null without margin in use. */
  marginLevel: Decimal | null
  positions: PositionValue[]
}

function crossMiddle(context: PriceContext, from: string, to: string): Decimal | undefined {
  const direct = context.quote(from + to)
  if (direct !== undefined) return decimal(direct.bid).plus(direct.ask).div(2)
  const inverse = context.quote(to + from)
  if (inverse !== undefined) return decimal(2).div(decimal(inverse.bid).plus(inverse.ask))
  return undefined
}

/** How many units of `to` one unit of `from` is worth: by their cross, else through the dollar; undefined without prices. */
export function conversionRate(context: PriceContext, from: string, to: string): Decimal | undefined {
  if (from === to) return decimal(1)
  const cross = crossMiddle(context, from, to)
  if (cross !== undefined) return cross
  if (from === 'USD' || to === 'USD') return undefined
  const toDollar = crossMiddle(context, from, 'USD')
  const fromDollar = crossMiddle(context, 'USD', to)
  return toDollar === undefined || fromDollar === undefined ? undefined : toDollar.times(fromDollar)
}

/** The price at which a position would be closed. */
export function closingPrice(position: { side: 'long' | 'short' }, quote: Quote): string {
  return position.side === 'long' ? quote.bid : quote.ask
}

/** Profit of closing part or all of a position at a price, in the account currency, rounded. */
export function profitOf(
  position: { side: 'long' | 'short'; averageEntryPrice: string },
  quantity: Decimal,
  exitPrice: string,
  terms: { symbol: TradedSymbol; rate: Decimal; currency: string },
): Decimal {
  const move = decimal(exitPrice).minus(position.averageEntryPrice)
  const directed = position.side === 'long' ? move : move.negated()
  return roundMoney(directed.times(quantity).times(terms.symbol.contractSize).times(terms.rate), terms.currency)
}

/** Margin of a quantity entered at a price, in the account currency, rounded. */
export function marginOf(
  quantity: Decimal,
  entryPrice: string | Decimal,
  terms: { symbol: TradedSymbol; rate: Decimal; currency: string; leverage: number },
): Decimal {
  const value = decimal(entryPrice).times(quantity).times(terms.symbol.contractSize).times(terms.rate)
  const required = Decimal.max(value.times(terms.symbol.marginRate), value.div(terms.leverage))
  return roundMoney(required, terms.currency)
}

/** The account's figures; undefined where a price that they need is missing. */
export function figuresOf(state: AccountState, context: PriceContext): Figures | undefined {
  let profit = decimal(0)
  let marginUsed = decimal(0)
  const positions: PositionValue[] = []
  for (const position of state.positions) {
    const symbol = context.symbols.get(position.symbol)
    const quote = context.quote(position.symbol)
    const rate = symbol && conversionRate(context, symbol.quoteCurrency, state.currency)
    if (symbol === undefined || quote === undefined || rate === undefined) return undefined
    const terms = { symbol, rate, currency: state.currency, leverage: state.leverage }
    const markPrice = closingPrice(position, quote)
    const quantity = decimal(position.quantity)
    const unrealizedPnl = profitOf(position, quantity, markPrice, terms)
    positions.push({ position, markPrice, unrealizedPnl })
    profit = profit.plus(unrealizedPnl)
    marginUsed = marginUsed.plus(marginOf(quantity, position.averageEntryPrice, terms))
  }
  const balance = decimal(state.balance)
  const equity = balance.plus(profit)
  const marginLevel = marginUsed.isZero() ? null : equity.div(marginUsed).times(100).toDecimalPlaces(2)
  return { balance, equity, marginUsed, freeMargin: equity.minus(marginUsed), marginLevel, positions }
}

/** Figures as the data of an AccountMarked event. */
export function markOf(state: AccountState, figures: Figures, context: PriceContext): DataOf<'AccountMarked'> {
  const money = (amount: Decimal) => moneyText(amount, state.currency)
  return {
    balance: money(figures.balance),
    equity: money(figures.equity),
    marginUsed: money(figures.marginUsed),
    freeMargin: money(figures.freeMargin),
    marginLevel: figures.marginLevel === null ? null : plainText(figures.marginLevel),
    positions: figures.positions.map(({ position, markPrice, unrealizedPnl }) => ({
      positionId: position.positionId,
      symbol: position.symbol,
      markPrice: priceText(decimal(markPrice), context.symbols.get(position.symbol)?.priceDigits ?? 0),
      unrealizedPnl: money(unrealizedPnl),
    })),
  }
}
