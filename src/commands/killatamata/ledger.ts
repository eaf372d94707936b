/**
 * The ledger of one account, in one period: every decision about the account's money is taken here, so that no read of a balance can be
 * stale. What can be spent and what is held never fall below zero; a hold ends once; a deposit is credited once. Postings of each event
 * sum to zero.
 */
import type { LedgerAccount, LedgerEvent, Posting, ReleaseReason } from '../../events/killatamata/ledger.ts'
import type { Provider } from '../../events/killatamata/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import {
  carriedFrom,
  type Deposit,
  EMPTY_LEDGER,
  evolveLedger,
  type Hold,
  isFull,
  type LedgerState,
} from './ledger-state.ts'
import { BALANCE_MAX_MICROS } from './money.ts'
import { Rejected } from './rejection.ts'

export interface NewHold {
  holdId: string
  jobId: string
  usdMicros: bigint
}

export interface NewDeposit {
  depositId: string
  settlementId: string
  provider: Provider
  usdMicros: bigint
}

type Asked =
  | ({ kind: 'deposit' } & NewDeposit)
  /** All of them, or none. Those that are open already stay as they are. */
  | { kind: 'hold'; holds: readonly NewHold[] }
  /** Of a hold that has ended nothing changes. */
  | { kind: 'capture'; holdId: string; capturedMicros: bigint }
  | { kind: 'release'; holdId: string; reason: ReleaseReason }
  /** `reversedMicros`: of the deposit, all that went back so far. A deposit of long ago may be told by the caller. */
  | {
      kind: 'reverse'
      depositId: string
      cause: 'refund' | 'dispute'
      reversedMicros: bigint
      known?: Deposit | undefined
    }
  /** Where the period has this many events, and not too many open holds: it ends. */
  | { kind: 'close'; eventsMax: number }
  /** The first command of every period but the first one. */
  | { kind: 'open'; from: LedgerState }

export type LedgerCommand = Asked & { accountId: string; period: number; at: string }

type Of = { accountId: string; period: number; occurredAt: string }

export const ledger: Aggregate<LedgerState, LedgerCommand, LedgerEvent> = {
  category: 'killatamata.ledger',
  initialState: EMPTY_LEDGER,
  evolve: evolveLedger,

  decide({ accountId, period, at: occurredAt, ...command }, state) {
    const of = { accountId, period, occurredAt }
    if (command.kind === 'open') {
      if (state.length > 0) return []
      return [{ type: 'killatamata.LedgerPeriodOpened.v1', data: { ...of, ...carriedFrom(command.from, occurredAt) } }]
    }
    if (state.status === 'closed') {
      if (command.kind === 'close') return []
      throw notOpen()
    }
    switch (command.kind) {
      case 'close': {
        if (!isFull(state, command.eventsMax)) return []
        return [{ type: 'killatamata.LedgerPeriodClosed.v1', data: { ...of, ...carriedFrom(state, occurredAt) } }]
      }
      case 'deposit':
        // What the period before it has left is not here yet.
        if (period > 1 && state.length === 0) throw notOpen()
        return deposited(of, state, command)
      case 'hold':
        return held(of, state, command.holds)
      case 'capture':
        return captured(of, state, command)
      case 'release':
        return released(of, state, command)
      case 'reverse':
        return reversed(of, state, command)
      default:
        return command satisfies never
    }
  },
}

const notOpen = () => new Rejected('period_closed', 'The ledger goes on in its next period; send the request again.')

const CLEARING: Readonly<Record<Provider, LedgerAccount>> = {
  ...{ stripe: 'stripe_clearing', coinbase: 'coinbase_clearing', x402: 'x402_treasury' },
}

/** From one account to others, as postings; parts of nothing are left out. */
function postings(from: LedgerAccount, parts: readonly (readonly [to: LedgerAccount, micros: bigint])[]): Posting[] {
  const given = parts.filter(([, micros]) => micros > 0n)
  const sum = given.reduce((total, [, micros]) => total + micros, 0n)
  if (sum === 0n) return []
  return [
    { account: from, side: 'debit', usdMicros: String(sum) },
    ...given.map(([account, micros]): Posting => ({ account, side: 'credit', usdMicros: String(micros) })),
  ]
}

type Amounts = Pick<LedgerState, 'available' | 'held' | 'owed'>

const after = ({ available, held, owed }: Amounts) => ({
  ...{ availableMicros: String(available), heldMicros: String(held), owedMicros: String(owed) },
})

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

function deposited(of: Of, state: LedgerState, { depositId, settlementId, provider, usdMicros }: NewDeposit) {
  if (state.deposits.get(depositId)) return []
  const { available, held, owed } = state
  const paid = smaller(owed, usdMicros)
  if (available + held + usdMicros - paid > BALANCE_MAX_MICROS) {
    throw new Rejected('balance_limit_exceeded', 'The balance would be larger than an account may have.')
  }
  const now = { held, available: available + usdMicros - paid, owed: owed - paid }
  const moved = {
    postings: postings(CLEARING[provider], [
      ['owed', paid],
      ['available', usdMicros - paid],
    ]),
    after: after(now),
  }
  const facts = { depositId, settlementId, provider, usdMicros: String(usdMicros) }
  return [{ type: 'killatamata.DepositCredited.v1' as const, data: { ...of, ...moved, ...facts } }]
}

