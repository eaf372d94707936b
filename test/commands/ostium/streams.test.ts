/** Messages, actions and nonces: what each allows once, and what it never does. */
import { describe, expect, it } from 'vitest'
import { action, hasEnded } from '../../../src/commands/ostium/action.ts'
import { build } from '../../../src/commands/ostium/build.ts'
import { challenge, messageOf, nonceIn } from '../../../src/commands/ostium/challenge.ts'
import { sponsor, sponsorIdOf } from '../../../src/commands/ostium/sponsor.ts'
import type { ActionEvent } from '../../../src/events/ostium/action.ts'
import { type OstiumStoryEvent, ostiumExamples } from '../../support/examples/ostium.ts'
import { rejects, specify } from '../../support/given.ts'

const examples = ostiumExamples((seconds) => new Date(Date.UTC(2026, 2, 2, 9, 0, seconds)).toISOString())
const exampleOf = <T extends OstiumStoryEvent['type']>(type: T) =>
  ({ type, data: examples[type] }) as Extract<OstiumStoryEvent, { type: T }>
const at = '2026-03-02T09:30:00.000Z'

describe('a build', () => {
  it('is recorded once', () => {
    const built = exampleOf('ostium.TransactionsBuilt.v1')
    specify(build)([]).when(built.data).then([built])
    specify(build)([built]).when(built.data).then([])
  })
})

describe('a message', () => {
  const given = specify(challenge)
  const issued = exampleOf('ostium.ChallengeIssued.v1')
  const { chainId, trader, agentId, nonce } = issued.data
  const consume = { kind: 'consume', signatureHash: 'ab'.repeat(32), at } as const
  const consumed = {
    type: 'ostium.ChallengeConsumed.v1' as const,
    data: { chainId, trader, agentId, nonce, signatureHash: consume.signatureHash, occurredAt: at },
  }

  it('is issued once and used once; the same signature again finishes what was begun', () => {
    given([]).when({ kind: 'issue', facts: issued.data }).then([issued])
    given([issued]).when({ kind: 'issue', facts: issued.data }).then([])
    given([issued]).when(consume).then([consumed])
    given([issued, consumed]).when(consume).then([])
    given([issued, consumed])
      .when({ ...consume, signatureHash: 'cd'.repeat(32) })
      .then(rejects('message_used'))
    given([]).when(consume).then(rejects('message_unknown'))
  })

  it('names everything that it is good for, and its nonce can be read back', () => {
    const facts = {
      purpose: 'revoke',
      service: 'opslog ostium',
      trader,
      smartAccount: trader,
      chainId,
      nonce,
      expiresAt: at,
    } as const
    const text = messageOf(facts)
    expect(text.split('\n')).toStrictEqual([
      'Revoke the agent wallet',
      '',
      'Service: opslog ostium',
      `Trader: ${trader}`,
      `Smart account: ${trader}`,
      `Chain ID: ${chainId}`,
      `Nonce: ${nonce}`,
      `Expires at: ${at}`,
    ])
    expect(nonceIn(text)).toBe(nonce)
    expect(nonceIn('Nonce: 0x12')).toBeUndefined()
  })
})

