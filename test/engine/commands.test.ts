import { describe, expect, test } from 'vitest'
import { unopenedAccount } from '../../src/engine/account.ts'
import { step } from '../../src/engine/decide.ts'
import { defaultTradingRules } from '../../src/engine/step.ts'
import { referenceSymbols } from '../../src/engine/symbols.ts'
import { openingOf } from './examples.ts'
import { allOf, monday, onlyOf, scenario, typesOf } from './scenario.ts'

const decisionOf = (events: Parameters<typeof onlyOf>[0]) => {
  expect(events.at(-1)?.type).toBe('CommandDecided')
  const { outcome, reasonCode } = onlyOf(events, 'CommandDecided')
  return [outcome, reasonCode]
}
const waiting = { orderType: 'limit', limitPrice: '1.05000' } as const

describe('open_account', () => {
  const accountId = '0e5ac6ce-2d69-4f33-9dd0-6ab7f1d3b1c4'
  const open = (facts: object) => {
    const command = openingOf(accountId, facts)
    const context = { nowMs: monday, quote: () => undefined, symbols: referenceSymbols, rules: defaultTradingRules }
    return step(unopenedAccount(accountId), { kind: 'command', command }, { ...context, stepId: command.commandId })
  }

  test('opens the account with its balance and marks it', () => {
    const { events, state } = open({ initialBalance: '2500.5' })
    expect(typesOf(events)).toEqual(['AccountOpened', 'AccountMarked', 'CommandDecided'])
    expect(onlyOf(events, 'AccountOpened')).toEqual({ currency: 'USD', balance: '2500.50', leverage: 100 })
    expect(onlyOf(events, 'AccountMarked')).toMatchObject({ equity: '2500.50', marginLevel: null })
    expect(state.status).toBe('active')
  })

  test('under another command id is ignored', () => {
    expect(decisionOf(scenario().open())).toEqual(['ignored', 'already_open'])
  })

  test.each([
    ['a currency without prices', { currency: 'XTS' }, 'unsupported_currency'],
    ['nothing', { initialBalance: '0' }, 'invalid_amount'],
    ['less than nothing', { initialBalance: '-5' }, 'invalid_amount'],
    ['fractions of a cent', { initialBalance: '10.001' }, 'invalid_amount'],
  ])('with %s is rejected', (_case, facts, reasonCode) => {
    const { events, state } = open(facts)
    expect(decisionOf(events)).toEqual(['rejected', reasonCode])
    expect(state.status).toBe('unopened')
  })

  test('that was rejected leaves an account on which other commands are rejected', () => {
    const account = scenario({ currency: 'XTS' })
    expect(decisionOf(account.command('close_all'))).toEqual(['rejected', 'account_not_open'])
  })
})

describe('close_all', () => {
  test('cancels working orders and closes every position at the market', () => {
    const account = scenario()
    account.order({})
    account.order({ symbol: 'GBPUSD', side: 'sell' })
    account.order(waiting)
    const events = account.command('close_all')
    expect(decisionOf(events)).toEqual(['accepted', null])
    expect(onlyOf(events, 'OrderCancelled').reason).toBe('close_all')
    expect(allOf(events, 'OrderPlaced').map((order) => order.source)).toEqual(['operator', 'operator'])
    expect(allOf(events, 'TradeClosed').map((trade) => trade.closeReason)).toEqual(['close_all', 'close_all'])
    expect(new Set(events.map((event) => event.commandId)).size).toBe(1)
    expect(typesOf(events).at(-2)).toBe('AccountMarked')
    expect(account.state()).toMatchObject({ orders: [], positions: [] })
  })

  test('cancels orders where there are no positions', () => {
    const account = scenario()
    account.order(waiting)
    expect(decisionOf(account.command('close_all'))).toEqual(['accepted', null])
  })

  test('with nothing to close is ignored', () => {
    expect(typesOf(scenario().command('close_all'))).toEqual(['CommandDecided'])
    expect(decisionOf(scenario().command('close_all'))).toEqual(['ignored', 'nothing_to_close'])
  })

  test('closes out a disabled account', () => {
    const account = scenario()
    account.order({})
    account.command('disable_account')
    expect(decisionOf(account.command('close_all'))).toEqual(['accepted', null])
  })

  test('without a price for a position closes nothing', () => {
    const account = scenario()
    account.order({})
    account.order({ symbol: 'GBPUSD' })
    account.feed.remove('GBPUSD')
    expect(decisionOf(account.command('close_all'))).toEqual(['rejected', 'no_price'])
    expect(account.state().positions).toHaveLength(2)
  })

  test('force_close does the same under its own name', () => {
    const account = scenario()
    account.order({})
    const events = account.command('force_close')
    expect(onlyOf(events, 'TradeClosed').closeReason).toBe('force_close')
    expect(decisionOf(account.command('force_close'))).toEqual(['ignored', 'nothing_to_close'])
  })

  test('the same command on the same account gives the same ids', () => {
    const account = scenario()
    account.order({})
    const before = account.state()
    const quote = (symbol: string) => account.feed.quote(symbol, monday)
    const context = { nowMs: monday, quote, symbols: referenceSymbols, rules: defaultTradingRules }
    const [first] = account.command('close_all')
    const command = { ...openingOf(account.accountId), kind: 'close_all', reason: null, sequence: 2 } as const
    const again = () => step(before, { kind: 'command', command }, { ...context, stepId: command.commandId }).events
    expect(again()).toEqual(again())
    expect(first?.eventId).not.toBe(again()[0]?.eventId)
  })
})

