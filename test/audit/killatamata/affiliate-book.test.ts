/** The book of an affiliate, on what the decider itself makes: in order as it is, and not after a forgery. */
import { describe, expect, it } from 'vitest'
import { affiliateBook } from '../../../src/audit/killatamata/affiliate-book.ts'
import { fold } from '../../../src/commands/decider.ts'
import { type AffiliateCommand, affiliate } from '../../../src/commands/killatamata/affiliate.ts'
import type { AnyEvent } from '../../../src/events/event.ts'
import type { AffiliateEvent } from '../../../src/events/killatamata/affiliate.ts'
import { accountId, at } from '../../commands/killatamata/story.ts'

type Order<T = AffiliateCommand> = T extends unknown ? Omit<T, 'accountId' | 'at'> : never

/** Two commissions, a payout that is rejected and one that is paid, and a refund of what was paid. */
function story(): AffiliateEvent[] {
  const events: AffiliateEvent[] = []
  const does = (order: Order) => {
    const command = { ...order, accountId, at: at(events.length) } as AffiliateCommand
    events.push(...affiliate.decide(command, fold(affiliate, events)))
  }
  const profile = { displayName: 'Ada', contactEmail: 'ada@example.com', countryCode: null, payoutAddress: 'ada' }
  const customer = '0b4ee4a5-7b02-5c0f-8b5b-000000000001'
  const deposit = (n: number) => ({
    ...{ depositId: `dep_${n}`, provider: 'stripe' as const, usdMicros: 10_000_000n, creditedAt: at(0) },
  })
  does({ kind: 'apply', application: { ...profile, termsVersion: null }, isReviewed: false })
  for (const n of [1, 2]) does({ kind: 'earn', deposit: deposit(n), customer, basisPoints: 1_000, holdMs: 0 })
  does({ kind: 'mature' })
  does({ kind: 'requestPayout', payoutRequestId: 'prq_1', note: null, minimumMicros: 1n })
  does({ kind: 'reject', payoutRequestId: 'prq_1', reason: 'no' })
  does({ kind: 'requestPayout', payoutRequestId: 'prq_2', note: null, minimumMicros: 1n })
  does({ kind: 'pay', payoutRequestId: 'prq_2', reference: 'wire' })
  does({ kind: 'reverse', deposit: deposit(1), reversedMicros: 10_000_000n })
  return events
}

function faultsOf(events: readonly AnyEvent[], isFromStart = true): string[] {
  const book = affiliateBook.open(isFromStart)
  return events.flatMap((event) => book.enter(event))
}

describe('the book of an affiliate', () => {
  it('finds nothing in what the decider makes, read from its start or from its midst', () => {
    const events = story()
    expect(events).toHaveLength(9)
    expect(faultsOf(events)).toStrictEqual([])
    for (const from of [1, 3, 6]) expect(faultsOf(events.slice(from), false)).toStrictEqual([])
  })

  it('sees another amount, a commission that comes twice, and postings that do not meet', () => {
    const events: AnyEvent[] = story()
    const earned = events[1] as AnyEvent
    expect(faultsOf([...events.slice(0, 2), earned, ...events.slice(2)])).not.toStrictEqual([])
    const after = { ...(earned.data.after as object), pendingMicros: '999' }
    expect(faultsOf([{ ...earned, data: { ...earned.data, after } }])).toStrictEqual([
      '999 is payable, but the postings make 1000000',
    ])
    const [debit] = earned.data.postings as object[]
    expect(faultsOf([{ ...earned, data: { ...earned.data, postings: [debit] } }], false)).toContain(
      'the postings sum to -1000000',
    )
  })
})
