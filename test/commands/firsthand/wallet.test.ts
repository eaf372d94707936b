import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type WalletCommand, wallet, walletIdOf } from '../../../src/commands/firsthand/wallet.ts'
import { Rejected } from '../../../src/commands/rejection.ts'
import type { WalletEvent } from '../../../src/events/firsthand/wallet.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { rejects, specify } from '../../support/given.ts'
import { at, day, inTest, jobFacts, live } from './story.ts'

const given = specify(wallet)
const grant = (cents: bigint, when = at(0), endsAt: string | null = null) =>
  ({ kind: 'grant', wallet: live, credits: 'free_tier', amountCents: cents, endsAt, reason: null, at: when }) as const
const hold = (job = jobFacts(), when = at(1)) => ({ kind: 'hold', wallet: live, job, at: when }) as const
const refund = (filesApproved: number, jobId = jobFacts().jobId, when = at(2)) =>
  ({ kind: 'refund', wallet: live, jobId, filesApproved, at: when }) as const

/** What these commands have written, one after the other. */
function written(...commands: readonly WalletCommand[]): WalletEvent[] {
  const events: WalletEvent[] = []
  let state = wallet.initialState
  for (const command of commands) {
    const decided = wallet.decide(command, state)
    events.push(...decided)
    state = fold(wallet, decided, state)
  }
  return events
}
const idOf = (when: string, sequence: number) => prefixedId('crtx', when, `${walletIdOf(live)} ${sequence}`, sequence)
const lot = { lotId: idOf(at(0), 0), kind: 'free_tier' as const, endsAt: '2027-03-02T09:00:00.000Z' }

describe('credits', () => {
  it('are good for 12 months unless they say otherwise', () =>
    given([])
      .when(grant(1_000n))
      .then([
        {
          type: 'firsthand.CreditsGranted.v1',
          data: {
            ...{ ...live, transactionId: lot.lotId, kind: 'free_tier', amountCents: '1000', balanceCents: '1000' },
            ...{ endsAt: lot.endsAt, reason: null, occurredAt: at(0) },
          },
        },
      ]))
  it.each([0n, -1n, 2n ** 53n])('of %d cents are refused', (cents) =>
    given([]).when(grant(cents)).then(rejects('credits_out_of_range')),
  )
  it('that have ended are refused', () =>
    given([])
      .when(grant(1n, at(5), at(5)))
      .then(rejects('credits_end_passed')))
})

