/** Credits that are bought, by a checkout or by a top-up, and taken back where their money went back. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type WalletCommand, wallet } from '../../../src/commands/firsthand/wallet.ts'
import { Rejected } from '../../../src/commands/rejection.ts'
import type { PurchaseSource, WalletEvent } from '../../../src/events/firsthand/wallet.ts'
import { rejects, specify } from '../../support/given.ts'
import { at, day, jobFacts, live } from './story.ts'

const given = specify(wallet)
const checkout = (n = 1): PurchaseSource => ({ kind: 'checkout', id: `cs_${n}` })
const buy = (cents: bigint, source = checkout(), when = at(1)): WalletCommand => ({
  ...{ kind: 'buy', wallet: live, source, amountCents: cents, at: when },
})
const clawBack = (cents: bigint, source = checkout(), when = at(5)): WalletCommand => ({
  ...{ kind: 'clawBack', wallet: live, source, reversedCents: cents, at: when },
})
/** A job of one file at this price. */
const hold = (cents: number, name = 'a job', rule: Rule | null = null, when = at(2)): WalletCommand => ({
  ...{ kind: 'hold', wallet: live, job: jobFacts(name, { files: 1, price: cents }), at: when },
  topUp: rule,
})
const refund = (cents: number, name = 'a job'): WalletCommand => ({
  ...{ kind: 'refund', wallet: live, jobId: jobFacts(name, { files: 1, price: cents }).jobId, filesApproved: 0 },
  at: at(6),
})
type Rule = NonNullable<Extract<WalletCommand, { kind: 'considerTopUp' }>['topUp']>

function written(...commands: readonly WalletCommand[]): WalletEvent[] {
  const events: WalletEvent[] = []
  for (const command of commands) events.push(...wallet.decide(command, fold(wallet, events)))
  return events
}
/** What the last of these commands has written, short. */
const lastOf = (...commands: readonly WalletCommand[]) =>
  written(...commands)
    .slice(written(...commands.slice(0, -1)).length)
    .map(({ type, data }) => [
      type.split('.')[1],
      'kind' in data ? data.kind : undefined,
      'amountCents' in data ? Number(data.amountCents) : undefined,
      Number(data.balanceCents),
    ])
const stateAfter = (...commands: readonly WalletCommand[]) => fold(wallet, written(...commands))

describe('a purchase', () => {
  it.each([
    [1_000n, 0],
    [2_500n, 125],
    [5_000n, 500],
    [10_000n, 1_500],
    [25_000n, 5_000],
    [2_501n, 0],
  ])('of %d cents brings a bonus of %i, in a lot of its own', (cents, bonus) => {
    const paid = Number(cents)
    expect(lastOf(buy(cents))).toStrictEqual([
      ['CreditsPurchased', 'purchase', paid, paid],
      ...(bonus === 0 ? [] : [['CreditsPurchased', 'bonus', bonus, paid + bonus]]),
    ])
    expect(stateAfter(buy(cents)).lots.map(({ endsAt }) => endsAt)).toStrictEqual(
      Array(bonus === 0 ? 1 : 2).fill('2027-03-02T09:01:00.000Z'),
    )
  })

  it('is credited once, whatever comes for its session again', () => {
    for (const again of [buy(5_000n), buy(5_000n, checkout(), day(400)), buy(1_000n)]) {
      given(written(buy(5_000n)))
        .when(again)
        .then([])
    }
    expect(lastOf(buy(1_000n), buy(1_000n, checkout(2)))).toHaveLength(1)
  })
})

