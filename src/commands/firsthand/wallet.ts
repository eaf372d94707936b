/**
 * The credits of one organization in one environment: what can be spent, in lots, and what is held for jobs. Neither is
 * ever negative, and what comes back of a hold is what was not paid out of it, to the cent.
 */
import type { JobFacts } from '../../events/firsthand/job.ts'
import type { Environment, LotKind } from '../../events/firsthand/vocabulary.ts'
import type { LotPart, WalletEvent } from '../../events/firsthand/wallet.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import type { Aggregate } from '../decider.ts'
import { type Escrow, type Escrows, escrowOf, NO_ESCROWS, withEscrow } from './escrows.ts'
import { giveBack, hasEnded, type Lot, lotOf, monthsLater, sumOf, take, withLots } from './lots.ts'
import { Rejected } from './rejection.ts'

export interface WalletName {
  organizationId: string
  environment: Environment
}

/** The id of its stream. */
export const walletIdOf = ({ organizationId, environment }: WalletName): string => `${organizationId}_${environment}`

export interface WalletState {
  balance: bigint
  /** Those that hold something, in the order in which they are spent. */
  lots: readonly Lot[]
  escrows: Escrows
  /** Transactions so far. */
  transactions: number
  /** Of the last event; the events of a wallet never go back in time, so that transactions sort by it. */
  lastAt: string
}

export type WalletCommand = { wallet: WalletName; at: string } & (
  | {
      kind: 'grant'
      credits: Exclude<LotKind, 'purchase'>
      amountCents: bigint
      /** Null: 12 months from now. */
      endsAt: string | null
      reason: string | null
    }
  | { kind: 'hold'; job: JobFacts }
  | { kind: 'refund'; jobId: string; filesApproved: number }
  /** The job has all of its files. */
  | { kind: 'settle'; jobId: string; filesApproved: number }
  /** Books what has come to its end. */
  | { kind: 'expire' }
)

const CREDITS_GOOD_MONTHS = 12
/** What a balance in JSON can show exactly. */
const BALANCE_MAX = BigInt(Number.MAX_SAFE_INTEGER)