function held(of: Of, state: LedgerState, holds: readonly NewHold[]): LedgerEvent[] {
  const wanted = holds.filter(({ holdId, usdMicros }) => {
    if (state.ended.has(holdId)) {
      throw new Rejected('hold_ended', 'What was held for this was given back, or is paid.')
    }
    const open = state.holds.get(holdId)
    if (open && open.usdMicros !== usdMicros) throw new Error(`${holdId} holds another amount already`)
    return !open
  })
  const sum = wanted.reduce((total, { usdMicros }) => total + usdMicros, 0n)
  if (wanted.length > 0 && (state.owed > 0n || sum > state.available)) throw tooLittle(state, sum)
  let now: Amounts = state
  return wanted.map(({ holdId, jobId, usdMicros }) => {
    now = { owed: now.owed, available: now.available - usdMicros, held: now.held + usdMicros }
    const moved = { postings: postings('available', [['held', usdMicros]]), after: after(now) }
    const data = { ...of, ...moved, holdId, jobId, usdMicros: String(usdMicros) }
    return { type: 'killatamata.HoldPlaced.v1', data }
  })
}

function tooLittle({ available, owed }: Amounts, required: bigint) {
  const owing = owed > 0n ? ` ${owed} micro-dollars are owed, which the next deposit pays first.` : ''
  const detail = `${required} micro-dollars are required, and ${available} are available.${owing}`
  return new Rejected('insufficient_balance', detail)
}

type Ending = { hold: Hold; now: Amounts }

/** Undefined: the hold has ended. What was captured is gone, and the rest can be spent. */
function ending(state: LedgerState, holdId: string, capturedMicros: bigint): Ending | undefined {
  const hold = state.holds.get(holdId)
  if (!hold) return undefined
  if (capturedMicros > hold.usdMicros) {
    const detail = `${capturedMicros} micro-dollars are more than the ${hold.usdMicros} that are held.`
    throw new Rejected('capture_beyond_hold', detail)
  }
  const { available, held, owed } = state
  const now = { owed, available: available + hold.usdMicros - capturedMicros, held: held - hold.usdMicros }
  return { hold, now }
}

function captured(of: Of, state: LedgerState, command: { holdId: string; capturedMicros: bigint }): LedgerEvent[] {
  const { holdId, capturedMicros } = command
  const ended = ending(state, holdId, capturedMicros)
  if (!ended) return []
  const { hold, now } = ended
  const rest = hold.usdMicros - capturedMicros
  const moved = {
    postings: postings('held', [
      ['media_revenue', capturedMicros],
      ['available', rest],
    ]),
    after: after(now),
  }
  const amounts = { capturedMicros: String(capturedMicros), releasedMicros: String(rest) }
  return [{ type: 'killatamata.HoldCaptured.v1', data: { ...of, ...moved, holdId, jobId: hold.jobId, ...amounts } }]
}

function released(of: Of, state: LedgerState, command: { holdId: string; reason: ReleaseReason }): LedgerEvent[] {
  const { holdId, reason } = command
  const ended = ending(state, holdId, 0n)
  if (!ended) return []
  const { hold, now } = ended
  const moved = { postings: postings('held', [['available', hold.usdMicros]]), after: after(now) }
  const facts = { holdId, jobId: hold.jobId, usdMicros: String(hold.usdMicros), reason }
  return [{ type: 'killatamata.HoldReleased.v1', data: { ...of, ...moved, ...facts } }]
}

type Reverse = Omit<Extract<Asked, { kind: 'reverse' }>, 'kind'>

function reversed(of: Of, state: LedgerState, { depositId, cause, reversedMicros, known }: Reverse): LedgerEvent[] {
  const deposit = state.deposits.get(depositId) ?? known
  if (!deposit) throw new Error(`${depositId} is to go back, and was never credited`)
  const whole = smaller(reversedMicros, deposit.usdMicros)
  const more = whole - deposit.reversedMicros
  if (more <= 0n) return []
  const taken = smaller(more, state.available)
  const now = { held: state.held, available: state.available - taken, owed: state.owed + more - taken }
  const moved = {
    postings: [...postings('available', [['refunds', taken]]), ...postings('owed', [['refunds', more - taken]])],
    after: after(now),
  }
  const { usdMicros: deposited, creditedAt } = deposit
  const amounts = { usdMicros: String(more), reversedMicros: String(whole), depositMicros: String(deposited) }
  const facts = { depositId, cause, ...amounts, creditedAt }
  return [{ type: 'killatamata.DepositReversed.v1', data: { ...of, ...moved, ...facts } }]
}
