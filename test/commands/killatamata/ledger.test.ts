/**
 * The ledger keeps its promises, whatever is asked of it and by how many processes: nothing below zero, no deposit twice, no hold ended
 * twice, and what came in is what is spent, held and left.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type LedgerCommand, ledger } from '../../../src/commands/killatamata/ledger.ts'
import type { LedgerState } from '../../../src/commands/killatamata/ledger-state.ts'
import { BALANCE_MAX_MICROS } from '../../../src/commands/killatamata/money.ts'
import { Rejected } from '../../../src/commands/rejection.ts'
import type { LedgerEvent, Posting } from '../../../src/events/killatamata/ledger.ts'
import { accountId, at, emptyLog, processOn, systemAt } from './story.ts'

type Order = LedgerCommand extends infer C ? (C extends C ? Omit<C, 'accountId' | 'period' | 'at'> : never) : never
const of = (order: Order, seconds = 1) => ({ ...order, accountId, period: 1, at: at(seconds) }) as LedgerCommand

const deposit = (n: number, usdMicros: bigint): Order => ({
  ...{ kind: 'deposit', depositId: `dep_${n}`, settlementId: `s${n}`, provider: 'stripe', usdMicros },
})
const hold = (n: number, usdMicros: bigint): Order => ({
  ...{ kind: 'hold', holds: [{ holdId: `hold_${n}`, jobId: `job_${n}`, usdMicros }] },
})
const capture = (n: number, capturedMicros: bigint): Order => ({ kind: 'capture', holdId: `hold_${n}`, capturedMicros })
const release = (n: number): Order => ({ kind: 'release', holdId: `hold_${n}`, reason: 'job_failed' })
const refund = (n: number, reversedMicros: bigint): Order => ({
  ...{ kind: 'reverse', depositId: `dep_${n}`, cause: 'refund', reversedMicros },
})

/** What these orders write, one after the other; a refusal writes nothing. */
function written(...orders: readonly Order[]): { events: LedgerEvent[]; state: LedgerState; refusals: string[] } {
  const events: LedgerEvent[] = []
  const refusals: string[] = []
  let state = ledger.initialState
  for (const order of orders) {
    try {
      const more = ledger.decide(of(order), state)
      events.push(...more)
      state = fold(ledger, more, state)
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      refusals.push(error.code)
    }
  }
  return { events, state, refusals }
}

const balances = ({ available, held, owed }: LedgerState) => [available, held, owed]
const postingsOf = (events: readonly LedgerEvent[]): Posting[] =>
  events.flatMap(({ data }) => ('postings' in data ? data.postings : []))
const signed = ({ side, usdMicros }: Posting) => (side === 'credit' ? BigInt(usdMicros) : -BigInt(usdMicros))
const sumOf = (postings: readonly Posting[], ...accounts: readonly string[]): bigint =>
  postings.filter(({ account }) => accounts.includes(account)).reduce((sum, each) => sum + signed(each), 0n)

