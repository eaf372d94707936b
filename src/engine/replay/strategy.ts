/**
 * What trades in a backtest: a list of orders, each placed at the first price at or after its time, or the crossing of
 * two moving averages of bar closes. A strategy sees prices as they come and the position of the moment, nothing later.
 */
import type { BacktestStrategy } from '../../gateway/contract.ts'
import { Decimal, plainText } from '../money.ts'
import type { OrderRequest } from '../orders.ts'
import type { PricePoint } from './prices.ts'

/** An order but for its symbol and its id, which the backtest gives it. */
export type StrategyOrder = Omit<OrderRequest, 'orderId' | 'clientOrderId' | 'symbol'>

/** Positive for a long position, negative for a short one. */
export type SignedQuantity = Decimal

export interface Strategy {
  /** Orders to be placed at this price. */
  ordersAt(point: PricePoint, position: SignedQuantity): StrategyOrder[]
}

export function strategyOf(terms: BacktestStrategy): Strategy {
  return terms.type === 'order_list' ? orderList(terms.orders) : movingAverageCrossover(terms)
}

type OrderList = Extract<BacktestStrategy, { type: 'order_list' }>['orders']

function orderList(orders: OrderList): Strategy {
  const waiting = orders.map(({ at, ...order }) => ({ order, atMs: Date.parse(at) }))
  waiting.sort((one, other) => one.atMs - other.atMs)
  return {
    ordersAt({ atMs }) {
      const due = waiting.findIndex((each) => each.atMs > atMs)
      const placed = waiting.splice(0, due === -1 ? waiting.length : due)
      return placed.map(({ order }) => ({ ...order, timeInForce: order.orderType === 'market' ? 'ioc' : 'gtc' }))
    },
  }
}

/**
 * Long while the fast average is above the slow one, short while it is below. It trades where they cross, not where the
 * averages are first known; a bar on which they are equal decides nothing.
 */
function movingAverageCrossover(terms: Extract<BacktestStrategy, { type: 'moving_average_crossover' }>): Strategy {
  const fast = movingSum(terms.fastPeriods)
  const slow = movingSum(terms.slowPeriods)
  let standing = 0
  return {
    ordersAt({ barClose }, position) {
      if (barClose === null) return []
      const fastSum = fast(barClose)
      const slowSum = slow(barClose)
      if (fastSum === undefined || slowSum === undefined) return []
      // fastSum / fastPeriods against slowSum / slowPeriods, without a division that rounds.
      const side = fastSum.times(terms.slowPeriods).comparedTo(slowSum.times(terms.fastPeriods))
      const crossed = standing !== 0 && side !== 0 && side !== standing
      if (side !== 0) standing = side
      if (!crossed) return []
      const change = new Decimal(terms.quantity).times(side).minus(position)
      if (change.isZero() || change.isPositive() !== side > 0) return []
      return [marketOrder(side > 0 ? 'buy' : 'sell', plainText(change.abs()))]
    },
  }
}

/** The sum of the last `periods` values; undefined until there are as many. */
function movingSum(periods: number): (value: string) => Decimal | undefined {
  const values: Decimal[] = []
  let sum = new Decimal(0)
  let next = 0
  return (text) => {
    const value = new Decimal(text)
    sum = sum.plus(value).minus(values[next] ?? 0)
    values[next] = value
    next = (next + 1) % periods
    return values.length < periods ? undefined : sum
  }
}

const marketOrder = (side: 'buy' | 'sell', quantity: string): StrategyOrder => ({
  side,
  orderType: 'market',
  quantity,
  limitPrice: null,
  stopPrice: null,
  takeProfit: null,
  stopLoss: null,
  timeInForce: 'ioc',
})
