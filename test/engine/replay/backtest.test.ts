import { Decimal } from 'decimal.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BacktestTrade, runBacktest, TooManyTrades } from '../../../src/engine/replay/backtest.ts'
import { type Feed, parseFeed } from '../../../src/engine/replay/feed-file.ts'
import { pricesOf } from '../../../src/engine/replay/prices.ts'
import { referenceSymbols } from '../../../src/engine/symbols.ts'
import type { BacktestStrategy } from '../../../src/gateway/contract.ts'
import { candlesCsv, minute, reckon } from './candles.ts'

const runId = '7d9f1c3e-5b1a-4c52-9a56-0d2f4b1e8a77'
const symbol = referenceSymbols.get('EURUSD')!
const feedOf = (csv: string, kind: Feed['kind'] = 'candles') =>
  parseFeed(new TextEncoder().encode(csv), { kind, symbol })
const crossover: BacktestStrategy = {
  type: 'moving_average_crossover',
  fastPeriods: 5,
  slowPeriods: 20,
  quantity: '0.50',
}
type Orders = Extract<BacktestStrategy, { type: 'order_list' }>['orders']
const order = (at: string, facts: Partial<Orders[number]>): Orders[number] => ({
  at,
  side: 'buy',
  orderType: 'market',
  quantity: '1',
  limitPrice: null,
  stopPrice: null,
  takeProfit: null,
  stopLoss: null,
  ...facts,
})
const orders = (...list: Orders): BacktestStrategy => ({ type: 'order_list', orders: list })

function run(
  feed: Feed,
  strategy: BacktestStrategy,
  facts: { from?: string; to?: string; id?: string; max?: number } = {},
) {
  const range = { startMs: Date.parse(facts.from ?? minute(0)), endMs: Date.parse(facts.to ?? minute(10_000)) }
  const prices = pricesOf(feed, symbol, range)
  const terms = { runId: facts.id ?? runId, symbol, prices, strategy, currency: 'USD', initialBalance: '100000.00' }
  return runBacktest({ ...terms, tradesMax: facts.max ?? 10_000 })
}

const figuresOf = (trade: BacktestTrade) => ({
  side: trade.side,
  quantity: trade.quantity,
  entry_price: trade.entryPrice,
  exit_price: trade.exitPrice,
  gross_pnl: trade.grossPnl,
  commission: trade.commission,
  net_pnl: trade.netPnl,
})

/** Four candles a minute: flat, up by 100 ticks, down by 50, up by 10. */
const simple = feedOf(
  [
    'time,open,high,low,close',
    `${minute(0)},1.10000,1.10000,1.10000,1.10000`,
    `${minute(1)},1.10000,1.10100,1.09990,1.10100`,
    `${minute(2)},1.10100,1.10110,1.10050,1.10050`,
    `${minute(3)},1.10050,1.10060,1.10050,1.10060`,
  ].join('\n'),
)

describe('a candle', () => {
  test('is walked through as open, the extreme against its direction, the other, close, with the symbol’s spread', () => {
    const range = { startMs: Date.parse(minute(1)), endMs: Date.parse(minute(3)) }
    const told = [...pricesOf(simple, symbol, range)].map(({ atMs, bid, ask, barClose }) => [
      (atMs - Date.parse(minute(0))) / 1_000,
      bid,
      ask,
      barClose,
    ])
    expect(told).toStrictEqual([
      [60, '1.10000', '1.10008', null],
      [75, '1.09990', '1.09998', null],
      [90, '1.10100', '1.10108', null],
      [119.999, '1.10100', '1.10108', '1.10100'],
      [120, '1.10100', '1.10108', null],
      [135, '1.10110', '1.10118', null],
      [150, '1.10050', '1.10058', null],
      [179.999, '1.10050', '1.10058', '1.10050'],
    ])
  })

  test('that does not lie within the range whole is left out', () => {
    const range = { startMs: Date.parse(minute(0)) + 1, endMs: Date.parse(minute(3)) - 1 }
    expect(new Set([...pricesOf(simple, symbol, range)].map(({ atMs }) => Math.floor(atMs / 60_000))).size).toBe(1)
  })
})

