import { describe, expect, it } from 'vitest'
import { programAccountIdOf } from '../../../src/commands/noctant/account.ts'
import {
  backtestRunIdOf,
  historicalSessionIdOf,
  type LaunchFacts,
  launchSession,
  launchSessionIdOf,
  redemptionRefusal,
} from '../../../src/commands/noctant/launch-session.ts'
import { globalUserIdOf } from '../../../src/commands/noctant/user.ts'
import type { LaunchSessionEvent } from '../../../src/events/noctant/launch-session.ts'
import { at, commandId, operatorFacts } from '../../support/examples/noctant.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(launchSession)
const { operatorId, orgId } = operatorFacts
const tokenHash = '7f'.repeat(32)
const launchSessionId = launchSessionIdOf(tokenHash)

const accountFacts: LaunchFacts = {
  launchSessionId,
  operatorId,
  orgId,
  globalUserId: globalUserIdOf(operatorId, 'trader-1'),
  externalUserId: 'trader-1',
  requestedRoute: '/accounts/1',
  requestedProductMode: 'terminal',
  returnUrl: null,
  account: {
    programAccountId: programAccountIdOf(operatorId, 'account-1'),
    accountId: '0e5ac6ce-2d69-4f33-9dd0-6ab7f1d3b1c4',
    externalAccountId: 'account-1',
    visibilityPolicy: 'same_sponsor_only',
  },
  historical: null,
  tokenHash,
  expiresAt: at(15),
}
const historicalFacts: LaunchFacts = {
  ...accountFacts,
  requestedProductMode: 'backtest',
  account: null,
  historical: {
    mode: 'backtest',
    feed: {
      feedId: '5f000000-0000-4000-8000-000000000001',
      symbol: 'EURUSD',
      kind: 'candles',
      contentHash: 'fe'.repeat(32),
    },
    marketTimeStart: '2026-01-05T00:00:00.000Z',
    marketTimeEnd: '2026-01-06T00:00:00.000Z',
    currency: 'USD',
    initialBalance: '100000.00',
    strategy: { type: 'moving_average_crossover', fastPeriods: 10, slowPeriods: 30, quantity: '0.1' },
  },
}
const created = (facts: LaunchFacts): LaunchSessionEvent => ({
  type: 'noctant.LaunchSessionCreated.v1',
  data: { ...facts, occurredAt: at(10) },
})
const redeem = (minute: number) =>
  ({
    kind: 'redeem',
    browserSessionHash: 'c0'.repeat(32),
    browserSessionExpiresAt: '2026-03-02T17:00:00.000Z',
    commandId: commandId(7),
    at: at(minute),
  }) as const
const redeemed = (minute: number): LaunchSessionEvent[] => [
  { type: 'noctant.LaunchSessionRedeemed.v1', data: { launchSessionId, operatorId, occurredAt: at(minute) } },
  {
    type: 'noctant.BrowserSessionAttached.v1',
    data: {
      launchSessionId,
      operatorId,
      browserSessionHash: 'c0'.repeat(32),
      expiresAt: '2026-03-02T17:00:00.000Z',
      occurredAt: at(minute),
    },
  },
]

describe('a launch', () => {
  it('is made once', () => {
    const create = { kind: 'create', facts: accountFacts, at: at(10) } as const
    given([])
      .when(create)
      .then([created(accountFacts)])
    given([created(accountFacts)])
      .when(create)
      .then(rejects('concurrent_change'))
  })

  it('has an id that follows from its token, and from which the token does not follow', () => {
    expect(launchSessionIdOf(tokenHash)).toBe(launchSessionId)
    expect(launchSessionIdOf('80'.repeat(32))).not.toBe(launchSessionId)
  })
})

describe('redeeming', () => {
  it('attaches the browser’s session in the same append', () => {
    given([created(accountFacts)])
      .when(redeem(14))
      .then(redeemed(14))
  })

  it('of a historical launch asks the engine for its session as well, under the redeeming command', () => {
    const { historical } = historicalFacts
    const { mode, ...terms } = historical!
    const backtestRunId = backtestRunIdOf(launchSessionId)
    const sessionId = historicalSessionIdOf(launchSessionId)
    const { marketTimeStart, marketTimeEnd, feed, ...money } = terms
    const range = { marketTimeStart, marketTimeEnd }
    given([created(historicalFacts)])
      .when(redeem(12))
      .then([
        ...redeemed(12),
        {
          type: 'noctant.HistoricalSessionRequested.v1',
          data: {
            launchSessionId,
            sessionId,
            backtestRunId,
            operatorId,
            orgId,
            globalUserId: historicalFacts.globalUserId,
            externalUserId: 'trader-1',
            requestedProductMode: 'backtest',
            mode,
            feedId: feed.feedId,
            ...range,
            occurredAt: at(12),
          },
        },
        {
          type: 'noctant.EngineCommandRequested.v1',
          data: {
            commandId: commandId(7),
            programAccountId: backtestRunId,
            accountId: backtestRunId,
            sequence: 1,
            order: { kind: 'start_replay', sessionId, feed, ...range, ...money },
            occurredAt: at(12),
          },
        },
      ])
  })

  it('comes too late the second time, however early that is', () => {
    const used = [created(accountFacts), ...redeemed(11)]
    given(used).when(redeem(11)).then(rejects('launch_session_redeemed'))
    given(used).when(redeem(59)).then(rejects('launch_session_redeemed'))
  })

  it('comes too late at the very moment of expiry, and not before', () => {
    given([created(accountFacts)])
      .when(redeem(15))
      .then(rejects('launch_session_expired'))
    const before = redemptionRefusal(given([created(accountFacts)]).state(), '2026-03-02T09:14:59.999Z')
    expect(before).toBeUndefined()
  })

  it('of a launch that never was is refused', () => {
    given([]).when(redeem(11)).then(rejects('launch_session_not_found'))
  })
})