describe('an action', () => {
  const given = specify(action)
  const requested = exampleOf('ostium.DelegatedActionRequested.v1')
  const signed = exampleOf('ostium.DelegatedActionSigned.v1')
  const broadcast = exampleOf('ostium.DelegatedActionBroadcast.v1')
  const included = exampleOf('ostium.DelegatedActionIncluded.v1')
  const { chainId, trader, actionId } = requested.data
  const of = { chainId, trader, actionId, occurredAt: at }
  const { chainId: _1, trader: _2, actionId: _3, occurredAt: _4, ...signing } = signed.data
  const { chainId: _5, trader: _6, actionId: _7, occurredAt: _8, ...including } = included.data
  const story: ActionEvent[] = [requested, signed, broadcast]

  it('is owed from its request on, which is recorded once', () => {
    given([]).when({ kind: 'request', facts: requested.data }).then([requested])
    given(story).when({ kind: 'request', facts: requested.data }).then([])
  })

  it('has each attempt signed once, and sent', () => {
    given([requested])
      .when({ kind: 'sign', ...signing, at })
      .then([{ ...signed, data: { ...signed.data, occurredAt: at } }])
    given([requested, signed])
      .when({ kind: 'sign', ...signing, txHash: `0x${'9'.repeat(64)}`, at })
      .then([])
    const sending = { kind: 'broadcast', txHash: signed.data.txHash, at } as const
    given([requested, signed])
      .when(sending)
      .then([{ type: 'ostium.DelegatedActionBroadcast.v1', data: { ...of, txHash: signed.data.txHash, attempt: 1 } }])
    given(story).when(sending).then([])
    given([requested]).when(sending).then([])
  })

  it('ends once', () => {
    const include = { kind: 'include', ...including, at } as const
    given(story)
      .when(include)
      .then([{ ...included, data: { ...included.data, occurredAt: at } }])
    const ended: ActionEvent[] = [...story, included]
    expect(hasEnded(given(ended).state())).toBe(true)
    given(ended).when(include).then([])
    given(ended).when({ kind: 'abandon', reason: 'late', revert: null, at }).then([])
    given(ended)
      .when({ kind: 'sign', ...signing, attempt: 2, at })
      .then([])
    given([]).when({ kind: 'abandon', reason: 'late', revert: null, at }).then([])
  })

  it('that the chain would not take is over before it began', () => {
    const refused = exampleOf('ostium.DelegatedActionRefused.v1')
    given([]).when({ kind: 'refuse', facts: refused.data }).then([refused])
    expect(hasEnded(given([refused]).state())).toBe(true)
    given([refused]).when({ kind: 'refuse', facts: refused.data }).then([])
  })
})

describe('the sponsor’s nonces', () => {
  const given = specify(sponsor)
  const taken = exampleOf('ostium.SponsorNonceTaken.v1')
  const { chainId, sponsor: address, trader, actionId, nonce } = taken.data
  const of = { chainId, sponsor: address, trader, at, chainNonce: nonce }
  const take = (actionId: string, nonce: number, chainNonce = of.chainNonce) =>
    ({ kind: 'take', ...of, actionId, nonce, chainNonce }) as const
  const event = (actionId: string, nonce: number) => ({
    ...{ ...taken, data: { ...taken.data, actionId, nonce, occurredAt: at } },
  })
  const [second, third] = ['0b4ee4a5-7b02-5c0f-8b5b-000000000022', '0b4ee4a5-7b02-5c0f-8b5b-000000000033']

  it('are taken in order, each for one action and for ever', () => {
    given([])
      .when(take(actionId, nonce))
      .then([event(actionId, nonce)])
    given([taken]).when(take(actionId, nonce)).then([])
    given([taken])
      .when(take(second, nonce + 1))
      .then([event(second, nonce + 1)])
    given([taken]).when(take(second, nonce)).then(rejects('nonce_taken'))
    given([taken])
      .when(take(second, nonce + 2))
      .then(rejects('nonce_taken'))
    given([taken])
      .when(take(actionId, nonce + 1))
      .then(rejects('nonce_taken'))
  })

  it('that others have used on the chain are passed over', () => {
    given([taken])
      .when(take(second, nonce + 5, nonce + 5))
      .then([event(second, nonce + 5)])
    given([taken])
      .when(take(second, nonce + 1, nonce + 5))
      .then(rejects('nonce_taken'))
  })

  it('of an action that came to nothing are filled once, and it may have another one then', () => {
    const fill = { kind: 'fill', ...of, actionId, nonce, txHash: `0x${'f'.repeat(64)}` } as const
    const { chainNonce: _, at: __, ...facts } = of
    const filled = {
      type: 'ostium.SponsorNonceFilled.v1' as const,
      data: { ...facts, actionId, nonce, txHash: fill.txHash, occurredAt: at },
    }
    given([taken]).when(fill).then([filled])
    given([taken, filled]).when(fill).then([])
    given([taken, filled])
      .when(take(third, nonce + 1))
      .then([event(third, nonce + 1)])
  })

  it('are one sponsor’s on one chain', () => {
    expect(sponsorIdOf(1, address)).toBe(`1.${address.toLowerCase()}`)
  })
})