describe('a hold', () => {
  it('takes the whole of the cost, and names the lots that it took', () =>
    given(written(grant(1_000n)))
      .when(hold())
      .then([
        {
          type: 'firsthand.EscrowHeld.v1',
          data: {
            ...{ ...live, transactionId: idOf(at(1), 1), amountCents: '100', balanceCents: '900', job: jobFacts() },
            ...{ parts: [{ ...lot, amountCents: '100', remainingCents: '900' }], occurredAt: at(1) },
          },
        },
      ]))
  it('takes nothing where the credits do not suffice', () =>
    given(written(grant(99n)))
      .when(hold())
      .then(rejects('insufficient_credits', '')))
  it('takes what ends first, then what is older', () => {
    const events = written(
      ...[grant(60n, at(0), day(300)), grant(30n, at(0), day(100)), grant(30n, at(0), day(100)), hold()],
    )
    const [held] = events.slice(-1)
    expect(held?.type === 'firsthand.EscrowHeld.v1' && held.data.parts.map((part) => part.amountCents)).toStrictEqual([
      ...['30', '30', '40'],
    ])
  })
  it('never takes what has ended, and books its end before', () => {
    const events = written(grant(1_000n, at(0), day(1)), grant(100n), hold(jobFacts(), day(1)))
    expect(events.slice(2)).toMatchObject([
      { type: 'firsthand.CreditsExpired.v1', data: { amountCents: '1000', balanceCents: '100' } },
      { type: 'firsthand.EscrowHeld.v1', data: { amountCents: '100', balanceCents: '0' } },
    ])
    given(written(grant(1_000n, at(0), day(1))))
      .when(hold(jobFacts(), day(1)))
      .then(rejects('insufficient_credits', ''))
  })
  it('books 200 ends at once, the longest ended first, and spends none of the others either', () => {
    const grants = Array.from({ length: 250 }, (_, n) => grant(10n, at(0), day(1 + n / 1_000)))
    const events = written(...grants, grant(100n), hold(jobFacts(), day(2)))
    const ended = events.filter(({ type }) => type === 'firsthand.CreditsExpired.v1')
    expect(ended.map(({ data }) => 'endsAt' in data && data.endsAt)).toStrictEqual(
      Array.from({ length: 200 }, (_, n) => day(1 + n / 1_000)),
    )
    // The balance still has what is to be booked, and nothing else.
    expect(events.at(-1)).toMatchObject({ data: { amountCents: '100', balanceCents: '500', parts: { length: 1 } } })
    given(events)
      .when(hold(jobFacts('another'), day(2)))
      .then(rejects('insufficient_credits', ''))
    const rest = written(...grants, grant(100n), hold(jobFacts(), day(2)), { kind: 'expire', wallet: live, at: day(2) })
    expect(fold(wallet, rest)).toMatchObject({ balance: 0n, lots: [] })
  })
  it('in the test world is refused where the job asks for that, and in live is not', () => {
    const metadata = { fh_sandbox: 'insufficient_credits' }
    const job = { ...jobFacts('a job', { environment: 'test' }), metadata }
    given([])
      .when({ ...hold(job), wallet: inTest })
      .then(rejects('insufficient_credits', ''))
    expect(written(grant(1_000n), hold({ ...jobFacts('a job'), metadata }))).toHaveLength(2)
  })
  it('takes nothing in the test world, and is no transaction', () => {
    const job = jobFacts('a job', { environment: 'test' })
    given([])
      .when({ kind: 'hold', wallet: inTest, job, at: at(1) })
      .then([
        {
          type: 'firsthand.EscrowHeld.v1',
          data: {
            ...inTest,
            transactionId: null,
            amountCents: '0',
            balanceCents: '0',
            parts: [],
            job,
            occurredAt: at(1),
          },
        },
      ])
  })
})

describe('a refund', () => {
  it('is what was not paid', () => {
    const [refunded] = written(grant(1_000n), hold(), refund(3)).slice(-1)
    expect(refunded).toMatchObject({ data: { amountCents: '25', balanceCents: '925', filesApproved: 3 } })
  })
  it('is booked once', () =>
    given(written(grant(1_000n), hold(), refund(3)))
      .when(refund(3))
      .then([]))
  it('is never more than was held, whatever the job says', () => {
    const state = fold(wallet, written(grant(1_000n), hold()))
    expect(() => wallet.decide(refund(5), state)).toThrow('were paid out of')
  })
  it('of nothing is no transaction', () => {
    const [refunded] = written(grant(1_000n), hold(), refund(4)).slice(-1)
    expect(refunded).toMatchObject({ data: { transactionId: null, amountCents: '0', balanceCents: '900' } })
  })
  it('is good for 30 days where its lot has ended', () => {
    const [refunded] = written(grant(100n, at(0), day(1)), hold(), refund(0, undefined, day(9))).slice(-1)
    expect(refunded).toMatchObject({ data: { parts: [{ endsAt: day(39), remainingCents: '100' }] } })
  })
})

describe('time', () => {
  it('never goes back in a wallet, so that its transactions sort by it', () => {
    const events = written(grant(1_000n, at(9)), hold(jobFacts(), at(3)))
    expect(events.map(({ data }) => data.occurredAt)).toStrictEqual([at(9), at(9)])
  })
})

