/**
 * Midday: the trader places orders through the engine's order entry, and the operator sees them. Long 1.00 EURUSD, of
 * which 0.40 are closed again; a limit order that rests far below; and a short GBPUSD by a stop order with a take profit
 * and a stop loss of its own.
 */
import { byValue, decimal } from '../../demo/checks.ts'
import { entryStatusOf, type Placed, pollRows, type Row, rowsOf, type Story } from './story.ts'

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
  await place(story, 'buy', 'filled', { ...market, side: 'buy', quantity: sizes.bought })
  await place(story, 'sell', 'filled', { ...market, side: 'sell', quantity: sizes.sold })
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
  const seen = answer.status < 400 ? placed.status : entryStatusOf(answer)
  checks.equal(`order entry takes the ${label} order`, seen, expected)
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
  const states = found.orders.map(({ label }) => `${label} ${order(label).status}`).join(', ')
  checks.equal(
    'the operator sees them all',
    `${rows.length}: ${states}`,
    '4: buy filled, sell filled, limit working, stop filled',
  )
  const times = rows.map((row) => String(row.created_at))
  const newestFirst = times.every((time, index) => index === 0 || time <= times[index - 1]!)
  checks.holds('newest first', newestFirst, 'newest first', newestFirst ? 'newest first' : times.join(', '))
  const { limit_price, filled_quantity } = order('limit')
  const atLimit = `${byValue(limit_price)}, ${byValue(filled_quantity)} filled`
  checks.equal('the limit is kept to the digit', atLimit, `${byValue(exits.limitPrice)}, 0 filled`)
  const { order_type, stop_price, take_profit, stop_loss } = order('stop')
  const terms = [stop_price, take_profit, stop_loss].map(byValue).join(' ')
  const asked = [exits.stopPrice, exits.takeProfit, exits.stopLoss].map(byValue).join(' ')
  checks.equal('the stop, its take profit, its stop loss too', `${order_type} ${terms}`, `stop ${asked}`)
}

export async function readPositions(story: Story, say: Say): Promise<void> {
  const { checks, found } = story
  const positionsIn = (rows: Row[]) =>
    ['EURUSD', 'GBPUSD'].map((symbol) => {
      const { side, quantity, avg_entry_price } = rows.find((row) => row.symbol === symbol) ?? {}
      return `${side} ${byValue(quantity)} at ${byValue(avg_entry_price)}`
    })
  const filledAt = (label: string) => byValue(found.orders.find((placed) => placed.label === label)?.averageFillPrice)
  const expected = [`long ${sizes.long} at ${filledAt('buy')}`, `short ${sizes.short} at ${filledAt('stop')}`]
  const rows = await pollRows(story, 'positions', (seen) => positionsIn(seen).join() === expected.join())
  const [euro, pound] = positionsIn(rows)
  checks.equal('EURUSD is netted, at the price of its fill', euro, expected[0])
  checks.equal('GBPUSD is short, at the price of its fill', pound, expected[1])
  const short = rows.find((row) => row.symbol === 'GBPUSD') ?? {}
  const exits = [short.take_profit, short.stop_loss].filter((exit) => typeof exit === 'string').length
  checks.equal(
    'with its two exits, and nothing else is open',
    `${exits} exits, ${rows.length} positions`,
    '2 exits, 2 positions',
  )
  say(rows.map((row) => `${row.side} ${row.quantity} ${row.symbol}`).join(', '))
}