describe('money that went back', () => {
  it('takes what the purchase’s own lots hold, its bonus in proportion, once', () => {
    const before = [buy(5_000n), buy(1_000n, checkout(2))]
    expect(lastOf(...before, clawBack(2_500n))).toStrictEqual([['CreditsClawedBack', undefined, 2_750, 3_750]])
    given(written(...before, clawBack(2_500n)))
      .when(clawBack(2_500n))
      .then([])
    expect(lastOf(...before, clawBack(2_500n), clawBack(9_999n))).toStrictEqual([
      ['CreditsClawedBack', undefined, 2_750, 1_000],
    ])
  })

  it('is owed where it was spent; jobs are refused until what comes in has paid it', () => {
    const spent = [buy(1_000n), hold(800), clawBack(1_000n)]
    expect(stateAfter(...spent)).toMatchObject({ balance: 0n, owed: 800n })
    given(written(...spent))
      .when(hold(1, 'another'))
      .then(rejects('credits_owed'))
    expect(stateAfter(...spent, buy(1_000n, checkout(2)))).toMatchObject({ balance: 200n, owed: 0n })
    // What a job gives back is of the purchase, and pays first as well.
    expect(stateAfter(...spent, refund(800))).toMatchObject({ balance: 0n, owed: 0n })
  })

  it('of a purchase that was not credited is a fault of ours', () =>
    expect(() => wallet.decide(clawBack(1n), wallet.initialState)).toThrow('was not credited'))

  it('never makes credits or loses any, in whatever order it happens', () => {
    const n = fc.integer({ min: 1, max: 3 })
    const step = fc.oneof(
      fc.tuple(n, fc.constantFrom(1_000n, 2_500n, 5_000n)).map(([of, cents]) => buy(cents, checkout(of))),
      fc.tuple(n, fc.bigInt({ min: 1n, max: 6_000n })).map(([of, cents]) => clawBack(cents, checkout(of))),
      fc.tuple(n, fc.constantFrom(100, 900, 2_000)).map(([of, cents]) => hold(cents, `job ${of} ${cents}`)),
      fc.tuple(n, fc.constantFrom(100, 900, 2_000)).map(([of, cents]) => refund(cents, `job ${of} ${cents}`)),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const events: WalletEvent[] = []
        const held = new Set<string>()
        for (const command of steps) {
          const before = fold(wallet, events)
          if (command.kind === 'clawBack' && !events.some(isOf(command.source))) continue
          // A job is posted once: its id follows from its request.
          if (command.kind === 'hold' && held.has(command.job.jobId)) continue
          try {
            events.push(...wallet.decide(command, before))
          } catch (error) {
            if (!(error instanceof Rejected)) throw error
            continue
          }
          if (command.kind === 'hold') held.add(command.job.jobId)
          agrees(events)
        }
      }),
      { numRuns: 300 },
    )
  })
})

const isOf = (source: PurchaseSource) => (event: WalletEvent) =>
  event.type === 'firsthand.CreditsPurchased.v1' && event.data.source.id === source.id

/** The lots make the balance, neither it nor the debt is negative, and what was bought is there, held, or taken back. */
function agrees(events: readonly WalletEvent[]): void {
  const { balance, lots, owed } = fold(wallet, events)
  expect(lots.reduce((sum, { remaining }) => sum + remaining, 0n)).toBe(balance)
  expect(balance >= 0n && owed >= 0n).toBe(true)
  let sum = 0n
  for (const { type, data } of events) {
    const amount = 'amountCents' in data ? BigInt(data.amountCents) : 0n
    const comesIn = type === 'firsthand.CreditsPurchased.v1' || type === 'firsthand.EscrowRefunded.v1'
    sum += comesIn ? amount : -amount
    expect(BigInt(data.balanceCents)).toBe(sum)
  }
}

