/** What an affiliate earns, when it can be paid, and what goes back: amounts hold whatever comes in which order. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type AffiliateCommand, affiliate } from '../../../src/commands/killatamata/affiliate.ts'
import { commissionIdOf } from '../../../src/commands/killatamata/ids.ts'
import { Rejected } from '../../../src/commands/rejection.ts'
import type { AffiliateEvent } from '../../../src/events/killatamata/affiliate.ts'
import { accountId, at, registry } from './story.ts'

const DAY_S = 86_400
const application = {
  ...{ displayName: 'Ada', contactEmail: 'ada@example.com', countryCode: 'GB', payoutAddress: 'ada@pay.example' },
  termsVersion: null,
}
const customerOf = (n: number) => `0b4ee4a5-7b02-5c0f-8b5b-${String(n).padStart(12, '0')}`
const deposit = (n: number, dollars: number, seconds: number) => ({
  ...{ depositId: `dep_${n}`, provider: 'stripe' as const, usdMicros: BigInt(dollars) * 1_000_000n },
  creditedAt: at(seconds),
})

type Step = { seconds: number } & (
  | { kind: 'apply'; isReviewed?: boolean; displayName?: string }
  | { kind: 'approve' }
  | { kind: 'update'; payoutAddress: string }
  | { kind: 'earn'; n: number; dollars: number; customer?: number }
  | { kind: 'reverse'; n: number; creditedAt: number; dollars: number }
  | { kind: 'mature' }
  | { kind: 'requestPayout'; id: string }
  | { kind: 'pay' | 'reject'; id: string; words?: string }
)

function commandOf(step: Step): AffiliateCommand {
  const of = { accountId, at: at(step.seconds) }
  switch (step.kind) {
    case 'apply': {
      const { isReviewed = false, displayName = 'Ada' } = step
      return { ...of, kind: 'apply', application: { ...application, displayName }, isReviewed }
    }
    case 'approve':
    case 'mature':
      return { ...of, kind: step.kind }
    case 'update':
      return { ...of, kind: 'update', changes: { payoutAddress: step.payoutAddress } }
    case 'earn': {
      const earning = deposit(step.n, step.dollars, step.seconds)
      const customer = customerOf(step.customer ?? step.n)
      return { ...of, kind: 'earn', deposit: earning, customer, basisPoints: 1_000, holdMs: 14 * DAY_S * 1_000 }
    }
    case 'reverse': {
      const { depositId, creditedAt } = deposit(step.n, 0, step.creditedAt)
      const reversedMicros = BigInt(step.dollars) * 1_000_000n
      return { ...of, kind: 'reverse', deposit: { depositId, creditedAt }, reversedMicros }
    }
    case 'requestPayout':
      return { ...of, kind: 'requestPayout', payoutRequestId: step.id, note: null, minimumMicros: 10_000_000n }
    case 'pay':
      return { ...of, kind: 'pay', payoutRequestId: step.id, reference: step.words ?? 'wire 7' }
    case 'reject':
      return { ...of, kind: 'reject', payoutRequestId: step.id, reason: step.words ?? 'the address is wrong' }
    default:
      return step satisfies never
  }
}

/** What each of these leads to, and the events. */
function story(...steps: readonly Step[]): { outcomes: string[]; events: AffiliateEvent[] } {
  const events: AffiliateEvent[] = []
  const outcomes = steps.map((step) => {
    try {
      const more = affiliate.decide(commandOf(step), fold(affiliate, events))
      for (const { type, data } of more) expect(registry.decode(type, data)).toStrictEqual({ type, data })
      events.push(...more)
      return more.map(({ type }) => type.split('.')[1]).join() || 'nothing'
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      return error.code
    }
  })
  return { outcomes, events }
}

function standingAfter(...steps: readonly Step[]) {
  const state = fold(affiliate, story(...steps).events)
  if (state.status === 'absent') throw new Error('nobody has applied')
  const { standing } = state
  const dollars = (micros: string) => Number(micros) / 1_000_000
  return {
    ...{ pending: dollars(standing.pendingMicros), available: dollars(standing.availableMicros) },
    ...{ requested: dollars(standing.requestedMicros), paid: dollars(standing.paidMicros) },
    ...{ reversed: dollars(standing.reversedMicros), owed: dollars(standing.owedMicros) },
  }
}

