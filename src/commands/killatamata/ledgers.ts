/**
 * Ledgers of accounts, whatever period each is in: the way in which the rest of the house moves money. A period that has become long
 * is closed by whoever finds it so, and the next one is opened from what it left; whoever finds it closed opens the next one too, so
 * that a crash in between holds up nobody.
 */
import type { ReleaseReason } from '../../events/killatamata/ledger.ts'
import { stepContext } from '../context.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { ledgerIdOf } from './ids.ts'
import { type LedgerCommand, ledger, type NewDeposit, type NewHold } from './ledger.ts'
import { type Deposit, type Hold, isFull, type LedgerState } from './ledger-state.ts'
import { Rejected } from './rejection.ts'

export type { NewDeposit, NewHold } from './ledger.ts'

export interface LedgerBalance {
  availableMicros: bigint
  heldMicros: bigint
  owedMicros: bigint
}

export interface LedgerAnswer extends LedgerBalance {
  /** Of the last event behind it; undefined: the account has no money yet. */
  position: bigint | undefined
}

/** `ended_before`: the hold had ended, and nothing was written. */
export type Ended<Outcome extends string> = LedgerAnswer & { outcome: Outcome | 'ended_before' }

export interface ReverseOrder {
  depositId: string
  cause: 'refund' | 'dispute'
  reversedMicros: bigint
  /** The period that was open when the payment was confirmed: the deposit is in it, or in a later one. */
  sincePeriod: number
}

export interface Ledgers {
  /**
   * All of them, or none. Throws Rejected: insufficient_balance, hold_ended. `jobIds`: of what is held, in the order of `holds`; one
   * that was held before has the job of then.
   */
  hold(
    accountId: string,
    holds: readonly NewHold[],
    context: CommandContext,
  ): Promise<LedgerAnswer & { jobIds: readonly string[] }>
  /** Throws Rejected: capture_beyond_hold. */
  capture(
    accountId: string,
    holdId: string,
    capturedMicros: bigint,
    context: CommandContext,
  ): Promise<Ended<'captured'>>
  release(accountId: string, holdId: string, reason: ReleaseReason, context: CommandContext): Promise<Ended<'released'>>
  /** Once, however often it is asked for. `sincePeriod`: the one that was open when the payment was confirmed. */
  credit(accountId: string, deposit: NewDeposit, sincePeriod: number, context: CommandContext): Promise<LedgerAnswer>
  reverse(accountId: string, order: ReverseOrder, context: CommandContext): Promise<LedgerAnswer>
  /** Now, with what other processes wrote. */
  balance(accountId: string): Promise<LedgerBalance>
  openHolds(accountId: string): Promise<readonly (Hold & { holdId: string })[]>
  /** A period from which on a deposit of now is looked for: the one that is open, or, where others have gone on since, one before it. */
  period(accountId: string): Promise<number>
}

type Handle = Handled<LedgerState, never>
type OrderOf<T> = T extends unknown ? Omit<T, 'accountId' | 'period' | 'at'> : never
type Order = OrderOf<LedgerCommand>

const balanceOf = ({ available, held, owed }: LedgerState): LedgerBalance => ({
  ...{ availableMicros: available, heldMicros: held, owedMicros: owed },
})

const answerOf = ({ state, position }: Pick<Handle, 'state' | 'position'>): LedgerAnswer => ({
  ...balanceOf(state),
  position,
})

const isClosed = (error: unknown): boolean => error instanceof Rejected && error.code === 'period_closed'

/** The periods that were found open last, of this many accounts. */
const KNOWN_MAX = 100_000

export interface LedgerOptions {
  /** Events after which a period is closed. */
  periodEventsMax: number
  /** A period that was open not long ago, where somebody knows one: a cold process begins there, not at the first. */
  periodHint?: (accountId: string) => Promise<number | undefined>
}