describe('disable_account and enable_account', () => {
  test('disabling cancels working orders and keeps positions', () => {
    const account = scenario()
    account.order({})
    account.order(waiting)
    const events = account.command('disable_account', { reason: 'breach' })
    expect(typesOf(events)).toEqual(['TradingStatusChanged', 'OrderCancelled', 'CommandDecided'])
    expect(onlyOf(events, 'TradingStatusChanged')).toEqual({ tradingStatus: 'disabled', reason: 'breach' })
    expect(account.state().positions).toHaveLength(1)
  })

  test('disabling with forced closing closes positions too', () => {
    const account = scenario()
    account.order({})
    const events = account.command('disable_account', { forceClosePositions: true })
    expect(onlyOf(events, 'TradeClosed').closeReason).toBe('force_close')
    expect(decisionOf(events)).toEqual(['accepted', null])
  })

  test('a repeated state is ignored', () => {
    const account = scenario()
    expect(decisionOf(account.command('enable_account'))).toEqual(['ignored', 'already_active'])
    account.command('disable_account')
    expect(decisionOf(account.command('disable_account'))).toEqual(['ignored', 'already_disabled'])
  })

  test('disabling a disabled account still closes its positions when that is asked for', () => {
    const account = scenario()
    account.order({})
    account.command('disable_account')
    const events = account.command('disable_account', { forceClosePositions: true })
    expect(decisionOf(events)).toEqual(['accepted', null])
    expect(account.state()).toMatchObject({ status: 'disabled', positions: [] })
  })

  test('enabling lets the trader trade again', () => {
    const account = scenario()
    account.command('disable_account')
    expect(decisionOf(account.command('enable_account'))).toEqual(['accepted', null])
    expect(typesOf(account.order({}))).toContain('OrderFilled')
  })

  test('a command overtaken by a newer one is superseded, also where the newer one found nothing to do', () => {
    const account = scenario()
    account.command('disable_account', {}, 7)
    expect(decisionOf(account.command('enable_account', {}, 6))).toEqual(['ignored', 'superseded'])
    expect(decisionOf(account.command('disable_account', {}, 9))).toEqual(['ignored', 'already_disabled'])
    expect(decisionOf(account.command('enable_account', {}, 8))).toEqual(['ignored', 'superseded'])
    expect(decisionOf(account.command('enable_account', {}, 10))).toEqual(['accepted', null])
  })
})

describe('adjust_balance and execute_payout', () => {
  const reference = 'corr-1'

  test('a correction moves the balance either way', () => {
    const account = scenario()
    const events = account.command('adjust_balance', { amount: '-250.25', reference })
    expect(typesOf(events)).toEqual(['BalanceChanged', 'AccountMarked', 'CommandDecided'])
    expect(onlyOf(events, 'BalanceChanged')).toEqual({
      balance: '99749.75',
      change: '-250.25',
      cause: 'correction',
      reference,
    })
    account.command('adjust_balance', { amount: '0.25', reference })
    expect(account.state().balance).toBe('99750.00')
  })

  test('a payout debits the balance', () => {
    const account = scenario()
    const events = account.command('execute_payout', { amount: '100000.00', reference })
    expect(onlyOf(events, 'BalanceChanged')).toMatchObject({ balance: '0.00', change: '-100000.00', cause: 'payout' })
  })

  test.each([
    ['adjust_balance', '-100000.01', 'insufficient_balance'],
    ['adjust_balance', '0', 'invalid_amount'],
    ['adjust_balance', '1.001', 'invalid_amount'],
    ['execute_payout', '100000.01', 'insufficient_balance'],
    ['execute_payout', '-1', 'invalid_amount'],
    ['execute_payout', '0.00', 'invalid_amount'],
  ] as const)('%s of %s is rejected: %s', (kind, amount, reasonCode) => {
    const account = scenario()
    const events = account.command(kind, { amount, reference })
    expect(typesOf(events)).toEqual(['CommandDecided'])
    expect(decisionOf(events)).toEqual(['rejected', reasonCode])
  })
})
