/**
 * Random days on an account, against two models of its own kind: a ledger that adds up what the events booked, and a
 * naive netting of whole numbers (quantities in hundredths of a lot, prices in points).
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decimal } from '../../src/engine/money.ts'
import { allOf, scenario } from './scenario.ts'

const side = fc.constantFrom('buy', 'sell')
const moves = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('trade'), side, hundredths: fc.integer({ min: 1, max: 300 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('price'), points: fc.integer({ min: -400, max: 400 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('night') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('adjust'), cents: fc.integer({ min: -50_000, max: 50_000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait'), side, away: fc.integer({ min: 1, max: 300 }), stop: fc.boolean() }),
  },
)
type Move = {
  do: string
  side?: string
  hundredths?: number
  points?: number
  cents?: number
  away?: number
  stop?: boolean
}

const asPrice = (points: number) => decimal(points).div(100_000).toFixed(5)
const day = (number: number) => new Date(Date.parse('2026-03-02T10:00:00.000Z') + number * 86_400_000).toISOString()

function play(moveList: readonly Move[], currency: string) {
  const account = scenario({ currency, balance: currency === 'JPY' ? '100000000' : '1000000.00' })
  let points = 110_000
  let days = 0
  for (const move of moveList) {
    const quantity = decimal(move.hundredths ?? 10)
      .div(100)
      .toFixed()
    const orderSide = move.side === 'sell' ? 'sell' : 'buy'
    if (move.do === 'trade') account.order({ side: orderSide, quantity })
    if (move.do === 'price') points += move.points ?? 0
    if (move.do === 'price') account.market({ EURUSD: [asPrice(points - 5), asPrice(points + 5)] })
    if (move.do === 'night') account.at(day(++days)).market()
    if (move.do === 'close') account.command('close_all')
    if (move.do === 'adjust')
      account.command('adjust_balance', {
        amount: decimal(move.cents ?? 1)
          .div(100)
          .toFixed(2),
        reference: 'r',
      })
    if (move.do === 'wait') {
      const below = (orderSide === 'buy') !== (move.stop ?? false)
      const price = asPrice(points + (below ? -1 : 1) * ((move.away ?? 1) + 5))
      const terms = move.stop ? { orderType: 'stop', stopPrice: price } : { orderType: 'limit', limitPrice: price }
      account.order({ side: orderSide, quantity, ...(terms as object) })
    }
  }
  return account
}

describe('whatever happens on an account', () => {
  test.each(['USD', 'GBP', 'JPY'])(
    'the balance in %s is the initial balance and every change, to the last digit',
    (currency) => {
      fc.assert(
        fc.property(fc.array(moves, { maxLength: 40 }), (moveList) => {
          const account = play(moveList as Move[], currency)
          const initial = allOf(account.all, 'AccountOpened')[0]!.balance
          let balance = decimal(initial)
          for (const change of allOf(account.all, 'BalanceChanged')) {
            balance = balance.plus(change.change)
            expect(change.balance).toBe(balance.toFixed(currency === 'JPY' ? 0 : 2))
          }
          expect(decimal(account.state().balance).eq(balance)).toBe(true)
        }),
        { numRuns: 60 },
      )
    },
  )

  test('once it is flat, the net results of its trades and the corrections explain the whole balance', () => {
    fc.assert(
      fc.property(fc.array(moves, { maxLength: 40 }), (moveList) => {
        const account = play([...(moveList as Move[]), { do: 'close' }], 'GBP')
        const corrections = allOf(account.all, 'BalanceChanged').filter((change) => change.cause === 'correction')
        const explained = [
          ...allOf(account.all, 'TradeClosed').map((trade) => trade.netPnl),
          ...corrections.map((change) => change.change),
        ].reduce((sum, amount) => sum.plus(amount), decimal('1000000.00'))
        expect(account.state().positions).toEqual([])
        expect(account.state().balance).toBe(explained.toFixed(2))
      }),
      { numRuns: 100 },
    )
  })

  test('each trade nets to gross profit less commission plus swap', () => {
    fc.assert(
      fc.property(fc.array(moves, { maxLength: 30 }), (moveList) => {
        for (const trade of allOf(play(moveList as Move[], 'USD').all, 'TradeClosed')) {
          const net = decimal(trade.grossPnl).minus(trade.commission).plus(trade.swap)
          expect(trade.netPnl).toBe(net.toFixed(2))
        }
      }),
      { numRuns: 60 },
    )
  })

  test('the position is the sum of the fills, and its cost is theirs to within the rounding of the average', () => {
    fc.assert(
      fc.property(fc.array(moves, { maxLength: 40 }), (moveList) => {
        const account = play(moveList as Move[], 'USD')
        const naive = naiveNetting(account.all)
        const [position] = account.state().positions
        const held = position
          ? decimal(position.quantity).times(100).toNumber() * (position.side === 'long' ? 1 : -1)
          : 0
        expect(held).toBe(naive.hundredths)
        if (!position) return
        const average = naive.cost / Math.abs(naive.hundredths) / 100_000
        expect(Math.abs(Number(position.averageEntryPrice) - average)).toBeLessThan(1e-8)
      }),
      { numRuns: 100 },
    )
  })
})

/** Signed quantity and the points paid for it; a reduction takes a proportional part of the cost. */
function naiveNetting(events: ReturnType<typeof scenario>['all']) {
  let hundredths = 0
  let cost = 0
  for (const fill of allOf(events, 'OrderFilled')) {
    const signed = Math.round(Number(fill.quantity) * 100) * (fill.side === 'buy' ? 1 : -1)
    const points = Math.round(Number(fill.price) * 100_000)
    if (hundredths === 0 || Math.sign(hundredths) === Math.sign(signed)) {
      cost += Math.abs(signed) * points
      hundredths += signed
    } else {
      cost -= (cost * Math.abs(signed)) / Math.abs(hundredths)
      hundredths += signed
    }
  }
  return { hundredths, cost }
}
