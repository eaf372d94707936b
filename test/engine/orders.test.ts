import { describe, expect, test } from 'vitest'
import { allOf, onlyOf, scenario, typesOf } from './scenario.ts'

describe('placing an order', () => {
  test('a market order is filled at the ask for a buyer and at the bid for a seller', () => {
    const account = scenario()
    const bought = account.order({ side: 'buy', quantity: '0.50' })
    expect(typesOf(bought)).toEqual([
      'OrderPlaced',
      'OrderFilled',
      'BalanceChanged',
      'PositionChanged',
      'AccountMarked',
    ])
    expect(onlyOf(bought, 'OrderFilled')).toMatchObject({
      quantity: '0.5',
      price: '1.10000',
      commission: '1.75',
      filledQuantity: '0.5',
      remainingQuantity: '0',
      averageFillPrice: '1.10000',
      status: 'filled',
    })
    expect(onlyOf(bought, 'BalanceChanged')).toMatchObject({
      balance: '99998.25',
      change: '-1.75',
      cause: 'commission',
    })
    const sold = account.order({ symbol: 'GBPUSD', side: 'sell' })
    expect(onlyOf(sold, 'OrderFilled')).toMatchObject({ price: '1.26990' })
    expect(onlyOf(sold, 'PositionChanged')).toMatchObject({ side: 'short', quantity: '1', unrealizedPnl: '-10.00' })
  })

  test('a limit order at the market or better is filled at the market, which may be better than its limit', () => {
    const filled = scenario().order({ orderType: 'limit', limitPrice: '1.20000' })
    expect(onlyOf(filled, 'OrderFilled').price).toBe('1.10000')
  })

  test('a limit order away from the market waits, and fills once the price has come', () => {
    const account = scenario()
    expect(typesOf(account.order({ orderType: 'limit', limitPrice: '1.09000' }))).toEqual(['OrderPlaced'])
    expect(account.market({ EURUSD: ['1.08995', '1.09005'] })).toEqual([])
    const filled = account.market({ EURUSD: ['1.08980', '1.08990'] })
    expect(onlyOf(filled, 'OrderFilled')).toMatchObject({ price: '1.08990', status: 'filled' })
    expect(account.state().orders).toEqual([])
  })

  test('a sell limit fills at the bid once it is at the limit or above', () => {
    const account = scenario()
    account.order({ side: 'sell', orderType: 'limit', limitPrice: '1.11000' })
    expect(account.market({ EURUSD: ['1.10999', '1.11009'] })).toEqual([])
    expect(onlyOf(account.market({ EURUSD: ['1.11000', '1.11010'] }), 'OrderFilled').price).toBe('1.11000')
  })

  test('a stop order waits until the price reaches it and then takes the price there is', () => {
    const account = scenario()
    account.order({ orderType: 'stop', stopPrice: '1.11000' })
    account.order({ side: 'sell', symbol: 'GBPUSD', orderType: 'stop', stopPrice: '1.26000' })
    expect(account.market({ EURUSD: ['1.10980', '1.10990'] })).toEqual([])
    const filled = account.market({ EURUSD: ['1.11490', '1.11500'], GBPUSD: ['1.25000', '1.25010'] })
    expect(allOf(filled, 'OrderFilled').map((fill) => fill.price)).toEqual(['1.11500', '1.25000'])
  })

  test('an immediate-or-cancel order that cannot be filled at once is cancelled', () => {
    const ended = scenario().order({ orderType: 'limit', limitPrice: '1.09000', timeInForce: 'ioc' })
    expect(typesOf(ended)).toEqual(['OrderPlaced', 'OrderCancelled'])
    expect(onlyOf(ended, 'OrderCancelled')).toMatchObject({
      status: 'cancelled',
      filledQuantity: '0',
      remainingQuantity: '1',
      reason: 'not_fillable_at_once',
    })
  })

  test('a day order expires at midnight UTC, even where its price comes at the same moment; a gtc order stays', () => {
    const account = scenario()
    account.order({ orderType: 'limit', limitPrice: '1.09000', timeInForce: 'day' })
    account.order({ orderType: 'limit', limitPrice: '1.08000', timeInForce: 'gtc' })
    expect(account.at('2026-03-02T23:59:59.999Z').market()).toEqual([])
    const ended = account.at('2026-03-03T00:00:00.000Z').market({ EURUSD: ['1.08500', '1.08510'] })
    expect(typesOf(ended)).toEqual(['OrderCancelled'])
    expect(onlyOf(ended, 'OrderCancelled')).toMatchObject({ status: 'expired', reason: 'end_of_day' })
    expect(account.state().orders.map((order) => order.timeInForce)).toEqual(['gtc'])
  })

  test('a working order is cancelled by its trader', () => {
    const account = scenario()
    account.order({ orderId: '00000000-0000-4000-8000-00000000aaaa', orderType: 'limit', limitPrice: '1.09000' })
    const ended = account.cancel('00000000-0000-4000-8000-00000000aaaa')
    expect(onlyOf(ended, 'OrderCancelled')).toMatchObject({ status: 'cancelled', reason: 'trader' })
    expect(account.state().orders).toEqual([])
  })
})

