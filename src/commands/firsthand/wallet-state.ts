/** What a wallet is, and what its events make of it. */
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import type { WalletEvent } from '../../events/firsthand/wallet.ts'
import { PartedMap } from '../../runtime/parted-map.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import { type Escrows, NO_ESCROWS } from './escrows.ts'
import { type Lot, lotOf, withLots } from './lots.ts'
import { evolveTopUps, NO_TOP_UPS, type TopUps } from './wallet-top-ups.ts'

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
  /** By what they were bought by. */
  purchases: PartedMap<WalletPurchase>
  /** Of money that went back, what could not be taken back yet; no job is posted while it is above 0. */
  owed: bigint
  topUps: TopUps
  /** Transactions so far. */
  transactions: number
  /** Of the last event; the events of a wallet never go back in time, so that transactions sort by it. */
  lastAt: string
}

/** A purchase as its wallet knows it. */
export interface WalletPurchase {
  paid: bigint
  bonus: bigint
  /** Those that its credits came in. */
  lotIds: readonly string[]
  /** Of the money, so much has gone back. */
  reversed: bigint
}

export type Of = WalletName & { occurredAt: string }

export const CREDITS_GOOD_MONTHS = 12

export const EMPTY_WALLET: WalletState = {
  ...{ balance: 0n, lots: [], escrows: NO_ESCROWS, purchases: new PartedMap(), owed: 0n, topUps: NO_TOP_UPS },
  ...{ transactions: 0, lastAt: '' },
}

export function evolveWallet(before: WalletState, event: WalletEvent): WalletState {
  const { balanceCents, occurredAt: lastAt } = event.data
  const isTransaction = 'transactionId' in event.data && event.data.transactionId !== null
  const transactions = before.transactions + (isTransaction ? 1 : 0)
  const state = { ...before, balance: BigInt(balanceCents), transactions, lastAt }
  switch (event.type) {
    case 'firsthand.CreditsGranted.v1': {
      const { transactionId: lotId, kind, endsAt, amountCents } = event.data
      return { ...state, lots: withLots(state.lots, [{ lotId, kind, endsAt, remaining: BigInt(amountCents) }]) }
    }
    case 'firsthand.CreditsPurchased.v1':
      return withPurchased(state, event.data)
    case 'firsthand.CreditsClawedBack.v1': {
      const { source, parts, reversedCents, owedCents } = event.data
      const owed = BigInt(owedCents)
      const known = source && state.purchases.get(source.id)
      const purchases =
        known && reversedCents !== null
          ? state.purchases.with(source.id, { ...known, reversed: BigInt(reversedCents) })
          : state.purchases
      return { ...state, lots: withLots(state.lots, parts.map(lotOf)), owed, purchases }
    }
    case 'firsthand.AutoTopUpDue.v1':
    case 'firsthand.AutoTopUpSettled.v1':
    case 'firsthand.AutoTopUpCancelled.v1':
    case 'firsthand.AutoTopUpFailed.v1':
      return { ...state, topUps: evolveTopUps(state.topUps, event) }
    case 'firsthand.EscrowHeld.v1': {
      const { job, amountCents, parts } = event.data
      const escrow = { amount: BigInt(amountCents), price: BigInt(job.pricePerFileCents), parts }
      const escrows = state.escrows.with(job.jobId, escrow)
      return { ...state, lots: withLots(state.lots, parts.map(lotOf)), escrows }
    }
    case 'firsthand.EscrowRefunded.v1': {
      const { jobId, parts } = event.data
      const escrows = state.escrows.without(jobId)
      return { ...state, lots: withLots(state.lots, parts.map(lotOf)), escrows }
    }
    case 'firsthand.EscrowSettled.v1':
      return { ...state, escrows: state.escrows.without(event.data.jobId) }
    case 'firsthand.CreditsExpired.v1': {
      const { lotId, kind, endsAt } = event.data
      return { ...state, lots: withLots(state.lots, [{ lotId, kind, endsAt, remaining: 0n }]) }
    }
    default:
      return event satisfies never
  }
}

type Purchased = Extract<WalletEvent, { type: 'firsthand.CreditsPurchased.v1' }>['data']

/** The lot of a purchase, and the purchase with it. */
function withPurchased(state: WalletState, { transactionId: lotId, kind, endsAt, amountCents, source }: Purchased) {
  const amount = BigInt(amountCents)
  const known = state.purchases.get(source.id) ?? { paid: 0n, bonus: 0n, lotIds: [], reversed: 0n }
  const member = kind === 'purchase' ? 'paid' : 'bonus'
  const purchase = { ...known, [member]: known[member] + amount, lotIds: [...known.lotIds, lotId] }
  const lots = withLots(state.lots, [{ lotId, kind, endsAt, remaining: amount }])
  return { ...state, lots, purchases: state.purchases.with(source.id, purchase) }
}

/** Sorts after all transactions of this wallet before it. */
export const nextTransactionId = ({ transactions }: WalletState, of: Of): string =>
  prefixedId('crtx', of.occurredAt, `${walletIdOf(of)} ${transactions}`, transactions)
