import { describe, expect, test } from 'vitest'
import { allOf, onlyOf, scenario, typesOf } from './scenario.ts'

describe('netting', () => {
  test('adding to a position averages its entry price', () => {
    const account = scenario()
    account.order({ quantity: '1' })
    account.market({ EURUSD: ['1.10190', '1.10200'] })
    const changed = onlyOf(account.order({ quantity: '2' }), 'PositionChanged')
    expect(changed).toMatchObject({ quantity: '3', averageEntryPrice: '1.10133333333', unrealizedPnl: '170.00' })
    expect(account.state().positions).toHaveLength(1)
  })

  test('reducing realises the closed part and leaves the entry price alone', () => {
    const account = scenario()
    account.order({ quantity: '1' })
    account.market({ EURUSD: ['1.10500', '1.10510'] })
    const reduced = account.order({ side: 'sell', quantity: '0.4' })
    expect(typesOf(reduced)).toEqual([
      'OrderPlaced',
      'OrderFilled',
      'BalanceChanged',
      'TradeClosed',
      'BalanceChanged',
      'PositionChanged',
      'AccountMarked',
    ])
    expect(onlyOf(reduced, 'TradeClosed')).toMatchObject({
      side: 'long',
      quantity: '0.4',
      entryPrice: '1.10000',
      exitPrice: '1.10500',
      grossPnl: '200.00',
      commission: '2.80',
      swap: '0.00',
      netPnl: '197.20',
      closeReason: 'trader',
    })
    expect(onlyOf(reduced, 'PositionChanged')).toMatchObject({ quantity: '0.6', averageEntryPrice: '1.10000' })
  })

  test('an order beyond the position closes it by one fill and opens the other side by a second', () => {
    const account = scenario()
    account.order({ quantity: '1' })
    const turned = account.order({ side: 'sell', quantity: '3' })
    expect(typesOf(turned)).toEqual([
      'OrderPlaced',
      'OrderFilled',
      'BalanceChanged',
      'TradeClosed',
      'BalanceChanged',
      'PositionClosed',
      'OrderFilled',
      'BalanceChanged',
      'PositionChanged',
      'AccountMarked',
    ])
    const [closing, opening] = allOf(turned, 'OrderFilled')
    expect(closing).toMatchObject({
      quantity: '1',
      filledQuantity: '1',
      remainingQuantity: '2',
      status: 'partially_filled',
    })
    expect(opening).toMatchObject({ quantity: '2', filledQuantity: '3', remainingQuantity: '0', status: 'filled' })
    expect(closing?.fillId).not.toBe(opening?.fillId)
    const [position] = account.state().positions
    expect(position).toMatchObject({
      side: 'short',
      quantity: '2',
      entryFillId: opening?.fillId,
      entryCommission: '7.00',
    })
  })

  test('what the trades of a position report adds up to what its life did to the balance', () => {
    const account = scenario()
    account.order({ quantity: '0.07' })
    account.order({ quantity: '0.05' })
    account.at('2026-03-04T22:00:00.000Z').market({ EURUSD: ['1.09731', '1.09741'] })
    account.order({ side: 'sell', quantity: '0.05' })
    account.order({ side: 'sell', quantity: '0.04' })
    account.order({ side: 'sell', quantity: '0.03' })
    expect(account.state().positions).toEqual([])
    const trades = allOf(account.all, 'TradeClosed')
    expect(trades).toHaveLength(3)
    const cents = (text: string) => Math.round(Number(text) * 100)
    const total = trades.reduce((sum, trade) => sum + cents(trade.netPnl), 0)
    expect(cents(account.state().balance)).toBe(10_000_000 + total)
    expect(trades.map((trade) => trade.swap)).not.toContain('0.00')
  })

  test('profit in another currency is converted at the middle of the cross and rounded once', () => {
    const account = scenario({ currency: 'GBP' })
    account.order({ symbol: 'USDJPY', quantity: '1' })
    account.market({ USDJPY: ['150.510', '150.520'] })
    // 50,000 yen: / 150.515 in dollars, / 1.26995 in pounds.
    expect(onlyOf(account.order({ symbol: 'USDJPY', side: 'sell', quantity: '1' }), 'TradeClosed').grossPnl).toBe(
      '261.58',
    )
  })

  test('an account in yen is kept without decimals', () => {
    const account = scenario({ currency: 'JPY', balance: '10000000' })
    const filled = account.order({ quantity: '1' })
    expect(onlyOf(filled, 'BalanceChanged')).toMatchObject({ change: '-525', balance: '9999475' })
    expect(onlyOf(filled, 'AccountMarked')).toMatchObject({ marginUsed: '165006' })
  })
})

describe('take profit and stop loss', () => {
  const exits = { takeProfit: '1.10500', stopLoss: '1.09500' }

  test('go over from the order to the position', () => {
    const account = scenario()
    account.order({ orderType: 'limit', limitPrice: '1.09900', ...exits })
    const filled = account.market({ EURUSD: ['1.09880', '1.09890'] })
    expect(onlyOf(filled, 'PositionChanged')).toMatchObject(exits)
  })

  test('an increase replaces only those that it names', () => {
    const account = scenario()
    account.order(exits)
    expect(onlyOf(account.order({ stopLoss: '1.09700' }), 'PositionChanged')).toMatchObject({
      takeProfit: '1.10500',
      stopLoss: '1.09700',
    })
  })

  test('a long position takes its profit once the bid is there', () => {
    const account = scenario()
    account.order(exits)
    expect(account.market({ EURUSD: ['1.10499', '1.10509'] })).toEqual([])
    const closed = account.market({ EURUSD: ['1.10510', '1.10520'] })
    expect(onlyOf(closed, 'OrderPlaced')).toMatchObject({ source: 'take_profit', side: 'sell', limitPrice: '1.10500' })
    expect(onlyOf(closed, 'TradeClosed')).toMatchObject({ exitPrice: '1.10510', closeReason: 'take_profit' })
    expect(account.state().positions).toEqual([])
  })

  test('a long position stops its loss at the bid there is, which may be worse than the stop', () => {
    const account = scenario()
    account.order(exits)
    const closed = account.market({ EURUSD: ['1.09000', '1.09010'] })
    expect(onlyOf(closed, 'OrderPlaced')).toMatchObject({
      source: 'stop_loss',
      orderType: 'stop',
      stopPrice: '1.09500',
    })
    expect(onlyOf(closed, 'TradeClosed')).toMatchObject({ exitPrice: '1.09000', closeReason: 'stop_loss' })
  })

  test('a short position watches the ask', () => {
    const account = scenario()
    account.order({ side: 'sell', takeProfit: '1.09500', stopLoss: '1.10500' })
    expect(account.market({ EURUSD: ['1.09495', '1.09505'] })).toEqual([])
    expect(onlyOf(account.market({ EURUSD: ['1.09490', '1.09500'] }), 'TradeClosed').closeReason).toBe('take_profit')
    account.market({ EURUSD: ['1.09990', '1.10000'] })
    account.order({ side: 'sell', stopLoss: '1.10500' })
    expect(account.market({ EURUSD: ['1.10489', '1.10499'] })).toEqual([])
    expect(onlyOf(account.market({ EURUSD: ['1.10490', '1.10500'] }), 'TradeClosed').closeReason).toBe('stop_loss')
  })

  test('still close positions of a disabled account', () => {
    const account = scenario()
    account.order(exits)
    account.command('disable_account')
    expect(typesOf(account.market({ EURUSD: ['1.09000', '1.09010'] }))).toContain('TradeClosed')
  })
})
