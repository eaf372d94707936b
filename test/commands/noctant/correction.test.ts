import { describe, it } from 'vitest'
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
const { accountId } = openState.facts
const { operatorId, globalUserId } = accountFacts

const facts = {
  correctionId: commandId(40),
  operatorId,
  globalUserId,
  amount: '-12.5',
  reason: 'fee',
  note: null,
  operatorReference: null,
  idempotencyKey: 'c-1',
  traceId: null,
}
const correct = (of: Partial<typeof facts> = {}): AccountCommand => ({
  kind: 'correct',
  correction: { ...facts, ...of },
  commandId: commandId(4),
  at: at(9),
})
const requested = (sequence: number, order: EngineOrder): AccountEvent => ({
  type: 'noctant.EngineCommandRequested.v1',
  data: { commandId: commandId(4), programAccountId, accountId, sequence, order, occurredAt: at(9) },
})
const recorded = (amount: string): AccountEvent => ({
  type: 'noctant.AccountCorrectionRequested.v1',
  data: { ...facts, amount, programAccountId, accountId, commandId: commandId(4), currency: 'USD', occurredAt: at(9) },
})
const changed = (to: 'disabled' | 'closed'): AccountEvent => ({
  type: 'noctant.AccountStatusChanged.v1',
  data: { programAccountId, accountId, from: 'active', to, reason: null, occurredAt: at(5) },
})

describe('correcting a balance', () => {
  it('records the correction and asks the engine for it, numbered next', () => {
    given(accountOpened)
      .when(correct())
      .then([
        recorded('-12.50'),
        requested(2, { kind: 'adjust_balance', amount: '-12.50', reference: facts.correctionId, reason: 'fee' }),
      ])
  })

  it('adds as well as it takes', () => {
    given(accountOpened)
      .when(correct({ amount: '100' }))
      .then([
        recorded('100.00'),
        requested(2, { kind: 'adjust_balance', amount: '100.00', reference: facts.correctionId, reason: 'fee' }),
      ])
  })

  it('is possible on a disabled account, and not on a closed one', () => {
    given([...accountOpened, changed('disabled')])
      .when(correct({ amount: '1' }))
      .then([
        recorded('1.00'),
        requested(2, { kind: 'adjust_balance', amount: '1.00', reference: facts.correctionId, reason: 'fee' }),
      ])
    given([...accountOpened, changed('closed')])
      .when(correct())
      .then(rejects('account_closed'))
  })

  it.each(['0', '-0.00', '0.001', '1000000000000'])('is refused for the amount %s', (amount) => {
    given(accountOpened).when(correct({ amount })).then(rejects('invalid_amount', '/amount'))
  })

  it('is refused where the account is another user’s, or none', () => {
    given(accountOpened)
      .when(correct({ globalUserId: commandId(99) }))
      .then(rejects('account_not_found'))
    given([]).when(correct()).then(rejects('account_not_found'))
  })
})

describe('the debit of a payout', () => {
  const execute = (of: { accountId: string }): AccountCommand => ({
    kind: 'executePayout',
    payoutRequestId: commandId(50),
    amount: '400.00',
    commandId: commandId(4),
    at: at(9),
    ...of,
  })

  it('is asked of the engine', () => {
    given(accountOpened)
      .when(execute({ accountId }))
      .then([requested(2, { kind: 'execute_payout', amount: '400.00', reference: commandId(50) })])
  })

  it('is refused once the account is traded on another execution account, and on a closed one', () => {
    given(accountOpened)
      .when(execute({ accountId: commandId(98) }))
      .then(rejects('account_replaced'))
    given([...accountOpened, changed('closed')])
      .when(execute({ accountId }))
      .then(rejects('account_closed'))
  })
})