const apply: Step = { kind: 'apply', seconds: 0 }
const later = 15 * DAY_S

describe('an application', () => {
  it('is taken once, and again with the same facts alone', () => {
    const { outcomes } = story(apply, apply, { kind: 'apply', displayName: 'Ben', seconds: 2 })
    expect(outcomes).toStrictEqual(['AffiliateApplied', 'nothing', 'affiliate_exists'])
  })

  it('waits for its approval where it is reviewed', () => {
    const reviewed: Step = { kind: 'apply', isReviewed: true, seconds: 0 }
    const ask: Step = { kind: 'requestPayout', id: 'prq_1', seconds: later }
    const approve: Step = { kind: 'approve', seconds: 1 }
    expect(story(reviewed, ask, approve, approve, ask).outcomes).toStrictEqual([
      ...['AffiliateApplied', 'affiliate_pending', 'AffiliateApproved', 'nothing', 'payout_below_minimum'],
    ])
  })
})

describe('a commission', () => {
  const earn: Step = { kind: 'earn', n: 1, dollars: 200, seconds: 10 }

  it('is a tenth of the deposit, once, and can be paid after its days', () => {
    const { outcomes } = story(apply, earn, earn, { kind: 'mature', seconds: 20 }, { kind: 'mature', seconds: later })
    expect(outcomes).toStrictEqual(['AffiliateApplied', 'CommissionEarned', 'nothing', 'nothing', 'CommissionMatured'])
    expect(standingAfter(apply, earn)).toMatchObject({ pending: 20, available: 0 })
    expect(standingAfter(apply, earn, { kind: 'mature', seconds: later })).toMatchObject({ pending: 0, available: 20 })
  })

  it('goes back with its deposit, in part and in whole, and no further', () => {
    const back = (dollars: number): Step => ({ kind: 'reverse', n: 1, creditedAt: 10, dollars, seconds: 30 })
    expect(standingAfter(apply, earn, back(50))).toMatchObject({ pending: 15, reversed: 5 })
    expect(standingAfter(apply, earn, back(50), back(50))).toMatchObject({ pending: 15, reversed: 5 })
    expect(standingAfter(apply, earn, back(50), back(900))).toMatchObject({ pending: 0, reversed: 20 })
    expect(standingAfter(apply, back(50))).toMatchObject({ pending: 0, reversed: 0 })
  })

  it('that was paid and goes back takes from the next one', () => {
    const steps: Step[] = [
      ...[apply, earn, { kind: 'mature', seconds: later } as const],
      { kind: 'requestPayout', id: 'prq_1', seconds: later },
      { kind: 'pay', id: 'prq_1', seconds: later + 1 },
      { kind: 'reverse', n: 1, creditedAt: 10, dollars: 200, seconds: later + 2 },
    ]
    expect(standingAfter(...steps)).toMatchObject({ paid: 20, owed: 20, reversed: 20, available: 0 })
    const next: Step[] = [
      { kind: 'earn', n: 2, dollars: 300, seconds: later + 3 },
      { kind: 'mature', seconds: 2 * later + 3 },
    ]
    expect(standingAfter(...steps, ...next)).toMatchObject({ owed: 0, available: 10 })
  })
})

