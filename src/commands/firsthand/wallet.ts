/**
 * The credits of one organization in one environment: what can be spent, in lots, and what is held for jobs. Neither is
 * ever negative, and what comes back of a hold is what was not paid out of it, to the cent.
 */
import type { JobFacts } from '../../events/firsthand/job.ts'
import type { LotKind } from '../../events/firsthand/vocabulary.ts'
import type { LotPart, PurchaseSource, WalletEvent } from '../../events/firsthand/wallet.ts'
import { type Aggregate, fold } from '../decider.ts'
import type { Escrow } from './escrows.ts'
import { giveBack, hasEnded, monthsLater, sumOf, take } from './lots.ts'
import { Rejected } from './rejection.ts'
import { buy, clawBack, payDebt } from './wallet-purchases.ts'
import {
  CREDITS_GOOD_MONTHS,
  EMPTY_WALLET,
  evolveWallet,
  nextTransactionId,
  type Of,
  type WalletName,
  type WalletState,
  walletIdOf,
} from './wallet-state.ts'
import { crossing, endTopUp, savedBelow, type TopUpEnd, type TopUpRule } from './wallet-top-ups.ts'

export { type WalletName, type WalletState, walletIdOf }

export type WalletCommand = { wallet: WalletName; at: string } & (
  | {
      kind: 'grant'
      credits: Exclude<LotKind, 'purchase'>
      amountCents: bigint
      /** Null: 12 months from now. */
      endsAt: string | null
      reason: string | null
    }
  | { kind: 'buy'; source: PurchaseSource; amountCents: bigint }
  /** Of the purchase's money so much went back, all of it so far. */
  | { kind: 'clawBack'; source: PurchaseSource; reversedCents: bigint }
  | { kind: 'hold'; job: JobFacts; topUp?: TopUpRule | null }
  | { kind: 'refund'; jobId: string; filesApproved: number }
  /** The job has all of its files. */
  | { kind: 'settle'; jobId: string; filesApproved: number }
  /** Books what has come to its end. */
  | { kind: 'expire'; topUp?: TopUpRule | null }
  /** The settings were saved. */
  | { kind: 'considerTopUp'; topUp: TopUpRule | null; savedAt: string }
  /** One that is settled brings its credits along. */
  | { kind: 'endTopUp'; topUpId: string; end: TopUpEnd; paidCents: bigint | null }
)

/** What a balance in JSON can show exactly. */
const BALANCE_MAX = BigInt(Number.MAX_SAFE_INTEGER)

export const wallet: Aggregate<WalletState, WalletCommand, WalletEvent> = {
  category: 'firsthand.wallet',
  initialState: EMPTY_WALLET,
  evolve: evolveWallet,

  decide(command, state) {
    const at = command.at < state.lastAt ? state.lastAt : command.at
    const of = { ...command.wallet, occurredAt: at }
    switch (command.kind) {
      case 'grant':
        return andDebt([grant(command, state, of)], state, of)
      case 'buy':
        return buy(command.source, command.amountCents, state, of)
      case 'clawBack':
        return clawBack(command.source, command.reversedCents, state, of)
      case 'expire': {
        const { events, state: after } = expire(state, of)
        return [...events, ...crossing(state.balance, after, command.topUp, of)]
      }
      case 'considerTopUp':
        return savedBelow(command.savedAt, state, command.topUp, of)
      case 'endTopUp': {
        const source = { kind: 'top_up' as const, id: command.topUpId }
        const bought = command.paidCents === null ? [] : buy(source, command.paidCents, state, of)
        return [...bought, ...endTopUp(command.topUpId, command.end, fold(wallet, bought, state), of)]
      }
      case 'hold': {
        const expired = expire(state, of)
        const held = hold(command.job, expired.state, of)
        const after = evolveWallet(expired.state, held)
        return [...expired.events, held, ...crossing(state.balance, after, command.topUp, of)]
      }
      case 'refund': {
        const escrow = state.escrows.get(command.jobId)
        // None: it has been refunded before, for a job exists only where there was a hold.
        return escrow ? andDebt([refund(command, escrow, state, of)], state, of) : []
      }
      case 'settle': {
        const escrow = state.escrows.get(command.jobId)
        return escrow ? [settle(command, escrow, state, of)] : []
      }
      default:
        return command satisfies never
    }
  },
}

/** What came in by the events pays what is owed. */
const andDebt = (events: WalletEvent[], before: WalletState, of: Of): WalletEvent[] => [
  ...events,
  ...payDebt(before, fold(wallet, events, before), of),
]

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

/** An append holds so many events of it, and no more than a store takes at a time; the next sweep books the rest. */
const EXPIRED_AT_ONCE_MAX = 200

/** What has come to its end, an event for each lot, the longest ended first, and the state after them. */
function expire(before: WalletState, of: Of): { events: WalletEvent[]; state: WalletState } {
  const events: WalletEvent[] = []
  let state = before
  const ended = before.lots.filter((each) => hasEnded(each, of.occurredAt))
  for (const lot of ended.slice(0, EXPIRED_AT_ONCE_MAX)) {
    const { lotId, kind, endsAt, remaining } = lot
    const transactionId = nextTransactionId(state, of)
    const amounts = { amountCents: remaining.toString(), balanceCents: (state.balance - remaining).toString() }
    const data = { ...of, transactionId, lotId, kind, endsAt, ...amounts }
    const event: WalletEvent = { type: 'firsthand.CreditsExpired.v1', data }
    events.push(event)
    state = evolveWallet(state, event)
  }
  return { events, state }
}

/** In the test world nothing costs anything; a word lets a buyer’s program be tried against a refusal all the same. */
const asksForRefusal = ({ environment, metadata }: JobFacts): boolean =>
  environment === 'test' && metadata.fh_sandbox === 'insufficient_credits'

function hold(job: JobFacts, state: WalletState, of: Of): WalletEvent {
  const amount = of.environment === 'test' ? 0n : BigInt(job.totalCostCents)
  if (amount > 0n && state.owed > 0n) {
    const detail = `${state.owed} cents are owed of a payment that went back. A purchase pays them.`
    throw new Rejected('credits_owed', detail)
  }
  // What has ended is not spent, booked or not.
  const lots = state.lots.filter((each) => !hasEnded(each, of.occurredAt))
  const spendable = lots.reduce((sum, { remaining }) => sum + remaining, 0n)
  if (amount > spendable || asksForRefusal(job)) {
    const detail = `The job needs ${job.totalCostCents} cents; ${spendable} can be spent.`
    throw new Rejected('insufficient_credits', detail, '')
  }
  const parts = take(lots, amount)
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
