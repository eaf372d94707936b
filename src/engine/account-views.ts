/**
 * What order entry shows of accounts, orders and prices. Numbers are strings, times RFC 3339.
 */

import type { EngineEvent } from '../gateway/contract.ts'
import type { AccountState, WorkingOrder } from './account.ts'
import { figuresOf, markOf } from './margin.ts'
import type { StepContext } from './step.ts'

type Market = Omit<StepContext, 'stepId'>

/** An account with its positions and working orders, valued at the prices of the moment; figures are null without prices. */
export function accountView(state: AccountState, market: Market) {
  const figures = figuresOf(state, market)
  const mark = figures && markOf(state, figures, market)
  return {
    accountId: state.accountId,
    tradingStatus: state.status,
    currency: state.currency,
    leverage: state.leverage,
    balance: state.balance,
    equity: mark?.equity ?? null,
    marginUsed: mark?.marginUsed ?? null,
    freeMargin: mark?.freeMargin ?? null,
    marginLevel: mark?.marginLevel ?? null,
    sequence: state.sequence,
    positions: state.positions.map((position) => {
      const { positionId, symbol, side, quantity, averageEntryPrice, takeProfit, stopLoss, openedAtMs } = position
      const valued = mark?.positions.find((candidate) => candidate.positionId === positionId)
      return {
        positionId,
        symbol,
        side,
        quantity,
        averageEntryPrice,
        takeProfit,
        stopLoss,
        markPrice: valued?.markPrice ?? null,
        unrealizedPnl: valued?.unrealizedPnl ?? null,
        openedAt: new Date(openedAtMs).toISOString(),
      }
    }),
    orders: state.orders.map(workingOrderView),
  }
}

function workingOrderView(order: WorkingOrder) {
  const { placedAtMs, fills: _fills, averageFillPrice: _average, ...facts } = order
  return { ...facts, placedAt: new Date(placedAtMs).toISOString() }
}

/** What became of an order, by the events that its placement (and perhaps cancellation) led to. */
export function orderView(events: readonly EngineEvent[]) {
  const first = events.find((event) => event.type === 'OrderPlaced' || event.type === 'OrderRejected')
  if (first === undefined) throw new RangeError('these events place no order')
  const { reasonCode, reason, ...facts } = { reasonCode: null, reason: null, ...first.data }
  const order = {
    accountId: first.accountId,
    ...facts,
    status: first.type === 'OrderRejected' ? 'rejected' : 'working',
    filledQuantity: '0',
    averageFillPrice: null as string | null,
    reasonCode: reasonCode as string | null,
    reason: reason as string | null,
    placedAt: first.occurredAt,
  }
  for (const event of events) {
    if (event.type === 'OrderFilled' && event.data.orderId === order.orderId) {
      const { status, filledQuantity, averageFillPrice } = event.data
      Object.assign(order, { status, filledQuantity, averageFillPrice })
    } else if (event.type === 'OrderCancelled' && event.data.orderId === order.orderId) {
      Object.assign(order, { status: event.data.status, reasonCode: event.data.reason })
    }
  }
  return order
}

/** The quotes of all symbols that have one. */
export function quoteViews(market: Market) {
  return [...market.symbols.values()].flatMap((entry) => {
    const quote = market.quote(entry.symbol)
    if (quote === undefined) return []
    const { symbol, description } = entry
    return [{ symbol, description, bid: quote.bid, ask: quote.ask, at: new Date(quote.atMs).toISOString() }]
  })
}
