import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type AccountCommand, account } from '../../../src/commands/noctant/account.ts'
import { accountAttempt } from '../../../src/commands/noctant/account-attempt.ts'
import { challengeInstanceIdOf } from '../../../src/commands/noctant/challenge-identity.ts'
import type { AccountEvent } from '../../../src/events/noctant/account.ts'
import { accountFacts, at, commandId, programAccountId } from '../../support/examples/noctant.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(account)
const opened: AccountEvent[] = account.decide(
  { kind: 'open', facts: { ...accountFacts, rulesOwner: 'noctant' }, commandId: commandId(1), at: at(2) },
  account.initialState,
)
const [first, second] = [accountAttempt(programAccountId, 1), accountAttempt(programAccountId, 2)]
const attach = (change: Partial<Extract<AccountCommand, { kind: 'attachChallenge' }>> = {}): AccountCommand => ({
  kind: 'attachChallenge',
  initialBalance: '100000.00',
  currency: 'USD',
  untouchedAccountId: first.accountId,
  instanceId: challengeInstanceIdOf(first.accountId),
  commandId: commandId(2),
  at: at(3),
  ...change,
})
const onSecond = { instanceId: challengeInstanceIdOf(second.accountId) }
const attached = (attempt: typeof first): AccountEvent => ({
  type: 'noctant.AccountChallengeAttached.v1',
  data: {
    programAccountId,
    ...attempt,
    instanceId: challengeInstanceIdOf(attempt.accountId),
    occurredAt: at(3),
  },
})
const next = (history: readonly AccountEvent[], command: AccountCommand): AccountEvent[] =>
  account.decide(command, fold(account, history))
const kinds = (events: readonly AccountEvent[]) =>
  events.map(({ type, data }) => ('order' in data ? `${data.order.kind} ${data.sequence}` : type.split('.')[1]))
const disable: AccountCommand = {
  kind: 'changeStatus',
  to: 'disabled',
  forceClosePositions: false,
  reason: null,
  commandId: commandId(8),
  at: at(4),
}

describe('a challenge', () => {
  it('is held on the first attempt where that is unused and of the right size', () => {
    given(opened)
      .when(attach())
      .then([attached(first)])
  })

  it.each([
    ['something happened on it', { untouchedAccountId: null }],
    ['it is of another size', { initialBalance: '50000.00' }],
  ])('gets an attempt of its own where %s', (_, change) => {
    const events = next(opened, attach({ ...change, ...onSecond }))
    expect(kinds(events)).toStrictEqual([
      'AccountAttemptStarted',
      'disable_account 2',
      'open_account 1',
      'AccountChallengeAttached',
    ])
    const [, closing, opening] = events
    expect(closing?.data).toMatchObject({ accountId: first.accountId, order: { forceClosePositions: true } })
    expect(opening?.data).toMatchObject({
      accountId: second.accountId,
      order: { initialBalance: 'initialBalance' in change ? '50000.00' : '100000.00', currency: 'USD' },
    })
    expect(new Set(events.map(({ data }) => ('commandId' in data ? data.commandId : ''))).size).toBe(3)
    expect(fold(account, [...opened, ...events])).toMatchObject({
      attemptNumber: 2,
      engineCommands: 1,
      challengeInstanceId: onSecond.instanceId,
      facts: { ...second, externalAccountId: 'account-1' },
    })
  })

  it('gets the next attempt where one was held on the current', () => {
    const history = [...opened, attached(first)]
    expect(kinds(next(history, attach(onSecond)))[0]).toBe('AccountAttemptStarted')
    given(history).when(attach()).then(rejects('challenge_under_way'))
  })

  it.each([
    ['in another currency', opened, { currency: 'EUR' }],
    ['on an account that is disabled', [...opened, ...next(opened, disable)], {}],
    [
      'on an account with rules of others',
      account.decide({ kind: 'open', facts: accountFacts, commandId: commandId(1), at: at(2) }, account.initialState),
      {},
    ],
  ])('is refused %s', (_, history, change) => {
    given(history).when(attach(change)).then(rejects('challenge_account_unfit'))
  })
})

describe('another attempt', () => {
  const start = (attemptNumber: number): AccountCommand => ({
    kind: 'startAttempt',
    attemptNumber,
    initialBalance: '100000.00',
    reason: 'reset',
    commandId: commandId(3),
    at: at(3),
  })

  it('is begun once', () => {
    const events = next(opened, start(2))
    expect(kinds(events)[0]).toBe('AccountAttemptStarted')
    given([...opened, ...events])
      .when(start(2))
      .then(rejects('concurrent_change'))
    expect(kinds(next([...opened, ...events], start(3)))).toContain('disable_account 2')
  })

  it('numbers its engine commands anew', () => {
    const history = [...opened, ...next(opened, start(2))]
    expect(kinds(next(history, { kind: 'closeAll', reason: null, commandId: commandId(9), at: at(5) }))).toStrictEqual([
      'close_all 2',
    ])
  })
})

describe('the end of trading', () => {
  const stop: AccountCommand = {
    kind: 'stopTrading',
    instanceId: challengeInstanceIdOf(first.accountId),
    reason: 'challenge failed: maximum_drawdown',
    commandId: commandId(4),
    at: at(5),
  }
  const history = [...opened, attached(first)]

  it('disables the account and has its positions closed', () => {
    const events = next(history, stop)
    expect(kinds(events)).toStrictEqual(['AccountStatusChanged', 'disable_account 2'])
    expect(events[1]?.data).toMatchObject({ order: { forceClosePositions: true } })
  })
  it('has the positions closed of an account that is disabled already', () => {
    const disabled = [...history, ...next(history, disable)]
    expect(kinds(next(disabled, stop))).toStrictEqual(['disable_account 3'])
  })
  it('leaves an account alone that has moved on', () => {
    given([...history, ...next(history, attach(onSecond))])
      .when(stop)
      .then([])
  })
})
