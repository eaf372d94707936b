/** The agent of a trader: one at a time, and which way leads from where to where. */
import { describe, expect, it } from 'vitest'
import { agent, hasLapsed, traderIdOf } from '../../../src/commands/ostium/agent.ts'
import type { AgentEvent } from '../../../src/events/ostium/agent.ts'
import { ostiumExamples } from '../../support/examples/ostium.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(agent)
const examples = ostiumExamples((seconds) => new Date(Date.UTC(2026, 2, 2, 9, 0, seconds)).toISOString())
const facts = examples['ostium.AgentWalletCreated.v1']
const created: AgentEvent = { type: 'ostium.AgentWalletCreated.v1', data: facts }
const { chainId, trader, agentId, smartAccount } = facts
const at = '2026-03-02T09:30:00.000Z'
const of = { chainId, trader, agentId, occurredAt: at }
const OTHER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
const verified: AgentEvent = {
  type: 'ostium.AgentVerified.v1',
  data: { ...of, delegatedTo: smartAccount, allowance: '5', blockNumber: '7' },
}
const suspended: AgentEvent = {
  type: 'ostium.AgentSuspended.v1',
  data: { ...of, delegatedTo: OTHER, noticedBy: 'watcher' },
}
const cancelled = (nonce: string | null, by: 'message' | 'expiry' = 'message'): AgentEvent => ({
  ...{ type: 'ostium.AgentCancelled.v1', data: { ...of, by, nonce } },
})
const another = { ...facts, agentId: '0b4ee4a5-7b02-5c0f-8b5b-000000000002', occurredAt: at }
const create = { kind: 'create', facts: another, perHourMax: 2 } as const
const standing = { delegatedTo: smartAccount, allowance: '5' }
const verify = { kind: 'verify', agentId, ...standing, blockNumber: '7', at } as const
const ending = { agentId, nonce: '0x1', at, isDestroyed: false }

describe('an agent is made', () => {
  it('where there is none, and where the one before is gone', () => {
    given([])
      .when({ ...create, facts })
      .then([created])
    given([created, cancelled('0x1')])
      .when(create)
      .then([{ type: 'ostium.AgentWalletCreated.v1', data: another }])
  })

  it('not where there is one, whatever it is', () => {
    for (const events of [[created], [created, verified], [created, verified, suspended]])
      given(events).when(create).then(rejects('agent_exists'))
  })

  it('in the place of one that nobody has verified in time', () => {
    const late = { ...another, occurredAt: facts.pendingUntil }
    given([created])
      .when({ ...create, facts: late })
      .then([
        {
          type: 'ostium.AgentCancelled.v1',
          data: { ...of, by: 'expiry', nonce: null, occurredAt: facts.pendingUntil },
        },
        { type: 'ostium.AgentWalletCreated.v1', data: late },
      ])
    expect(hasLapsed(given([created]).state(), facts.pendingUntil)).toBe(true)
    expect(hasLapsed(given([created, verified]).state(), facts.pendingUntil)).toBe(false)
  })

  it('as often as an hour allows', () => {
    const events = [created, cancelled(null), created, cancelled(null)]
    given(events).when(create).then(rejects('agents_exhausted'))
    const later = { ...another, occurredAt: '2026-03-02T11:00:00.000Z' }
    given(events)
      .when({ ...create, facts: later })
      .then([{ type: 'ostium.AgentWalletCreated.v1', data: later }])
  })
})

describe('an agent is verified', () => {
  it('where its account is the delegate, once', () => {
    given([created]).when(verify).then([verified])
    given([created, verified]).when(verify).then([])
    given([created, verified, suspended]).when(verify).then([verified])
  })

  it('and suspended where it is not any more; a pending one stays as it is', () => {
    const lost = { ...verify, delegatedTo: OTHER }
    given([created, verified])
      .when(lost)
      .then([{ type: 'ostium.AgentSuspended.v1', data: { ...of, delegatedTo: OTHER, noticedBy: 'verify' } }])
    given([created]).when(lost).then([])
    given([created, verified, suspended]).when(lost).then([])
  })

  it('not where it is another one, or gone', () => {
    given([created])
      .when({ ...verify, agentId: another.agentId })
      .then(rejects('agent_not_found'))
    given([created, cancelled('0x1')])
      .when(verify)
      .then(rejects('agent_not_found'))
  })
})

describe('an agent is suspended', () => {
  const suspend = { kind: 'suspend', agentId, delegatedTo: OTHER, noticedBy: 'watcher', at } as const

  it('where it was verified, and is left alone in every other state', () => {
    given([created, verified]).when(suspend).then([suspended])
    for (const events of [[], [created], [created, verified, suspended], [created, cancelled('0x1')]])
      given(events).when(suspend).then([])
  })
})

describe('an agent ends', () => {
  const cancel = { kind: 'cancel', by: 'message', ...ending } as const
  const revoke = { kind: 'revoke', by: 'message', standing, ...ending } as const
  const revoked = (by: 'message' | 'reset' | 'key', nonce: string | null, has: object): AgentEvent =>
    ({ type: 'ostium.AgentRevoked.v1', data: { ...of, by, nonce, ...has } }) as AgentEvent

  it('by being cancelled before it was verified, and by being revoked afterwards', () => {
    given([created])
      .when(cancel)
      .then([cancelled('0x1')])
    given([created, verified]).when(cancel).then(rejects('agent_not_pending'))
    given([created]).when(revoke).then(rejects('agent_not_verified'))
    for (const events of [
      [created, verified],
      [created, verified, suspended],
    ])
      given(events)
        .when(revoke)
        .then([revoked('message', '0x1', standing)])
  })

  it('by its own key whatever it is', () => {
    const byKey = { ...revoke, by: 'key', nonce: null, standing: null } as const
    const nothing = { delegatedTo: null, allowance: null }
    for (const events of [[created], [created, verified], [created, verified, suspended]])
      given(events)
        .when(byKey)
        .then([revoked('key', null, nothing)])
  })

  it('whatever has become of it, once its wallet is destroyed', () => {
    given([created, verified])
      .when({ ...cancel, isDestroyed: true })
      .then([cancelled('0x1')])
    given([created])
      .when({ ...revoke, isDestroyed: true })
      .then([revoked('message', '0x1', standing)])
  })

  it('once by one message', () => {
    given([created, cancelled('0x1')])
      .when(cancel)
      .then(rejects('message_used'))
    given([created, cancelled('0x1')])
      .when({ ...cancel, nonce: '0x2' })
      .then(rejects('agent_not_found'))
    given([created, cancelled('0x1'), created])
      .when({ ...cancel, agentId: another.agentId })
      .then(rejects('agent_not_found'))
  })

  it('by time, without a word where somebody was faster', () => {
    const expire = { kind: 'cancel', by: 'expiry', ...ending, nonce: null, isDestroyed: true } as const
    given([created])
      .when(expire)
      .then([cancelled(null, 'expiry')])
    given([created, cancelled('0x1')])
      .when(expire)
      .then([])
  })
})

it('a trader is one, however the address is written', () => {
  expect(traderIdOf(1, trader.toUpperCase().replace('0X', '0x'))).toBe(traderIdOf(1, trader.toLowerCase()))
})