describe('whatever happens to a wallet', () => {
  const command = fc.oneof(
    fc.record({
      do: fc.constant('grant' as const),
      cents: fc.integer({ min: 1, max: 500 }),
      days: fc.integer({ min: 1, max: 90 }),
    }),
    fc.record({
      do: fc.constant('hold' as const),
      files: fc.integer({ min: 1, max: 9 }),
      price: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({ do: fc.constant('refund' as const), pick: fc.nat(), approved: fc.nat(9) }),
    fc.record({ do: fc.constant('settle' as const), pick: fc.nat() }),
    fc.record({ do: fc.constant('expire' as const) }),
  )
  const story = fc.array(fc.tuple(command, fc.integer({ min: 0, max: 20 })), { maxLength: 60 })

  it('its lots make its balance, its transactions add up to it, and a hold is what was paid and what came back', () => {
    fc.assert(
      fc.property(story, (steps) => {
        const events: WalletEvent[] = []
        const held: { jobId: string; files: number; price: number }[] = []
        let today = 0
        for (const [step, days] of steps) {
          today += days
          const before = fold(wallet, events)
          const made = commandOf(step, day(today), held, events.length)
          if (!made) continue
          try {
            events.push(...wallet.decide(made, before))
          } catch (error) {
            if (!(error instanceof Rejected)) throw error
            expect(error.code).toBe('insufficient_credits')
            if (made.kind === 'hold') held.pop()
          }
          agree(events)
        }
      }),
      { numRuns: 300 },
    )
  })

  type Step = typeof command extends fc.Arbitrary<infer T> ? T : never

  function commandOf(
    step: Step,
    when: string,
    held: { jobId: string; files: number; price: number }[],
    count: number,
  ): WalletCommand | undefined {
    switch (step.do) {
      case 'grant':
        return grant(BigInt(step.cents), when, new Date(Date.parse(when) + step.days * 86_400_000).toISOString())
      case 'hold': {
        const job = jobFacts(`job ${count}`, step)
        held.push({ jobId: job.jobId, files: step.files, price: step.price })
        return hold(job, when)
      }
      case 'refund': {
        const [job] = held.splice(step.pick % Math.max(1, held.length), 1)
        return job && refund(Math.min(step.approved, job.files), job.jobId, when)
      }
      case 'settle': {
        const [job] = held.splice(step.pick % Math.max(1, held.length), 1)
        return job && { kind: 'settle', wallet: live, jobId: job.jobId, filesApproved: job.files, at: when }
      }
      case 'expire':
        return { kind: 'expire', wallet: live, at: when }
    }
  }

  function agree(events: readonly WalletEvent[]): void {
    const state = fold(wallet, events)
    expect(state.lots.reduce((sum, { remaining }) => sum + remaining, 0n)).toBe(state.balance)
    expect(state.balance >= 0n).toBe(true)
    let balance = 0n
    const spent: string[] = []
    for (const { type, data } of events) {
      if (!('transactionId' in data)) throw new Error(`${type} moves nothing`)
      const amount = 'amountCents' in data ? BigInt(data.amountCents) : 0n
      const isCredit = type === 'firsthand.CreditsGranted.v1' || type === 'firsthand.EscrowRefunded.v1'
      balance += isCredit ? amount : -amount
      expect(BigInt(data.balanceCents)).toBe(balance)
      if (data.transactionId !== null) spent.push(`${data.occurredAt} ${data.transactionId}`)
      if (type !== 'firsthand.EscrowRefunded.v1') continue
      const holding = events.find(
        (each) => each.type === 'firsthand.EscrowHeld.v1' && each.data.job.jobId === data.jobId,
      )
      if (holding?.type !== 'firsthand.EscrowHeld.v1') throw new Error('a refund without a hold')
      const paid = BigInt(holding.data.job.pricePerFileCents) * BigInt(data.filesApproved)
      expect(amount + paid).toBe(BigInt(holding.data.amountCents))
      expect(state.escrows.has(data.jobId)).toBe(false)
    }
    expect(spent).toStrictEqual(spent.toSorted())
    expect(new Set(spent).size).toBe(spent.length)
  }
})
