import { describe, expect, test } from 'vitest'
import { nightsAt } from '../../src/engine/market.ts'
import { allOf, onlyOf, scenario, typesOf } from './scenario.ts'

describe('swap', () => {
  test('is booked once per night, at the rollover', () => {
    const account = scenario()
    account.order({ quantity: '2' })
    expect(account.at('2026-03-02T21:59:59.999Z').market()).toEqual([])
    const booked = account.at('2026-03-02T22:00:00.000Z').market()
    expect(typesOf(booked)).toEqual(['BalanceChanged', 'AccountMarked'])
    const { positionId } = account.state().positions[0]!
    expect(onlyOf(booked, 'BalanceChanged')).toMatchObject({ change: '-12.60', cause: 'swap', reference: positionId })
    expect(account.at('2026-03-02T22:00:00.100Z').market()).toEqual([])
    expect(allOf(account.at('2026-03-03T22:00:01.000Z').market(), 'BalanceChanged')).toHaveLength(1)
  })

  test('nights missed while the engine was down are made up for in one booking', () => {
    const account = scenario()
    account.order({ quantity: '1' })
    // Monday, Tuesday and the triple Wednesday: five nights of -6.30.
    const booked = account.at('2026-03-04T23:00:00.000Z').market()
    expect(onlyOf(booked, 'BalanceChanged').change).toBe('-31.50')
  })

  test('a short position may earn it, and the trade that closes the position reports it', () => {
    const account = scenario()
    account.order({ side: 'sell', quantity: '1' })
    expect(onlyOf(account.at('2026-03-02T22:00:00.000Z').market(), 'BalanceChanged').change).toBe('2.10')
    expect(onlyOf(account.order({ quantity: '1' }), 'TradeClosed')).toMatchObject({ swap: '2.10', netPnl: '-14.90' })
  })

  test('weekends are settled on the triple day; symbols without one settle every night', () => {
    const rollover = (day: string) => Date.parse(`${day}T22:00:00.000Z`)
    const currency = { tripleSwapWeekday: 3 }
    const days = ['2026-03-02', '2026-03-03', '2026-03-04', '2026-03-05', '2026-03-06', '2026-03-07', '2026-03-08']
    expect(days.map((day) => nightsAt(rollover(day), currency))).toEqual([1, 1, 3, 1, 1, 0, 0])
    expect(days.map((day) => nightsAt(rollover(day), { tripleSwapWeekday: null }))).toEqual([1, 1, 1, 1, 1, 1, 1])
  })
})

describe('stop-out', () => {
  test('closes the greatest loss first and stops as soon as the level is kept', () => {
    const account = scenario({ balance: '3000.00' })
    account.order({ symbol: 'EURUSD', quantity: '1' })
    account.order({ symbol: 'GBPUSD', quantity: '1' })
    account.order({ symbol: 'XAUUSD', quantity: '0.01', orderType: 'limit', limitPrice: '2000.00' })
    const closed = account.market({ EURUSD: ['1.07900', '1.07910'], GBPUSD: ['1.26900', '1.26910'] })
    expect(onlyOf(closed, 'OrderCancelled').reason).toBe('stop_out')
    expect(allOf(closed, 'TradeClosed').map((trade) => [trade.symbol, trade.closeReason])).toEqual([
      ['EURUSD', 'stop_out'],
    ])
    expect(account.state().positions.map((position) => position.symbol)).toEqual(['GBPUSD'])
  })

  test('closes everything where the gap is too wide, and the balance may end below zero', () => {
    const account = scenario({ balance: '1200.00' })
    account.order({ quantity: '1' })
    account.market({ EURUSD: ['1.08000', '1.08010'] })
    expect(account.state().positions).toEqual([])
    expect(account.state().balance).toBe('-807.00')
  })

  test('leaves an account at exactly the level alone', () => {
    // Margin 1,100.00; equity 550.00 after commission of 3.50 and a loss of 646.00.
    const account = scenario({ balance: '1199.50', rules: { markIntervalMs: 3_600_000 } })
    account.order({ quantity: '0.5' })
    account.order({ quantity: '0.5' })
    const lossy = { EURUSD: ['1.09354', '1.09364'] } as const
    expect(typesOf(account.market(lossy))).toEqual([])
    const figures = account.at('2026-03-02T12:00:00.000Z').market()
    expect(onlyOf(figures, 'AccountMarked').marginLevel).toBe('50')
    expect(typesOf(account.market({ EURUSD: ['1.09353', '1.09363'] }))).toContain('TradeClosed')
  })
})

describe('marks', () => {
  test('tell balance, equity, margin and each position', () => {
    const account = scenario()
    const mark = onlyOf(account.order({ quantity: '1' }), 'AccountMarked')
    expect(mark).toMatchObject({
      balance: '99996.50',
      equity: '99986.50',
      marginUsed: '1100.00',
      freeMargin: '98886.50',
      marginLevel: '9089.68',
      positions: [{ symbol: 'EURUSD', markPrice: '1.09990', unrealizedPnl: '-10.00' }],
    })
  })

  test('come at most once per interval while only the market moves, and not where nothing has', () => {
    const account = scenario()
    account.order({ quantity: '1' })
    expect(account.at('2026-03-02T10:00:04.999Z').market({ EURUSD: ['1.10090', '1.10100'] })).toEqual([])
    expect(typesOf(account.at('2026-03-02T10:00:05.000Z').market())).toEqual(['AccountMarked'])
    expect(account.at('2026-03-02T10:00:11.000Z').market()).toEqual([])
    expect(typesOf(account.market({ EURUSD: ['1.10080', '1.10090'] }))).toEqual(['AccountMarked'])
  })

  test('an account without positions is not marked by the market', () => {
    const account = scenario()
    account.order({ orderType: 'limit', limitPrice: '1.00000', quantity: '0.01' })
    expect(account.at('2026-03-02T11:00:00.000Z').market({ EURUSD: ['1.10080', '1.10090'] })).toEqual([])
  })

  test('without a price nothing is decided about the account', () => {
    const account = scenario()
    account.order({ quantity: '1', stopLoss: '1.09000' })
    account.feed.remove('EURUSD')
    expect(account.at('2026-03-02T11:00:00.000Z').market()).toEqual([])
  })
})