export function createLedgers(bus: CommandBus, { periodEventsMax, periodHint }: LedgerOptions): Ledgers {
  const known = new Map<string, number>()
  const firstPeriod = async (accountId: string): Promise<number> =>
    known.get(accountId) ?? (await periodHint?.(accountId)) ?? 1
  const note = (accountId: string, period: number) => {
    known.delete(accountId)
    known.set(accountId, period)
    for (const oldest of known.keys()) {
      if (known.size <= KNOWN_MAX) return
      known.delete(oldest)
    }
  }
  const current = (accountId: string, period: number) => bus.current(ledger, ledgerIdOf(accountId, period))

  /** What is done for the sake of the next period: once, for however many of this process's commands come to the end of one. */
  const goingOn = new Map<string, Promise<number>>()
  function once(accountId: string, work: () => Promise<number>): Promise<number> {
    const underWay = goingOn.get(accountId)
    if (underWay) return underWay
    const going = work().finally(() => goingOn.delete(accountId))
    goingOn.set(accountId, going)
    return going
  }

  /** Opens the period behind one that is closed. */
  async function openNext(accountId: string, closed: number, from: LedgerState, context: CommandContext) {
    const period = closed + 1
    const step = stepContext(context, deterministicId('killatamata.ledger', 'open', accountId, String(period)))
    const command = { kind: 'open', accountId, period, at: context.at, from } as const
    await bus.handle(ledger, ledgerIdOf(accountId, period), command, step)
    note(accountId, period)
    return period
  }

  async function closeLong(accountId: string, period: number, state: LedgerState, context: CommandContext) {
    if (!isFull(state, periodEventsMax) || (known.get(accountId) ?? period) > period) return
    await once(accountId, async () => {
      const step = stepContext(context, deterministicId('killatamata.ledger', 'close', accountId, String(period)))
      const command = { kind: 'close', accountId, period, at: context.at, eventsMax: periodEventsMax } as const
      const { state: after } = await bus.handle(ledger, ledgerIdOf(accountId, period), command, step)
      return after.status === 'closed' ? openNext(accountId, period, after, context) : period
    })
  }

  /**
   * The last period that was opened, where this one was. Steps double until there is no period, and then halve: a process that read
   * models tell nothing reads some twenty periods of an account that has a thousand.
   */
  async function lastPeriod(accountId: string, since: number): Promise<number> {
    const isThere = async (period: number) => (await current(accountId, period)).length > 0
    let [last, step] = [since, 1]
    for (; await isThere(last + step); step *= 2) last += step
    for (step /= 2; step >= 1; step /= 2) if (await isThere(last + step)) last += step
    return last
  }

  /** The open period behind this one, which is closed. */
  function goOn(accountId: string, closed: number, context: CommandContext): Promise<number> {
    const newer = known.get(accountId)
    if (newer !== undefined && newer > closed) return Promise.resolve(newer)
    return once(accountId, async () => {
      const last = await lastPeriod(accountId, closed)
      const state = await current(accountId, last)
      if (state.status === 'closed') return openNext(accountId, last, state, context)
      note(accountId, last)
      return last
    })
  }

  /** Undefined: the period is not open, and nothing was done. */
  async function whereOpen(accountId: string, period: number, order: Order, context: CommandContext) {
    const command = { ...order, accountId, period, at: context.at } as LedgerCommand
    try {
      const handled = await bus.handle(ledger, ledgerIdOf(accountId, period), command, context)
      if (period > (known.get(accountId) ?? 0)) note(accountId, period)
      await closeLong(accountId, period, handled.state, context)
      return handled
    } catch (error) {
      if (!isClosed(error)) throw error
      return undefined
    }
  }

  async function inPeriod(accountId: string, order: Order, context: CommandContext) {
    let period = await firstPeriod(accountId)
    for (;;) {
      const handled = await whereOpen(accountId, period, order, context)
      if (handled) return handled
      period = await goOn(accountId, period, context)
    }
  }

  async function openPeriod(accountId: string): Promise<{ period: number; state: LedgerState }> {
    const first = await firstPeriod(accountId)
    const state = await current(accountId, first)
    if (state.status === 'open' && (state.length > 0 || first === 1)) {
      note(accountId, first)
      return { period: first, state }
    }
    const last = await lastPeriod(accountId, first)
    const newest = await current(accountId, last)
    // Closed, and the next one is not opened yet: what was left is what there is.
    if (newest.status === 'closed') return { period: last + 1, state: newest }
    note(accountId, last)
    return { period: last, state: newest }
  }

  /** A deposit of the periods from this one to the one that is open. */
  async function findDeposit(accountId: string, depositId: string, since: number): Promise<Deposit | undefined> {
    const { period: last } = await openPeriod(accountId)
    for (let period = last; period >= since; period--) {
      const deposit = (await current(accountId, period)).deposits.get(depositId)
      if (deposit) return deposit
    }
    return undefined
  }

  const end = async <Outcome extends string>(
    accountId: string,
    order: Order,
    outcome: Outcome,
    context: CommandContext,
  ): Promise<Ended<Outcome>> => {
    const handled = await inPeriod(accountId, order, context)
    return { ...answerOf(handled), outcome: handled.events.length > 0 ? outcome : 'ended_before' }
  }

  return {
    async hold(accountId, holds, context) {
      const handled = await inPeriod(accountId, { kind: 'hold', holds }, context)
      const jobIds = holds.map(({ holdId, jobId }) => handled.state.holds.get(holdId)?.jobId ?? jobId)
      return { ...answerOf(handled), jobIds }
    },
    capture: (accountId, holdId, capturedMicros, context) =>
      end(accountId, { kind: 'capture', holdId, capturedMicros }, 'captured', context),
    release: (accountId, holdId, reason, context) =>
      end(accountId, { kind: 'release', holdId, reason }, 'released', context),
    async credit(accountId, deposit, sincePeriod, context) {
      const order = { kind: 'deposit', ...deposit } as const
      // While the period of then is open, the deposit can be nowhere else.
      const handled = await whereOpen(accountId, sincePeriod, order, context)
      if (handled) return answerOf(handled)
      // The period that is open knows those of 40 days, so only an older one can be in a period before it.
      const before = await findDeposit(accountId, deposit.depositId, sincePeriod)
      if (before) return { ...(await balances(accountId)), position: undefined }
      return answerOf(await inPeriod(accountId, order, context))
    },
    async reverse(accountId, { depositId, sincePeriod, ...order }, context) {
      const deposit = await findDeposit(accountId, depositId, sincePeriod)
      return answerOf(await inPeriod(accountId, { kind: 'reverse', depositId, known: deposit, ...order }, context))
    },
    balance: balances,
    openHolds: async (accountId) =>
      [...(await openPeriod(accountId)).state.holds].map(([holdId, hold]) => ({ holdId, ...hold })),
    period: async (accountId) => known.get(accountId) ?? (await openPeriod(accountId)).period,
  }

  async function balances(accountId: string): Promise<LedgerBalance> {
    return balanceOf((await openPeriod(accountId)).state)
  }
}
