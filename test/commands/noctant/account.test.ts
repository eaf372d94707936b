import { describe, expect, it } from 'vitest'
import { type AccountCommand, account } from '../../../src/commands/noctant/account.ts'
import type { AccountEvent, EngineOrder } from '../../../src/events/noctant/account.ts'
import {
  accountFacts,
  accountOpened,
  at,
  commandId,
  openState,
  programAccountId,
} from '../../support/examples/noctant.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(account)
if (openState.status === 'absent') throw new Error('the example account did not open')
const { accountId, accountNumber } = openState.facts

const requested = (sequence: number, n: number, order: EngineOrder, minute: number): AccountEvent => ({
  type: 'noctant.EngineCommandRequested.v1',
  data: { commandId: commandId(n), programAccountId, accountId, sequence, order, occurredAt: at(minute) },
})
type Status = 'active' | 'disabled' | 'closed'
const changed = (from: Status, to: Status, reason: string | null = null): AccountEvent => ({
  type: 'noctant.AccountStatusChanged.v1',
  data: { programAccountId, accountId, from, to, reason, occurredAt: at(9) },
})
const kept = (status: Status, reason: string | null = null): AccountEvent => ({
  type: 'noctant.AccountStatusKept.v1',
  data: { programAccountId, accountId, status, reason, occurredAt: at(9) },
})
const disabled: AccountEvent[] = [
  ...accountOpened,
  changed('active', 'disabled'),
  requested(2, 2, { kind: 'disable_account', forceClosePositions: false, reason: null }, 9),
]
const closed: AccountEvent[] = [...accountOpened, changed('active', 'closed')]

const open = (facts: Partial<typeof accountFacts> = {}): AccountCommand => ({
  kind: 'open',
  facts: { ...accountFacts, ...facts },
  commandId: commandId(1),
  at: at(2),
})
const change = (to: 'active' | 'disabled', forceClosePositions = false, reason: string | null = null) =>
  ({ kind: 'changeStatus', to, forceClosePositions, reason, commandId: commandId(9), at: at(9) }) as const
const closeAll = { kind: 'closeAll', reason: 'weekend', commandId: commandId(9), at: at(9) } as const

describe('opening an account', () => {
  it('records the account and asks the engine to open it, numbered first', () => {
    const [opened] = accountOpened
    given([])
      .when(open())
      .then([
        opened!,
        requested(
          1,
          1,
          { kind: 'open_account', currency: 'USD', initialBalance: '100000.00', executionProfileKey: 'standard' },
          2,
        ),
      ])
  })

  it('gives it ids and a number that follow from the operator and the external id', () => {
    const again = account.decide(
      { ...open(), commandId: commandId(77), at: at(50) } as AccountCommand,
      account.initialState,
    )
    expect(again[0]?.data).toMatchObject({ programAccountId, accountId, accountNumber })
    expect(accountNumber).toMatch(/^NCT-\d{4}-\d{4}-\d{4}$/)
    const other = account.decide(open({ externalAccountId: 'account-2' }), account.initialState)
    expect(other[0]?.data.programAccountId).not.toBe(programAccountId)
    expect(other[0]?.data.accountId).not.toBe(accountId)
  })

  it('writes the currency in upper case and the balance in its digits, the same to the engine', () => {
    const [opened, request] = account.decide(open({ currency: 'eur', initialBalance: '2500.5' }), account.initialState)
    expect(opened?.data).toMatchObject({ currency: 'EUR', initialBalance: '2500.50' })
    expect(request?.data).toMatchObject({ order: { currency: 'EUR', initialBalance: '2500.50' } })
  })

  it('is refused where the external id stands for an account', () => {
    for (const events of [accountOpened, disabled, closed])
      given(events).when(open()).then(rejects('account_facts_differ', '/external_account_id'))
  })

  it('is refused with a currency that does not exist', () => {
    given([])
      .when(open({ currency: 'ZZZ' }))
      .then(rejects('invalid_currency', '/currency'))
  })

  it.each(['0', '-5', '0.001', '1000000000000'])('is refused with an initial balance of %s', (initialBalance) => {
    given([]).when(open({ initialBalance })).then(rejects('invalid_amount', '/initial_balance'))
  })
})

describe('changing the status', () => {
  it('disables an active account and says whether positions go with it', () => {
    for (const force of [false, true]) {
      given(accountOpened)
        .when(change('disabled', force, 'rules'))
        .then([
          changed('active', 'disabled', 'rules'),
          requested(2, 9, { kind: 'disable_account', forceClosePositions: force, reason: 'rules' }, 9),
        ])
    }
  })

  it('enables a disabled account; closing positions by force does not count then', () => {
    given(disabled)
      .when(change('active', true))
      .then([changed('disabled', 'active'), requested(3, 9, { kind: 'enable_account', reason: null }, 9)])
  })

  it('records that it was so already, and asks the engine for nothing', () => {
    given(accountOpened)
      .when(change('active', false, 'again'))
      .then([kept('active', 'again')])
    given(disabled)
      .when(change('disabled', true))
      .then([kept('disabled')])
  })

  it('is refused on a closed account', () => {
    for (const to of ['active', 'disabled'] as const) given(closed).when(change(to)).then(rejects('account_closed'))
  })

  it('is refused where there is no account', () => {
    given([]).when(change('disabled')).then(rejects('account_not_found'))
  })
})

describe('closing all positions', () => {
  it('asks the engine, whether there is something to close or not', () => {
    given(accountOpened)
      .when(closeAll)
      .then([requested(2, 9, { kind: 'close_all', reason: 'weekend' }, 9)])
  })
  it('may be asked of a disabled account', () => {
    given(disabled)
      .when(closeAll)
      .then([requested(3, 9, { kind: 'close_all', reason: 'weekend' }, 9)])
  })
  it('is refused on a closed account', () => {
    given(closed).when(closeAll).then(rejects('account_closed'))
  })
  it('is refused where there is no account', () => {
    given([]).when(closeAll).then(rejects('account_not_found'))
  })
})

describe('the state of an account', () => {
  it('does not change by a status that was kept', () => {
    expect(given([...disabled, kept('disabled')]).state()).toStrictEqual(given(disabled).state())
  })
})