describe('a ledger', () => {
  it('takes a deposit once', () => {
    const { state, events } = written(deposit(1, 500n), deposit(1, 500n))
    expect(balances(state)).toStrictEqual([500n, 0n, 0n])
    expect(events).toHaveLength(1)
  })

  it('holds what there is, to the micro, and not one more', () => {
    expect(balances(written(deposit(1, 500n), hold(1, 500n)).state)).toStrictEqual([0n, 500n, 0n])
    expect(written(deposit(1, 500n), hold(1, 501n)).refusals).toStrictEqual(['insufficient_balance'])
  })

  it('holds all of several, or none', () => {
    const several: Order = {
      kind: 'hold',
      holds: [1, 2, 3].map((n) => ({ holdId: `hold_${n}`, jobId: `job_${n}`, usdMicros: 200n })),
    }
    expect(balances(written(deposit(1, 600n), several, several).state)).toStrictEqual([0n, 600n, 0n])
    expect(balances(written(deposit(1, 599n), several).state)).toStrictEqual([599n, 0n, 0n])
  })

  it('captures at most what is held, and frees the rest', () => {
    expect(balances(written(deposit(1, 500n), hold(1, 300n), capture(1, 120n)).state)).toStrictEqual([380n, 0n, 0n])
    expect(written(deposit(1, 500n), hold(1, 300n), capture(1, 301n)).refusals).toStrictEqual(['capture_beyond_hold'])
  })

  it('ends a hold once, and never opens it again', () => {
    const { state, events, refusals } = written(
      ...[deposit(1, 500n), hold(1, 300n), release(1), capture(1, 300n), release(1), hold(1, 300n)],
    )
    expect(balances(state)).toStrictEqual([500n, 0n, 0n])
    expect(events).toHaveLength(3)
    expect(refusals).toStrictEqual(['hold_ended'])
  })

  it('owes what went back after it was spent, and the next deposit pays it first', () => {
    const spent = [deposit(1, 500n), hold(1, 300n), capture(1, 300n), refund(1, 500n)]
    expect(balances(written(...spent).state)).toStrictEqual([0n, 0n, 300n])
    expect(written(...spent, hold(2, 0n)).refusals).toStrictEqual(['insufficient_balance'])
    expect(balances(written(...spent, deposit(2, 400n)).state)).toStrictEqual([100n, 0n, 0n])
  })

  it('counts what went back once, and no more than was paid', () => {
    const { state } = written(deposit(1, 500n), refund(1, 200n), refund(1, 200n), refund(1, 150n), refund(1, 900n))
    expect(balances(state)).toStrictEqual([0n, 0n, 0n])
  })

  it('takes no deposit beyond what a number of JSON holds', () => {
    const { refusals } = written(deposit(1, BALANCE_MAX_MICROS), deposit(2, 1n))
    expect(refusals).toStrictEqual(['balance_limit_exceeded'])
  })

  it('goes on in its next period with what it left, and refuses in a period that is closed', () => {
    const { state } = written(deposit(1, 500n), hold(1, 300n), { kind: 'close', eventsMax: 2 })
    expect(() => ledger.decide(of(deposit(2, 1n)), state)).toThrow('next period')
    const next = fold(ledger, ledger.decide({ ...of({ kind: 'open', from: state }), period: 2 }, ledger.initialState))
    expect(balances(next)).toStrictEqual([200n, 300n, 0n])
    expect(ledger.decide(of(deposit(1, 500n)), next)).toStrictEqual([])
    expect(fold(ledger, ledger.decide(of(capture(1, 300n)), next), next).held).toBe(0n)
  })

  it('keeps its sums whatever is asked of it', () => {
    const amount = fc.bigInt(0n, 1_000n)
    const id = fc.integer({ min: 1, max: 6 })
    const order = fc.oneof(
      fc.tuple(id, amount).map(([n, micros]) => deposit(n, micros * 10n)),
      fc.tuple(id, amount).map(([n]) => hold(n, BigInt(n) * 97n)),
      fc.tuple(id, amount).map(([n, micros]) => capture(n, micros)),
      id.map(release),
      fc.tuple(id, amount).map(([n, micros]) => refund(n, micros * 10n)),
    )
    const known = (orders: readonly Order[]): Order[] => {
      const seen = new Set<string>()
      return orders.filter((each) => {
        if (each.kind === 'deposit') seen.add(each.depositId)
        return each.kind !== 'reverse' || seen.has(each.depositId)
      })
    }
    fc.assert(
      fc.property(fc.array(order, { maxLength: 60 }), (orders) => {
        const { events, state } = written(...known(orders))
        for (const { data } of events) {
          if (!('postings' in data)) continue
          expect(data.postings.reduce((sum, each) => sum + signed(each), 0n)).toBe(0n)
          expect(Object.values(data.after).every((text) => BigInt(text) >= 0n)).toBe(true)
        }
        const all = postingsOf(events)
        expect(sumOf(all, 'available')).toBe(state.available)
        expect(sumOf(all, 'held')).toBe(state.held)
        expect(-sumOf(all, 'owed')).toBe(state.owed)
        const deposited = -sumOf(all, 'stripe_clearing')
        const spent = sumOf(all, 'media_revenue', 'refunds')
        expect(deposited).toBe(spent + state.held + state.available - state.owed)
      }),
      { numRuns: 400 },
    )
  })
})