describe('an order is rejected, and nothing else happens,', () => {
  const rejection = (events: ReturnType<ReturnType<typeof scenario>['order']>) => {
    expect(typesOf(events)).toEqual(['OrderRejected'])
    return onlyOf(events, 'OrderRejected').reasonCode
  }

  test.each([
    ['for an unknown symbol', { symbol: 'ACME' }, 'unknown_symbol'],
    ['below the least quantity', { quantity: '0.001' }, 'invalid_quantity'],
    ['above the greatest quantity', { quantity: '100.01' }, 'invalid_quantity'],
    ['between two quantity steps', { quantity: '0.015' }, 'invalid_quantity'],
    ['with a limit between two ticks', { orderType: 'limit', limitPrice: '1.000001' }, 'invalid_price'],
    ['without the limit of a limit order', { orderType: 'limit' }, 'invalid_price'],
    ['without the stop of a stop order', { orderType: 'stop' }, 'invalid_price'],
    ['with a limit on a market order', { limitPrice: '1.00000' }, 'invalid_price'],
    ['for a buyer whose take profit is not above the bid', { takeProfit: '1.09990' }, 'invalid_take_profit'],
    ['for a buyer whose stop loss is not below the bid', { stopLoss: '1.09990' }, 'invalid_stop_loss'],
    ['for a seller whose take profit is not below the ask', { side: 'sell', takeProfit: '1.1' }, 'invalid_take_profit'],
    ['for a seller whose stop loss is not above the ask', { side: 'sell', stopLoss: '1.1' }, 'invalid_stop_loss'],
    [
      'when its take profit contradicts its limit',
      { orderType: 'limit', limitPrice: '1.05', takeProfit: '1.04' },
      'invalid_take_profit',
    ],
    ['beyond the free margin', { quantity: '100' }, 'insufficient_margin'],
  ] as const)('%s', (_case, facts, reasonCode) => {
    expect(rejection(scenario().order(facts))).toBe(reasonCode)
  })

  test('while trading is disabled', () => {
    const account = scenario()
    account.command('disable_account')
    expect(rejection(account.order({}))).toBe('trading_disabled')
  })

  test('while its symbol, or the cross into the account currency, has no price', () => {
    const account = scenario({ currency: 'GBP' })
    account.feed.remove('EURUSD')
    expect(rejection(account.order({}))).toBe('no_price')
    account.feed.remove('GBPUSD')
    expect(rejection(account.order({ symbol: 'XAUUSD', quantity: '0.01' }))).toBe('no_price')
  })

  test('where as many orders are working as may', () => {
    const account = scenario({ rules: { workingOrdersMax: 2 } })
    const waiting = { orderType: 'limit', limitPrice: '1.01000', quantity: '0.01' } as const
    account.order(waiting)
    account.order(waiting)
    expect(rejection(account.order(waiting))).toBe('too_many_orders')
  })
})

describe('margin', () => {
  test('an order may use the free margin to the last cent, commission included, and not a cent more', () => {
    // One lot of EURUSD at 1.10000 with 1:100 needs 1,100.00, and 3.50 of commission.
    expect(typesOf(scenario({ balance: '1103.50' }).order({}))).toContain('OrderFilled')
    expect(typesOf(scenario({ balance: '1103.49' }).order({}))).toEqual(['OrderRejected'])
  })

  test('an order that only reduces a position passes without free margin', () => {
    const account = scenario({ balance: '1103.50' })
    account.order({})
    expect(typesOf(account.order({ side: 'sell', quantity: '0.50' }))).toContain('TradeClosed')
  })

  test('turning a position round counts the margin that closing it sets free', () => {
    const account = scenario({ balance: '1150.00' })
    account.order({})
    expect(onlyOf(account.order({ side: 'sell', quantity: '2' }), 'PositionChanged').side).toBe('short')
    expect(typesOf(account.order({ side: 'buy', quantity: '4' }))).toEqual(['OrderRejected'])
  })

  test('a waiting order that lacks margin when its price comes is cancelled', () => {
    const account = scenario({ balance: '2300.00' })
    account.order({ orderType: 'limit', limitPrice: '1.09000', quantity: '2' })
    account.order({ quantity: '1' })
    const ended = account.market({ EURUSD: ['1.08990', '1.09000'] })
    expect(onlyOf(ended, 'OrderCancelled')).toMatchObject({ status: 'cancelled', reason: 'insufficient_margin' })
  })

  test('leverage comes from the execution profile, and the symbol may ask for more margin', () => {
    const account = scenario({ rules: { leverageByProfile: { standard: 50 } } })
    expect(onlyOf(account.order({ quantity: '1' }), 'AccountMarked').marginUsed).toBe('2200.00')
    const bitcoin = account.order({ symbol: 'BTCUSD', quantity: '0.1' })
    expect(onlyOf(bitcoin, 'AccountMarked').marginUsed).toBe('3560.20')
  })
})
