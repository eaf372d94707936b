/**
 * Midday: the trader places orders through the engine's order entry, and the operator sees them. Long 1.00 EURUSD, of
 * which 0.40 are closed again; a limit order that rests far below; and a short GBPUSD by a stop order with a take profit
 * and a stop loss of its own.
 */
import { decimal } from './checks.ts'
import { type Placed, pollRows, type Row, rowsOf, type Story, statusOf } from './story.ts'

type Say = (note: string) => void

/** Prices have five digits here; exits lie so far off that no price of the day comes near them. */
const scaled = (price: string, factor: string): string => decimal(price).times(factor).toFixed(5)

export const sizes = { bought: '1', sold: '0.4', long: '0.6', short: '0.5' } as const

interface Exits {
  limitPrice: string
  stopPrice: string
  takeProfit: string
  stopLoss: string
}

export async function placeOrders(story: Story, say: Say): Promise<void> {
  const { trader } = story
  const prices = rowsOf((await trader('GET', '/prices')).body, 'prices')
  const bid = (symbol: string) => String(prices.find((price) => price.symbol === symbol)?.bid)
  const exits: Exits = {
    limitPrice: scaled(bid('EURUSD'), '0.9'),
    stopPrice: scaled(bid('GBPUSD'), '1.01'),
    takeProfit: scaled(bid('GBPUSD'), '0.9'),
    stopLoss: scaled(bid('GBPUSD'), '1.1'),
  }
  const { limitPrice, ...stopTerms } = exits
  const market = { symbol: 'EURUSD', orderType: 'market' }
  await place(story, 'market', 'filled', { ...market, side: 'buy', quantity: sizes.bought })
  await place(story, 'partial close', 'filled', { ...market, side: 'sell', quantity: sizes.sold })
  await place(story, 'limit', 'working', { ...market, orderType: 'limit', side: 'buy', quantity: '0.25', limitPrice })
  await place(story, 'stop', 'filled', {
    symbol: 'GBPUSD',
    orderType: 'stop',
    side: 'sell',
    quantity: sizes.short,
    ...stopTerms,
  })
  say(story.found.orders.map(({ label }) => label).join(', '))
  const seen = await pollRows(story, 'orders', (rows) => settled(rows, story.found.orders))
  checkOrders(story, seen, exits)
}

/** Places one order under a name of this run; placed again it must be the same order. */
async function place(story: Story, label: string, expected: string, order: Row): Promise<void> {
  const { trader, checks, run, found } = story
  const body = { accountId: found.accountId, clientOrderId: `${run}-${label.replaceAll(' ', '-')}`, ...order }
  const answer = await trader('POST', '/orders', body)
  const placed = (answer.body.order ?? {}) as Row
  const seen = answer.status < 400 ? placed.status : statusOf(answer)
  checks.equal(`the ${label} order is ${expected}`, seen, expected)
  const averageFillPrice = typeof placed.averageFillPrice === 'string' ? placed.averageFillPrice : null
  found.orders.push({ orderId: String(placed.orderId), label, averageFillPrice })
}

const byId = (rows: readonly Row[], orderId: string | undefined): Row =>
  rows.find((row) => row.order_id === orderId) ?? {}

const settled = (rows: readonly Row[], placed: readonly Placed[]): boolean =>
  placed.every(({ orderId, averageFillPrice }) => {
    const { status } = byId(rows, orderId)
    return averageFillPrice === null ? status === 'working' : status === 'filled'
  })

function checkOrders({ checks, found }: Story, rows: readonly Row[], exits: Exits): void {
  const order = (label: string) => byId(rows, found.orders.find((placed) => placed.label === label)?.orderId)
  checks.equal('the operator sees every order', rows.length, found.orders.length)
  checks.equal('newest first', rows[0]?.order_id, found.orders.at(-1)?.orderId)
  checks.equal('the market order is filled', order('market').status, 'filled')
  checks.equal('the limit order works', order('limit').status, 'working')
  checks.sameDecimal('at its limit, to the digit', order('limit').limit_price, exits.limitPrice)
  checks.sameDecimal('with nothing filled', order('limit').filled_quantity, '0')
  const stop = order('stop')
  checks.equal('the stop order is a stop order', stop.order_type, 'stop')
  checks.sameDecimal('with its stop price', stop.stop_price, exits.stopPrice)
  checks.sameDecimal('its take profit', stop.take_profit, exits.takeProfit)
  checks.sameDecimal('and its stop loss', stop.stop_loss, exits.stopLoss)
}

export async function readPositions(story: Story, say: Say): Promise<void> {
  const { checks, found } = story
  const quantityOf = (rows: Row[], symbol: string) => rows.find((row) => row.symbol === symbol)?.quantity
  const isNetted = (rows: Row[]) =>
    rows.length === 2 &&
    typeof quantityOf(rows, 'EURUSD') === 'string' &&
    decimal(String(quantityOf(rows, 'EURUSD'))).equals(sizes.long)
  const rows = await pollRows(story, 'positions', isNetted)
  checks.equal('there are two positions', rows.length, 2)
  const filledAt = (label: string) => found.orders.find((placed) => placed.label === label)?.averageFillPrice ?? '0'
  const expected = [
    { symbol: 'EURUSD', side: 'long', quantity: sizes.long, entry: filledAt('market') },
    { symbol: 'GBPUSD', side: 'short', quantity: sizes.short, entry: filledAt('stop') },
  ]
  for (const { symbol, side, quantity, entry } of expected) {
    const position = rows.find((row) => row.symbol === symbol) ?? {}
    checks.equal(`${symbol} is ${side}`, position.side, side)
    checks.sameDecimal(`${symbol}: quantity`, position.quantity, quantity)
    checks.sameDecimal(`${symbol}: entry at the price of the fill`, position.avg_entry_price, entry)
  }
  const short = rows.find((row) => row.symbol === 'GBPUSD') ?? {}
  checks.holds(
    'the exits went over to the position',
    Boolean(short.take_profit && short.stop_loss),
    'both',
    `${short.take_profit}, ${short.stop_loss}`,
  )
  say(rows.map((row) => `${row.side} ${row.quantity} ${row.symbol}`).join(', '))
}