describe('ticks', () => {
  test('close a bar of a minute with the first tick of a later one', () => {
    const csv = [
      'time,bid,ask',
      ...[0, 30, 61, 65, 190].map((s) => `${Date.parse(minute(0)) + s * 1_000},1.1000${s % 7},1.2`),
    ]
    const feed = feedOf(csv.join('\n'), 'ticks')
    const range = { startMs: Date.parse(minute(0)), endMs: Date.parse(minute(5)) }
    expect([...pricesOf(feed, symbol, range)].map(({ barClose }) => barClose)).toStrictEqual([
      null,
      null,
      '1.10002',
      null,
      '1.10002',
    ])
  })
})

describe('a list of orders', () => {
  test('is placed at the first price at or after each time, and what is open is closed at the end', () => {
    const { trades, statistics } = run(simple, orders(order(minute(1), { quantity: '0.50' })))
    expect(trades).toHaveLength(1)
    expect(trades[0]).toMatchObject({
      side: 'long',
      quantity: '0.5',
      entryPrice: '1.10008',
      exitPrice: '1.10060',
      grossPnl: '26.00',
      commission: '3.50',
      netPnl: '22.50',
      closeReason: 'close_all',
      entryMarketTime: minute(1),
      closedMarketTime: new Date(Date.parse(minute(4)) - 1).toISOString(),
    })
    expect(statistics).toMatchObject({
      tradeCount: 1,
      winningTrades: 1,
      finalBalance: '100022.50',
      maxDrawdown: '0.00',
    })
  })

  test('fills a take profit and a stop loss where the candle reaches them', () => {
    const won = run(simple, orders(order(minute(0), { takeProfit: '1.10090' })))
    const lost = run(simple, orders(order(minute(0), { stopLoss: '1.09995', takeProfit: '1.10090' })))
    expect(won.trades).toMatchObject([{ closeReason: 'take_profit', exitPrice: '1.10100', netPnl: '85.00' }])
    expect(lost.trades).toMatchObject([{ closeReason: 'stop_loss', exitPrice: '1.09990', netPnl: '-25.00' }])
    expect(lost.statistics).toMatchObject({
      losingTrades: 1,
      peakBalance: '100000.00',
      maxDrawdown: '25.00',
      realizedPnl: '-25.00',
    })
  })

  test('fills limits and stops once their price has come', () => {
    const limit = order(minute(1), { orderType: 'limit', limitPrice: '1.10000' })
    const stop = order(minute(0), { orderType: 'stop', stopPrice: '1.10100' })
    expect(run(simple, orders(limit)).trades).toMatchObject([{ entryPrice: '1.09998' }])
    expect(run(simple, orders(stop)).trades).toMatchObject([{ entryPrice: '1.10108' }])
  })

  test('counts the orders that the account could not carry', () => {
    const { trades, statistics } = run(simple, orders(order(minute(0), { quantity: '100' }), order(minute(1), {})))
    expect(trades).toHaveLength(1)
    expect(statistics.ordersRejected).toBe(1)
  })

  test('after the end of the feed does nothing', () => {
    expect(run(simple, orders(order(minute(500), {}))).statistics).toMatchObject({ tradeCount: 0, realizedPnl: '0.00' })
  })
})