describe('an automatic top-up', () => {
  const rule: Rule = { thresholdCents: 500n, amountCents: 2_500n }
  const grant = (cents: bigint, when = at(0)): WalletCommand => ({
    ...{ kind: 'grant', wallet: live, credits: 'free_tier', amountCents: cents, endsAt: null, reason: null, at: when },
  })
  const names = (...commands: readonly WalletCommand[]) => lastOf(...commands).map(([name]) => name)
  const dueIn = (events: readonly WalletEvent[]): string => {
    const due = events.findLast(({ type }) => type === 'firsthand.AutoTopUpDue.v1')
    if (due?.type !== 'firsthand.AutoTopUpDue.v1') throw new Error('no top-up is due')
    return due.data.topUpId
  }
  const end = (
    topUpId: string,
    as: Extract<WalletCommand, { kind: 'endTopUp' }>['end'],
    when = at(9),
  ): WalletCommand => ({
    ...{ kind: 'endTopUp', wallet: live, topUpId, end: as, paidCents: as.as === 'settled' ? 2_500n : null, at: when },
  })

  it('comes due in the append in which the balance falls below the threshold', () => {
    expect(names(grant(600n), hold(100, 'a', rule))).toStrictEqual(['EscrowHeld'])
    expect(names(grant(600n), hold(101, 'a', rule))).toStrictEqual(['EscrowHeld', 'AutoTopUpDue'])
    expect(names(grant(600n), hold(101, 'a', null))).toStrictEqual(['EscrowHeld'])
    // It was below already: nothing fell.
    expect(names(grant(499n), hold(101, 'a', rule))).toStrictEqual(['EscrowHeld'])
  })

  it('comes due once, however many jobs follow the one that crossed', () => {
    const jobs = Array.from({ length: 20 }, (_, n) => hold(20, `job ${n}`, rule))
    const events = written(grant(600n), ...jobs)
    expect(events.filter(({ type }) => type === 'firsthand.AutoTopUpDue.v1')).toHaveLength(1)
  })

  it('is not due again while one is under way, even where credits came and were spent', () => {
    const crossed = [grant(600n), hold(200, 'a', rule), grant(600n, at(3))]
    expect(names(...crossed, hold(600, 'b', rule, at(4)))).toStrictEqual(['EscrowHeld'])
  })

  it('comes due by credits that expire, too', () => {
    const lapsing: WalletCommand = { ...grant(600n), endsAt: day(1) } as WalletCommand
    const expire: WalletCommand = { kind: 'expire', wallet: live, topUp: rule, at: day(2) }
    expect(names(lapsing, expire)).toStrictEqual(['CreditsExpired', 'AutoTopUpDue'])
  })

  it('comes due by settings that are saved below the threshold, once for each saving', () => {
    const consider = (savedAt: string, topUp: Rule | null = rule): WalletCommand => ({
      ...{ kind: 'considerTopUp', wallet: live, topUp, savedAt, at: at(3) },
    })
    expect(names(grant(499n), consider(at(2)))).toStrictEqual(['AutoTopUpDue'])
    expect(names(grant(500n), consider(at(2)))).toStrictEqual([])
    expect(names(grant(499n), consider(at(2), null))).toStrictEqual([])
    const events = written(grant(499n), consider(at(2)))
    const settled = [grant(499n), consider(at(2)), end(dueIn(events), { as: 'cancelled' }, at(4))]
    expect(names(...settled, consider(at(2)))).toStrictEqual([])
    expect(names(...settled, consider(at(5)))).toStrictEqual(['AutoTopUpDue'])
  })

  it('that is paid brings its credits in the same append, once', () => {
    const crossed = [grant(600n), hold(200, 'a', rule)]
    const paid = end(dueIn(written(...crossed)), { as: 'settled' })
    expect(lastOf(...crossed, paid).map(([name, kind]) => [name, kind])).toStrictEqual([
      ['CreditsPurchased', 'purchase'],
      ['CreditsPurchased', 'bonus'],
      ['AutoTopUpSettled', undefined],
    ])
    given(written(...crossed, paid))
      .when(paid)
      .then([])
  })

  it.each([
    ['AutoTopUpCancelled', { as: 'cancelled' } as const],
    ['AutoTopUpFailed', { as: 'failed', amountCents: 2_500n, attempts: 4, reason: 'card_declined' } as const],
  ])('that ends with %s credits nothing, and the next fall has another', (name, as) => {
    const crossed = [grant(600n), hold(200, 'a', rule)]
    const ended = [...crossed, end(dueIn(written(...crossed)), as)]
    expect(names(...ended)).toStrictEqual([name])
    expect(names(...ended, grant(600n, at(10)), hold(900, 'b', rule, at(11)))).toContain('AutoTopUpDue')
  })

  it('comes due ten times a day at most, and again on the next day', () => {
    const commands: WalletCommand[] = []
    const fall = (n: number, when: string) => {
      commands.push(grant(600n, when), hold(600, `job ${n}`, rule, when))
      const due = written(...commands)
      const open = fold(wallet, due).topUps.underWay
      if (open !== null) commands.push(end(open, { as: 'cancelled' }, when))
      return open
    }
    const first = Array.from({ length: 12 }, (_, n) => fall(n, at(20 + n)) !== null)
    expect(first).toStrictEqual([...Array(10).fill(true), false, false])
    expect(fall(99, day(1))).not.toBeNull()
  })
})