describe('a payout', () => {
  const earned: Step[] = [
    apply,
    { kind: 'earn', n: 1, dollars: 150, seconds: 10 },
    { kind: 'earn', n: 2, dollars: 50, seconds: 20 },
    { kind: 'mature', seconds: later },
  ]
  const ask = (id: string, seconds = later): Step => ({ kind: 'requestPayout', id, seconds })

  it('takes all that can be paid, one request at a time', () => {
    expect(story(...earned, ask('prq_1'), ask('prq_2')).outcomes.slice(-2)).toStrictEqual([
      ...['PayoutRequested', 'payout_request_open'],
    ])
    expect(standingAfter(...earned, ask('prq_1'))).toMatchObject({ available: 0, requested: 20 })
  })

  it('is decided once', () => {
    const pay: Step = { kind: 'pay', id: 'prq_1', seconds: later }
    const reject: Step = { kind: 'reject', id: 'prq_1', seconds: later }
    expect(story(...earned, pay, ask('prq_1'), pay, pay, reject).outcomes.slice(-5)).toStrictEqual([
      ...['payout_request_not_found', 'PayoutRequested', 'PayoutPaid', 'nothing', 'payout_request_decided'],
    ])
    expect(standingAfter(...earned, ask('prq_1'), pay)).toMatchObject({ requested: 0, paid: 20 })
  })

  it('is not decided again in other words', () => {
    const decide = (kind: 'pay' | 'reject', words?: string): Step => ({
      ...{ kind, id: 'prq_1', seconds: later },
      ...(words && { words }),
    })
    for (const kind of ['pay', 'reject'] as const) {
      const { outcomes } = story(...earned, ask('prq_1'), decide(kind), decide(kind, 'wire 8'), decide(kind))
      expect(outcomes.slice(-2)).toStrictEqual(['payout_request_decided', 'nothing'])
    }
  })

  it('that is rejected can be requested again', () => {
    const reject: Step = { kind: 'reject', id: 'prq_1', seconds: later }
    expect(standingAfter(...earned, ask('prq_1'), reject)).toMatchObject({ available: 20, requested: 0, paid: 0 })
    expect(story(...earned, ask('prq_1'), reject, ask('prq_2')).outcomes.at(-1)).toBe('PayoutRequested')
  })
})

describe('the standing', () => {
  it('is what was earned less what went back, in any order of steps', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('earn' as const), n: fc.integer({ min: 1, max: 6 }), dollars: fc.nat(500) }),
      fc.record({ kind: fc.constant('reverse' as const), n: fc.integer({ min: 1, max: 6 }), dollars: fc.nat(600) }),
      fc.record({ kind: fc.constantFrom('mature' as const, 'request' as const, 'pay' as const, 'reject' as const) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (chosen) => {
        // The deposits of one number are one deposit, credited at one moment.
        const creditedAt = (n: number) => n
        const steps = chosen.map((each, index): Step => {
          const seconds = later + index
          if (each.kind === 'earn') return { ...each, seconds: creditedAt(each.n) }
          if (each.kind === 'reverse') return { ...each, creditedAt: creditedAt(each.n), seconds }
          if (each.kind === 'request') return { kind: 'requestPayout', id: `prq_${index}`, seconds }
          if (each.kind === 'mature') return { kind: 'mature', seconds }
          return { kind: each.kind, id: `prq_${chosen.findLastIndex(({ kind }) => kind === 'request')}`, seconds }
        })
        const { events } = story(apply, ...steps)
        const state = fold(affiliate, events)
        if (state.status === 'absent') throw new Error('nobody has applied')
        const left = new Map<string, bigint>()
        for (const { type, data } of events) {
          if (type === 'killatamata.CommissionEarned.v1') left.set(data.commissionId, BigInt(data.usdMicros))
          if (type === 'killatamata.CommissionReversed.v1') left.set(data.commissionId, BigInt(data.leftMicros))
        }
        const sum = left.values().reduce((total, each) => total + each, 0n)
        const { standing } = state
        const amounts = [
          standing.pendingMicros,
          standing.availableMicros,
          standing.requestedMicros,
          standing.paidMicros,
        ]
        const held = amounts.reduce((total, each) => total + BigInt(each), 0n)
        expect(held - BigInt(standing.owedMicros)).toBe(sum)
        for (const each of amounts) expect(BigInt(each)).toBeGreaterThanOrEqual(0n)
      }),
      { numRuns: 300 },
    )
  })

  it('names a commission by its deposit', () => {
    expect(commissionIdOf('dep_1', at(0))).toBe(commissionIdOf('dep_1', at(0)))
    expect(commissionIdOf('dep_1', at(0))).not.toBe(commissionIdOf('dep_2', at(0)))
  })
})