describe('a run’s account', () => {
  test('bears the swap of the nights that a position is held, and the trade says so', () => {
    const hours = Array.from({ length: 72 }, (_, at) => `${minute(at * 60)},1.10000,1.10000,1.10000,1.10000`)
    const feed = feedOf(['time,open,high,low,close', ...hours].join('\n'))
    const { trades, statistics } = run(feed, orders(order(minute(0), {})), { to: minute(72 * 60) })
    // A night each on Monday and Tuesday, and Wednesday’s three.
    expect(trades).toMatchObject([{ grossPnl: '-8.00', commission: '7.00', swap: '-31.50', netPnl: '-46.50' }])
    expect(statistics.finalBalance).toBe('99953.50')
  })

  test('ends with what its trades add up to, whatever is ordered', () => {
    const feed = feedOf(candlesCsv(240, 5))
    const price = fc.integer({ min: 109_700, max: 110_300 }).map((ticks) => new Decimal(ticks).div(100_000).toFixed(5))
    const anyOrder = fc
      .record({
        at: fc.integer({ min: 0, max: 250 }).map(minute),
        side: fc.constantFrom('buy' as const, 'sell' as const),
        quantity: fc.integer({ min: 1, max: 500 }).map((lots) => new Decimal(lots).div(100).toFixed()),
        kind: fc.constantFrom('market' as const, 'limit' as const, 'stop' as const),
        price,
        takeProfit: fc.option(price),
        stopLoss: fc.option(price),
      })
      .map(({ kind, price: at, ...facts }) => ({
        ...facts,
        orderType: kind,
        limitPrice: kind === 'limit' ? at : null,
        stopPrice: kind === 'stop' ? at : null,
      }))
    fc.assert(
      fc.property(fc.array(anyOrder, { maxLength: 12 }), (list) => {
        const { trades, statistics } = run(feed, orders(...list))
        const sum = trades.reduce((total, { netPnl }) => total.plus(netPnl), new Decimal('100000.00'))
        expect(sum.toFixed(2)).toBe(statistics.finalBalance)
        for (const { grossPnl, commission, swap, netPnl } of trades) {
          expect(new Decimal(grossPnl).minus(commission).plus(swap).toFixed(2)).toBe(new Decimal(netPnl).toFixed(2))
        }
        expect(new Decimal(statistics.peakBalance).gte(statistics.finalBalance)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })
})

describe('crossing averages', () => {
  const feed = feedOf(candlesCsv(600))

  test('give the same trades to the last digit, run after run, and only ids tell one run from another', () => {
    const one = run(feed, crossover)
    const again = run(feed, crossover)
    const other = run(feed, crossover, { id: '11111111-5b1a-4c52-9a56-0d2f4b1e8a77' })
    expect(one.trades.length).toBeGreaterThan(10)
    expect(again).toStrictEqual(one)
    const nameless = ({ tradeId: _, ...trade }: BacktestTrade) => trade
    expect(other.trades.map(nameless)).toStrictEqual(one.trades.map(nameless))
    expect(other.statistics).toStrictEqual(one.statistics)
    expect(new Set([...one.trades, ...other.trades].map(({ tradeId }) => tradeId)).size).toBe(2 * one.trades.length)
  })

  test('trade where an independent reckoning of the averages says that they cross', () => {
    const closes = feed.rows.map((row) => new Decimal('close' in row ? row.close : row.bid))
    const mean = (at: number, periods: number) => Decimal.sum(...closes.slice(at - periods + 1, at + 1)).div(periods)
    const crossings: string[] = []
    let standing = 0
    for (let at = 19; at < closes.length; at++) {
      const side = mean(at, 5).comparedTo(mean(at, 20))
      if (side === 0) continue
      if (standing !== 0 && side !== standing) crossings.push(new Date(Date.parse(minute(at + 1)) - 1).toISOString())
      standing = side
    }
    expect(run(feed, crossover).trades.map(({ entryMarketTime }) => entryMarketTime)).toStrictEqual(crossings)
  })

  test('have statistics that add up from the trades, and trades that add up from their prices', () => {
    const { trades, statistics } = run(feed, crossover)
    expect(reckon(trades.map(figuresOf), '100000.00')).toStrictEqual({
      trade_count: statistics.tradeCount,
      winning_trades: statistics.winningTrades,
      losing_trades: statistics.losingTrades,
      final_balance: statistics.finalBalance,
      peak_balance: statistics.peakBalance,
      max_drawdown: statistics.maxDrawdown,
      realized_pnl: statistics.realizedPnl,
    })
    expect(statistics.winningTrades).toBeGreaterThan(0)
    expect(statistics.losingTrades).toBeGreaterThan(0)
  })

  test('see nothing of what comes later: a shorter feed has the same trades up to its end', () => {
    const whole = run(feed, crossover).trades
    const part = run(feed, crossover, { to: minute(300) }).trades
    const ended = part.filter(({ closeReason }) => closeReason !== 'close_all')
    expect(ended.length).toBeGreaterThan(3)
    expect(ended).toStrictEqual(whole.slice(0, ended.length))
  })

  test('are given up beyond the number of trades that a run may have', () => {
    expect(() => run(feed, crossover, { max: 5 })).toThrow(TooManyTrades)
  })
})