export const wallet: Aggregate<WalletState, WalletCommand, WalletEvent> = {
  category: 'firsthand.wallet',
  initialState: { balance: 0n, lots: [], escrows: NO_ESCROWS, transactions: 0, lastAt: '' },

  evolve(before, event) {
    const { balanceCents, occurredAt: lastAt } = event.data
    const isTransaction = event.data.transactionId !== null
    const transactions = before.transactions + (isTransaction ? 1 : 0)
    const state = { ...before, balance: BigInt(balanceCents), transactions, lastAt }
    switch (event.type) {
      case 'firsthand.CreditsGranted.v1': {
        const { transactionId: lotId, kind, endsAt, amountCents } = event.data
        return { ...state, lots: withLots(state.lots, [{ lotId, kind, endsAt, remaining: BigInt(amountCents) }]) }
      }
      case 'firsthand.EscrowHeld.v1': {
        const { job, amountCents, parts } = event.data
        const escrow = { amount: BigInt(amountCents), price: BigInt(job.pricePerFileCents), parts }
        const escrows = withEscrow(state.escrows, job.jobId, escrow)
        return { ...state, lots: withLots(state.lots, parts.map(lotOf)), escrows }
      }
      case 'firsthand.EscrowRefunded.v1': {
        const { jobId, parts } = event.data
        const escrows = withEscrow(state.escrows, jobId, undefined)
        return { ...state, lots: withLots(state.lots, parts.map(lotOf)), escrows }
      }
      case 'firsthand.EscrowSettled.v1':
        return { ...state, escrows: withEscrow(state.escrows, event.data.jobId, undefined) }
      case 'firsthand.CreditsExpired.v1': {
        const { lotId, kind, endsAt } = event.data
        return { ...state, lots: withLots(state.lots, [{ lotId, kind, endsAt, remaining: 0n }]) }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const at = command.at < state.lastAt ? state.lastAt : command.at
    const of = { ...command.wallet, occurredAt: at }
    switch (command.kind) {
      case 'grant':
        return [grant(command, state, of)]
      case 'expire':
        return expire(state, of).events
      case 'hold': {
        const expired = expire(state, of)
        return [...expired.events, hold(command.job, expired.state, of)]
      }
      case 'refund': {
        const escrow = escrowOf(state.escrows, command.jobId)
        // None: it has been refunded before, for a job exists only where there was a hold.
        return escrow ? [refund(command, escrow, state, of)] : []
      }
      case 'settle': {
        const escrow = escrowOf(state.escrows, command.jobId)
        return escrow ? [settle(command, escrow, state, of)] : []
      }
      default:
        return command satisfies never
    }
  },
}

type Of = WalletName & { occurredAt: string }

/** Sorts after all transactions of this wallet before it. */
const nextTransactionId = ({ transactions }: WalletState, of: Of): string =>
  prefixedId('crtx', of.occurredAt, `${walletIdOf(of)} ${transactions}`, transactions)

function grant(command: Extract<WalletCommand, { kind: 'grant' }>, state: WalletState, of: Of): WalletEvent {
  const { credits: kind, amountCents: amount, reason } = command
  const endsAt = command.endsAt ?? monthsLater(of.occurredAt, CREDITS_GOOD_MONTHS)
  if (endsAt <= of.occurredAt) throw new Rejected('credits_end_passed', 'The credits would have ended already.')
  const balance = state.balance + amount
  if (amount <= 0n || balance > BALANCE_MAX) {
    throw new Rejected('credits_out_of_range', `An amount is 1 cent or more, and a balance ${BALANCE_MAX} at most.`)
  }
  const transactionId = nextTransactionId(state, of)
  const amounts = { amountCents: amount.toString(), balanceCents: balance.toString() }
  return { type: 'firsthand.CreditsGranted.v1', data: { ...of, transactionId, kind, ...amounts, endsAt, reason } }
}

/** What has come to its end, an event for each lot, and the state after them. */
function expire(before: WalletState, of: Of): { events: WalletEvent[]; state: WalletState } {
  const events: WalletEvent[] = []
  let state = before
  for (const lot of before.lots.filter((each) => hasEnded(each, of.occurredAt))) {
    const { lotId, kind, endsAt, remaining } = lot
    const transactionId = nextTransactionId(state, of)
    const amounts = { amountCents: remaining.toString(), balanceCents: (state.balance - remaining).toString() }
    const data = { ...of, transactionId, lotId, kind, endsAt, ...amounts }
    const event: WalletEvent = { type: 'firsthand.CreditsExpired.v1', data }
    events.push(event)
    state = wallet.evolve(state, event)
  }
  return { events, state }
}

/** In the test world nothing costs anything; a word lets a buyer’s program be tried against a refusal all the same. */
const asksForRefusal = ({ environment, metadata }: JobFacts): boolean =>
  environment === 'test' && metadata.fh_sandbox === 'insufficient_credits'

function hold(job: JobFacts, state: WalletState, of: Of): WalletEvent {
  const amount = of.environment === 'test' ? 0n : BigInt(job.totalCostCents)
  if (amount > state.balance || asksForRefusal(job)) {
    const detail = `The job needs ${job.totalCostCents} cents; ${state.balance} can be spent.`
    throw new Rejected('insufficient_credits', detail, '')
  }
  const parts = take(state.lots, amount)
  return {
    type: 'firsthand.EscrowHeld.v1',
    data: { ...of, ...movement(amount, state.balance - amount, parts, state, of), job },
  }
}

type Ended = { jobId: string; filesApproved: number }

function refund(
  { jobId, filesApproved }: Ended,
  { amount: held, price, parts }: Escrow,
  state: WalletState,
  of: Of,
): WalletEvent {
  const paid = paidOf({ amount: held, price }, filesApproved)
  const amount = held - paid
  if (amount < 0n) throw new Error(`${jobId}: ${paid} cents were paid out of ${held}`)
  const back = giveBack(state.lots, parts, amount, of.occurredAt)
  const data = { ...of, ...movement(amount, state.balance + amount, back, state, of), jobId, filesApproved }
  return { type: 'firsthand.EscrowRefunded.v1', data }
}

/** Nothing comes back: what was held is what the files cost. Throws where it is not. */
function settle({ jobId, filesApproved }: Ended, { amount, price }: Escrow, state: WalletState, of: Of): WalletEvent {
  const paid = paidOf({ amount, price }, filesApproved)
  if (paid !== amount) throw new Error(`${jobId}: ${paid} cents are to be paid out of ${amount}`)
  const amounts = { balanceCents: state.balance.toString(), paidCents: paid.toString() }
  return { type: 'firsthand.EscrowSettled.v1', data: { ...of, ...amounts, transactionId: null, jobId, filesApproved } }
}

const paidOf = ({ amount, price }: Pick<Escrow, 'amount' | 'price'>, filesApproved: number): bigint =>
  amount === 0n ? 0n : price * BigInt(filesApproved)

/** An amount that moves, with the balance after it. Throws where the parts do not add up, or the balance is negative. */
function movement(amount: bigint, balance: bigint, parts: LotPart[], state: WalletState, of: Of) {
  if (sumOf(parts) !== amount || balance < 0n) {
    throw new Error(`${walletIdOf(of)}: ${sumOf(parts)} cents in lots for ${amount}, with a balance of ${balance}`)
  }
  const transactionId = amount === 0n ? null : nextTransactionId(state, of)
  return { transactionId, amountCents: amount.toString(), balanceCents: balance.toString(), parts }
}
