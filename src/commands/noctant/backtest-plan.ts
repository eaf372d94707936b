/**
 * What a backtest is to trade, as the query of the launch's route says it: `backtest?fast=10&slow=30&quantity=0.10`
 * crosses two moving averages; `backtest?order=2026-01-05T10:00:00Z,buy,0.50` (repeated, with `limit:`, `stop:`, `tp:`
 * and `sl:` prices behind) places a list of orders. `initial_balance` is in dollars. What is left out has a default.
 */
import { Decimal } from 'decimal.js'
import type { BacktestStrategy, ScriptedOrder } from '../../events/noctant/vocabulary.ts'
import { timeMs } from '../../runtime/rfc3339.ts'
import { Rejected } from './rejection.ts'

export interface BacktestPlan {
  currency: string
  initialBalance: string
  strategy: BacktestStrategy
}

const PERIODS_MAX = 1_000
const ORDERS_MAX = 100
const QUANTITY = /^\d{1,6}(\.\d{1,6})?$/
const PRICE = /^\d{1,12}(\.\d{1,12})?$/
const BALANCE = /^\d{1,12}(\.\d{1,2})?$/
const UTC = /z$/i

/** Runs are kept in dollars: every symbol's profit converts to them with the symbol's own price. */
const CURRENCY = 'USD'
const INITIAL_BALANCE = '100000.00'

/** The balance that every historical session starts with unless its route says otherwise. */
export const replayBalance = { currency: CURRENCY, initialBalance: INITIAL_BALANCE }

const reject = (detail: string): never => {
  throw new Rejected('backtest_invalid', detail, '/requested_route')
}

/** The plan in a route's query. Rejects with backtest_invalid. */
export function backtestPlan(route: string): BacktestPlan {
  const query = new URLSearchParams(/\?([^#]*)/.exec(route)?.[1] ?? '')
  const balance = query.get('initial_balance') ?? INITIAL_BALANCE
  if (!BALANCE.test(balance) || new Decimal(balance).isZero()) reject('initial_balance is to be an amount of dollars.')
  const orders = query.getAll('order')
  return {
    currency: CURRENCY,
    initialBalance: new Decimal(balance).toFixed(2),
    strategy: orders.length > 0 ? orderList(orders) : crossover(query),
  }
}

function crossover(query: URLSearchParams): BacktestStrategy {
  const fastPeriods = periods(query.get('fast') ?? '10', 'fast')
  const slowPeriods = periods(query.get('slow') ?? '30', 'slow')
  if (fastPeriods >= slowPeriods) reject('fast is to have fewer bars than slow.')
  const quantity = positive(query.get('quantity') ?? '0.10', QUANTITY, 'quantity')
  return { type: 'moving_average_crossover', fastPeriods, slowPeriods, quantity }
}

function periods(text: string, name: string): number {
  const bars = /^\d{1,4}$/.test(text) ? Number(text) : 0
  return bars >= 1 && bars <= PERIODS_MAX ? bars : reject(`${name} is to be a number of bars, at most ${PERIODS_MAX}.`)
}

function positive(text: string, form: RegExp, name: string): string {
  return form.test(text) && !new Decimal(text).isZero()
    ? new Decimal(text).toFixed()
    : reject(`${name} is to be a positive decimal.`)
}

function orderList(texts: readonly string[]): BacktestStrategy {
  if (texts.length > ORDERS_MAX) reject(`A backtest takes at most ${ORDERS_MAX} orders.`)
  return { type: 'order_list', orders: texts.map(scriptedOrder) }
}

const priceNames = { limit: 'limitPrice', stop: 'stopPrice', tp: 'takeProfit', sl: 'stopLoss' } as const

/** `2026-01-05T10:00:00Z,sell,0.10,limit:1.10500,tp:1.10000`. */
function scriptedOrder(text: string): ScriptedOrder {
  const [time = '', side, quantity = '', ...prices] = text.split(',')
  const ms = UTC.test(time) ? timeMs(time) : Number.NaN
  if (Number.isNaN(ms)) return reject('An order begins with its time, in UTC.')
  if (side !== 'buy' && side !== 'sell') return reject('An order is to buy or to sell.')
  const order: ScriptedOrder = {
    at: new Date(ms).toISOString(),
    side,
    orderType: 'market',
    quantity: positive(quantity, QUANTITY, 'An order’s quantity'),
    limitPrice: null,
    stopPrice: null,
    takeProfit: null,
    stopLoss: null,
  }
  for (const price of prices) {
    const [name = '', value = ''] = price.split(':')
    if (!Object.hasOwn(priceNames, name)) return reject('An order’s prices are limit:, stop:, tp: and sl:.')
    order[priceNames[name as keyof typeof priceNames]] = positive(value, PRICE, name)
  }
  if (order.limitPrice !== null && order.stopPrice !== null) return reject('An order has a limit or a stop, not both.')
  return { ...order, orderType: order.limitPrice !== null ? 'limit' : order.stopPrice !== null ? 'stop' : 'market' }
}