describe('ledgers of several processes', () => {
  it('let 400 of 1,000 holds in where there is money for 400, and never fall below zero', async () => {
    const log = emptyLog()
    const processes = [processOn(log), processOn(log), processOn(log)]
    const paid = { depositId: 'dep_1', settlementId: 's1', provider: 'stripe', usdMicros: 400n * 7n } as const
    await processes[0]?.ledgers.credit(accountId, paid, 1, systemAt(1))
    const asked = Array.from({ length: 1_000 }, (_, n) =>
      processes[n % 3]?.ledgers.hold(
        accountId,
        [{ holdId: `hold_${n}`, jobId: `job_${n}`, usdMicros: 7n }],
        systemAt(2),
      ),
    )
    const outcomes = await Promise.allSettled(asked)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(400)
    const refusals = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []))
    expect(new Set(refusals)).toStrictEqual(new Set(['insufficient_balance']))
    expect(await processes[1]?.ledgers.balance(accountId)).toStrictEqual({
      ...{ availableMicros: 0n, heldMicros: 2_800n, owedMicros: 0n },
    })
  })

  it('credit a payment once, however many ask at once, over the end of periods too', async () => {
    const log = emptyLog()
    const processes = Array.from({ length: 5 }, () => processOn(log, { periodEventsMax: 3 }))
    const asked = Array.from({ length: 50 }, (_, n) => {
      const { ledgers } = processes[n % 5] ?? processOn(log)
      const id = Math.floor(n / 5)
      const paid = { depositId: `dep_${id}`, settlementId: `s${id}`, provider: 'coinbase', usdMicros: 11n } as const
      return ledgers.credit(accountId, paid, 1, systemAt(n))
    })
    await Promise.all(asked)
    expect(await processes[0]?.ledgers.balance(accountId)).toMatchObject({ availableMicros: 110n })
    expect(log.events().filter(({ type }) => type === 'killatamata.DepositCredited.v1')).toHaveLength(10)
    expect(await processes[1]?.ledgers.period(accountId)).toBeGreaterThan(1)
  })

  it('capture in the next period what was held in the one before, once', async () => {
    const log = emptyLog()
    const [here, there] = [processOn(log, { periodEventsMax: 4 }), processOn(log, { periodEventsMax: 4 })]
    const paid = { depositId: 'dep_1', settlementId: 's1', provider: 'x402', usdMicros: 1_000n } as const
    await here.ledgers.credit(accountId, paid, 1, systemAt(1))
    const held = (n: number) => [{ holdId: `hold_${n}`, jobId: `job_${n}`, usdMicros: 100n }]
    await here.ledgers.hold(accountId, held(1), systemAt(2))
    for (const n of [2, 3, 4, 5]) await there.ledgers.hold(accountId, held(n), systemAt(n + 1))
    const both = await Promise.all([
      here.ledgers.capture(accountId, 'hold_1', 60n, systemAt(9)),
      there.ledgers.capture(accountId, 'hold_1', 60n, systemAt(9)),
    ])
    expect(both.map(({ outcome }) => outcome).sort()).toStrictEqual(['captured', 'ended_before'])
    expect((await here.ledgers.release(accountId, 'hold_1', 'job_failed', systemAt(10))).outcome).toBe('ended_before')
    expect(await there.ledgers.balance(accountId)).toMatchObject({ availableMicros: 540n, heldMicros: 400n })
    expect((await there.ledgers.openHolds(accountId)).map(({ holdId }) => holdId).sort()).toStrictEqual(
      [2, 3, 4, 5].map((n) => `hold_${n}`),
    )
  })

  it('take back a deposit of a period long before, once for all that went back', async () => {
    const log = emptyLog()
    const { ledgers } = processOn(log, { periodEventsMax: 2 })
    const paid = { depositId: 'dep_1', settlementId: 's1', provider: 'stripe', usdMicros: 1_000n } as const
    await ledgers.credit(accountId, paid, 1, systemAt(1))
    const [month, later] = [50 * 86_400, 51 * 86_400]
    for (const n of [2, 3, 4]) {
      const more = { depositId: `dep_${n}`, settlementId: `s${n}`, provider: 'stripe', usdMicros: 1n } as const
      await ledgers.credit(accountId, more, 1, systemAt(month + n))
    }
    const order = { depositId: 'dep_1', cause: 'refund', reversedMicros: 400n, sincePeriod: 1 } as const
    await ledgers.reverse(accountId, order, systemAt(later))
    await ledgers.reverse(accountId, order, systemAt(later + 1))
    expect(await ledgers.balance(accountId)).toMatchObject({ availableMicros: 603n })
    await ledgers.credit(accountId, paid, 1, systemAt(later + 2))
    expect(await ledgers.balance(accountId)).toMatchObject({ availableMicros: 603n })
  })

  it('find the open period of a long history by a few of its periods, whatever they were told of it', async () => {
    const log = emptyLog()
    const { ledgers } = processOn(log, { periodEventsMax: 2 })
    for (let n = 1; n <= 200; n++) {
      const paid = { depositId: `dep_${n}`, settlementId: `s${n}`, provider: 'x402', usdMicros: 1n } as const
      await ledgers.credit(accountId, paid, n, systemAt(n))
    }
    const period = await ledgers.period(accountId)
    expect(period).toBeGreaterThan(150)
    const read = new Set<string>()
    const watched = {
      ...log,
      store: {
        ...log.store,
        readStream: (stream: string, range?: object) => {
          read.add(stream)
          return log.store.readStream(stream, range)
        },
      } as typeof log.store,
    }
    for (const hint of [undefined, 1, 7, period - 1, period]) {
      read.clear()
      const process = processOn(watched, { periodEventsMax: 1_000, periodHint: async () => hint })
      expect(await process.ledgers.balance(accountId)).toMatchObject({ availableMicros: 200n })
      expect(read.size).toBeLessThan(20)
      read.clear()
      const late = processOn(watched, { periodEventsMax: 1_000, periodHint: async () => hint })
      const nothing = [{ holdId: 'hold_1', jobId: 'job_1', usdMicros: 201n }]
      await expect(late.ledgers.hold(accountId, nothing, systemAt(300))).rejects.toThrow(/201 micro-dollars/)
      expect(read.size).toBeLessThan(20)
    }
  })

  it('go on in a period that has more open holds than the next one could begin with, until there are fewer', async () => {
    const log = emptyLog()
    const { ledgers } = processOn(log, { periodEventsMax: 3 })
    const paid = { depositId: 'dep_1', settlementId: 's1', provider: 'stripe', usdMicros: 10_000n } as const
    await ledgers.credit(accountId, paid, 1, systemAt(1))
    const holds = Array.from({ length: 5_001 }, (_, n) => ({ holdId: `hold_${n}`, jobId: `job_${n}`, usdMicros: 1n }))
    await ledgers.hold(accountId, holds, systemAt(2))
    expect(await ledgers.period(accountId)).toBe(1)
    await ledgers.capture(accountId, 'hold_0', 1n, systemAt(3))
    expect(await ledgers.period(accountId)).toBe(2)
    expect(await ledgers.openHolds(accountId)).toHaveLength(5_000)
    expect(await ledgers.balance(accountId)).toMatchObject({ availableMicros: 4_999n, heldMicros: 5_000n })
  })

  it('begin a period with the last thousand deposits, and know the ones before them all the same', async () => {
    const log = emptyLog()
    const { ledgers } = processOn(log, { periodEventsMax: 1_100 })
    const depositOf = (n: number) =>
      ({ depositId: `dep_${n}`, settlementId: `s${n}`, provider: 'x402', usdMicros: 1n }) as const
    for (let n = 1; n <= 1_100; n++) await ledgers.credit(accountId, depositOf(n), 1, systemAt(n))
    expect(await ledgers.period(accountId)).toBe(2)
    const opened = log.events().find(({ type }) => type === 'killatamata.LedgerPeriodOpened.v1')
    const deposits = (opened?.data.deposits ?? []) as { depositId: string }[]
    const carried = deposits.map(({ depositId }) => depositId)
    expect(carried.toSorted()).toStrictEqual(Array.from({ length: 1_000 }, (_, n) => `dep_${n + 101}`).toSorted())
    for (const n of [1, 1_100]) await ledgers.credit(accountId, depositOf(n), 1, systemAt(2_000))
    expect(await ledgers.balance(accountId)).toMatchObject({ availableMicros: 1_100n })
  })

  it('close a period once, and open the next one once, however many commands come to its end', async () => {
    const log = emptyLog()
    const { ledgers } = processOn(log, { periodEventsMax: 50 })
    const paid = { depositId: 'dep_1', settlementId: 's1', provider: 'stripe', usdMicros: 1_000n } as const
    await ledgers.credit(accountId, paid, 1, systemAt(1))
    const asked = Array.from({ length: 200 }, (_, n) => {
      const hold = { holdId: `hold_${n}`, jobId: `job_${n}`, usdMicros: 1n }
      return ledgers.hold(accountId, [hold], systemAt(2))
    })
    await Promise.all(asked)
    const types = log.events().map(({ type }) => type)
    const countOf = (name: string) => types.filter((type) => type === `killatamata.${name}.v1`).length
    expect(countOf('HoldPlaced')).toBe(200)
    expect(countOf('LedgerPeriodClosed')).toBe(countOf('LedgerPeriodOpened'))
    expect(await ledgers.period(accountId)).toBe(countOf('LedgerPeriodOpened') + 1)
    expect(await ledgers.balance(accountId)).toMatchObject({ availableMicros: 800n, heldMicros: 200n })
  })
})
