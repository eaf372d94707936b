/** The books of firsthand, on what the deciders themselves make: in order as it is, and not after any forgery. */
import { describe, expect, test } from 'vitest'
import { walletBook } from '../../../src/audit/firsthand/wallet-book.ts'
import { earningsBook, workBook } from '../../../src/audit/firsthand/work-book.ts'
import { fold } from '../../../src/commands/decider.ts'
import { wallet } from '../../../src/commands/firsthand/wallet.ts'
import type { AnyEvent } from '../../../src/events/event.ts'
import type { WalletEvent } from '../../../src/events/firsthand/wallet.ts'
import { example, timeAt } from '../../support/examples.ts'

const posted = example('firsthand.JobPosted.v1')
const { organizationId, environment, jobId } = posted.data
const of = { organizationId, environment }

/** Two grants, a job of 4 files at 25 cents with one approved, its end, and what lapses of the rest. */
function story(): AnyEvent[] {
  const ofWallet: WalletEvent[] = []
  const walletDoes = (seconds: number, command: object): AnyEvent[] => {
    const given = { ...command, wallet: of, at: timeAt(seconds) } as Parameters<typeof wallet.decide>[0]
    const events = wallet.decide(given, fold(wallet, ofWallet))
    ofWallet.push(...events)
    return events
  }
  const grant = { kind: 'grant', credits: 'free_tier', reason: null }
  const approved = example('firsthand.SubmissionApproved.v1', { jobId, payoutCents: '20' })
  return [
    ...walletDoes(1, { ...grant, amountCents: 60n, endsAt: timeAt(90_000) }),
    ...walletDoes(2, { ...grant, amountCents: 100n, endsAt: null }),
    ...walletDoes(3, { kind: 'hold', job: posted.data }),
    posted,
    approved,
    example('firsthand.EarningCredited.v1', { ...approved.data, amountCents: '20', balanceCents: '20' }),
    example('firsthand.JobCancelled.v1', { filesApproved: 1, refundCents: '75' }),
    ...walletDoes(5, { kind: 'refund', jobId, filesApproved: 1 }),
    ...walletDoes(3_000_000, { kind: 'expire' }),
    example('firsthand.EarningsPaid.v1', { amountCents: '15', balanceCents: '5' }),
  ] as AnyEvent[]
}

function faultsOf(events: readonly AnyEvent[], isFromStart = true): string[] {
  const [work, money, earnings] = [workBook, walletBook, earningsBook].map((book) => book.open(isFromStart))
  return events.flatMap((event) => [
    ...work!.enter(event),
    ...(/\.(Credits|Escrow)/.test(event.type) ? money!.enter(event) : []),
    ...(/\.Earning/.test(event.type) ? earnings!.enter(event) : []),
  ])
}

const forged = (type: string, data: object): AnyEvent[] =>
  story().map((event) => (event.type === type ? { ...event, data: { ...event.data, ...data } } : event))

describe('the books of firsthand', () => {
  test('are in order where nothing was forged, read from the start or not', () => {
    expect(story().map(({ type }) => type)).toContain('firsthand.CreditsExpired.v1')
    expect(faultsOf(story())).toStrictEqual([])
    expect(faultsOf(story().slice(4), false)).toStrictEqual([])
  })

  test.each([
    ['firsthand.EscrowHeld.v1', { balanceCents: '61' }, 'the balance is 61, but 160 and a change of -100 make 60'],
    ['firsthand.EscrowHeld.v1', { parts: [] }, 'the balance is 60, but the lots hold 160'],
    ['firsthand.EscrowRefunded.v1', { amountCents: '76' }, 'the refund of JOB was agreed as 75, but is 76'],
    ['firsthand.EscrowRefunded.v1', { filesApproved: 2 }, '100 cents were held, 50 of them for files'],
    ['firsthand.SubmissionApproved.v1', { payoutCents: '25' }, 'the job pays 20 cents for a file, but 25 were granted'],
    ['firsthand.EarningCredited.v1', { amountCents: '25' }, 'was agreed as 20, but is 25'],
    ['firsthand.EarningsPaid.v1', { balanceCents: '6' }, '6 cents are owed, but 20 and a change of -15 make 5'],
    ['firsthand.JobCancelled.v1', { filesApproved: 0 }, '1 files were approved, but it ended with 0'],
  ])('are not where %s says %j', (type, data, fault) => {
    expect(faultsOf(forged(type, data)).join('\n')).toContain(fault.replace('JOB', jobId))
  })

  test.each([
    ['an earning that comes twice', 'firsthand.EarningCredited.v1', 2],
    ['a refund without a hold', 'firsthand.EscrowHeld.v1', 0],
    ['a job without money', 'firsthand.EscrowHeld.v1', 0],
  ])('find %s', (_, type, times) => {
    const events = story().flatMap((event) => (event.type === type ? Array<AnyEvent>(times).fill(event) : [event]))
    expect(faultsOf(events).length).toBeGreaterThan(0)
  })
})
