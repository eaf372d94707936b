/**
 * The settlement of one payment, by what the provider calls it. What was paid has to be what was sold, to the cent and in the same
 * currency. The ledger is credited between PaymentConfirmed and SettlementCredited, by whoever comes first, and again after a crash:
 * the deposit's id follows from the settlement, so that the ledger takes it once.
 */
import type { SettlementEvent } from '../../events/killatamata/payment.ts'
import type { CheckoutProvider } from '../../events/killatamata/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { depositIdOf } from './ids.ts'
import { Rejected } from './rejection.ts'

type DataOf<T extends SettlementEvent['type']> = Extract<SettlementEvent, { type: T }>['data']
export type PaymentNotice = DataOf<'killatamata.PaymentNoticed.v1'>

/** What a confirmation leads to. */
export interface Credit {
  depositId: string
  usdCents: bigint
  period: number
  paymentIntentId: string | null
  isCredited: boolean
}

/** Of the money of a payment that went back: by refunds and by disputes, and by refunds alone. */
interface Reversed {
  reversedCents: bigint
  refundedCents: bigint
}

/** What came, where it is not what was sold. */
type Paid = Pick<DataOf<'killatamata.UnmatchedPaymentNoticed.v1'>, 'provider' | 'providerId' | 'usdCents' | 'currency'>

export type SettlementState =
  | { status: 'absent' }
  /** It was paid, and nobody here has opened it. */
  | { status: 'unmatched'; paid: Paid }
  | ({ status: 'noticed' | 'lapsed'; notice: PaymentNotice; credit: null } & Reversed)
  | ({ status: 'mismatched'; notice: PaymentNotice; credit: null; paid: Paid } & Reversed)
  | ({ status: 'confirmed'; notice: PaymentNotice; credit: Credit } & Reversed)

export type SettlementCommand = { at: string } & (
  | { kind: 'notice'; notice: PaymentNotice }
  | { kind: 'confirm'; usdCents: bigint; currency: string; paymentIntentId: string | null; period: number }
  | { kind: 'credited'; usdMicros: bigint }
  /** By people, of one that is unmatched or mismatched. */
  | { kind: 'resolve'; settlementId: string; accountId: string; period: number; reason: string }
  | { kind: 'lapse' }
  /** By all refunds so far. */
  | { kind: 'reverse'; cause: 'refund'; refundedCents: bigint }
  /** By this dispute alone: its command must have an id of its own. */
  | { kind: 'reverse'; cause: 'dispute'; disputedCents: bigint }
  | {
      kind: 'noticeUnmatched'
      settlementId: string
      provider: CheckoutProvider
      providerId: string
      usdCents: bigint
      currency: string
    }
)

type Existing = Exclude<SettlementState, { status: 'absent' | 'unmatched' }>

/** Whether somebody here has opened it. */
export const isOurs = (state: SettlementState): state is Existing =>
  state.status !== 'absent' && state.status !== 'unmatched'

const NOTHING: Reversed = { reversedCents: 0n, refundedCents: 0n }

export const settlement: Aggregate<SettlementState, SettlementCommand, SettlementEvent> = {
  category: 'killatamata.settlement',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'killatamata.UnmatchedPaymentNoticed.v1') {
      return state.status === 'absent' ? { status: 'unmatched', paid: event.data } : state
    }
    if (event.type === 'killatamata.SettlementResolved.v1') return resolved(state, event.data)
    if (event.type === 'killatamata.PaymentNoticed.v1') {
      return { status: 'noticed', notice: event.data, credit: null, ...NOTHING }
    }
    if (!isOurs(state)) return state
    const { notice, reversedCents, refundedCents } = state
    const reversed = { reversedCents, refundedCents }
    switch (event.type) {
      case 'killatamata.PaymentConfirmed.v1': {
        const { settlementId, usdCents, period, paymentIntentId, occurredAt } = event.data
        const depositId = depositIdOf(settlementId, occurredAt)
        const credit = { depositId, usdCents: BigInt(usdCents), period, paymentIntentId, isCredited: false }
        return { status: 'confirmed', notice, credit, ...reversed }
      }
      case 'killatamata.SettlementCredited.v1':
        return state.status === 'confirmed' ? { ...state, credit: { ...state.credit, isCredited: true } } : state
      case 'killatamata.SettlementMismatched.v1':
        return { status: 'mismatched', notice, credit: null, paid: event.data, ...reversed }
      case 'killatamata.PaymentLapsed.v1':
        return state.status === 'noticed' ? { ...state, status: 'lapsed' } : state
      case 'killatamata.PaymentReversed.v1': {
        const { cause, usdCents } = event.data
        const more = cause === 'refund' ? BigInt(usdCents) : 0n
        return { ...state, reversedCents: BigInt(event.data.reversedCents), refundedCents: refundedCents + more }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { at: occurredAt } = command
    if (command.kind === 'notice') {
      return isOurs(state) ? [] : [{ type: 'killatamata.PaymentNoticed.v1', data: command.notice }]
    }
    if (command.kind === 'noticeUnmatched') {
      if (state.status !== 'absent') return []
      const { settlementId, provider, providerId, usdCents, currency } = command
      const data = { settlementId, provider, providerId, usdCents: String(usdCents), currency, occurredAt }
      return [{ type: 'killatamata.UnmatchedPaymentNoticed.v1', data }]
    }
    if (command.kind === 'resolve') return resolution(state, command)
    // Nobody here has opened it.
    if (!isOurs(state)) return []
    const { settlementId, provider, providerId, accountId } = state.notice
    const of = { settlementId, provider, providerId, accountId, occurredAt }
    switch (command.kind) {
      case 'confirm':
        return confirmed(of, state, command)
      case 'credited': {
        if (state.status !== 'confirmed' || state.credit.isCredited) return []
        const data = { ...of, depositId: state.credit.depositId, usdMicros: String(command.usdMicros) }
        return [{ type: 'killatamata.SettlementCredited.v1', data }]
      }
      case 'lapse':
        return state.status === 'noticed' ? [{ type: 'killatamata.PaymentLapsed.v1', data: of }] : []
      case 'reverse':
        return reversed(of, state, command)
      default:
        return command satisfies never
    }
  },
}

type Of = Pick<PaymentNotice, 'settlementId' | 'provider' | 'providerId' | 'accountId' | 'occurredAt'>
type CommandOf<K extends SettlementCommand['kind']> = Extract<SettlementCommand, { kind: K }>

/** Whose it is, people have said; it is credited like one that was confirmed. */
function resolved(state: SettlementState, data: DataOf<'killatamata.SettlementResolved.v1'>): SettlementState {
  const { settlementId, provider, providerId, accountId, occurredAt, usdCents, currency, period } = data
  const known = { settlementId, provider, providerId, usdCents, currency, occurredAt }
  const unknown = { checkoutId: '', packageCode: '' }
  const notice = { ...unknown, ...(isOurs(state) ? state.notice : {}), ...known, accountId }
  const depositId = depositIdOf(settlementId, occurredAt)
  const credit = { depositId, usdCents: BigInt(usdCents), period, paymentIntentId: null, isCredited: false }
  return { status: 'confirmed', notice, credit, ...NOTHING }
}

function resolution(state: SettlementState, command: CommandOf<'resolve'>): SettlementEvent[] {
  const { settlementId, accountId, period, reason, at: occurredAt } = command
  if (state.status === 'absent') throw new Rejected('checkout_not_found', 'There is no such payment.')
  if (state.status === 'confirmed' && state.notice.accountId !== accountId) {
    throw new Rejected('payment_already_used', `The payment was credited to ${state.notice.accountId} before.`)
  }
  if (state.status !== 'unmatched' && state.status !== 'mismatched') return []
  const { provider, providerId, usdCents, currency } = state.paid
  const data = { settlementId, provider, providerId, accountId, occurredAt, usdCents, currency, period, reason }
  return [{ type: 'killatamata.SettlementResolved.v1', data }]
}

function confirmed(of: Of, state: Existing, command: CommandOf<'confirm'>): SettlementEvent[] {
  if (state.status === 'confirmed' || state.status === 'mismatched') return []
  const { usdCents: sold, currency } = state.notice
  const usdCents = String(command.usdCents)
  if (usdCents !== sold || command.currency !== currency) {
    return [{ type: 'killatamata.SettlementMismatched.v1', data: { ...of, usdCents, currency: command.currency } }]
  }
  const { paymentIntentId, period } = command
  return [{ type: 'killatamata.PaymentConfirmed.v1', data: { ...of, usdCents, paymentIntentId, period } }]
}

function reversed(of: Of, state: Existing, command: CommandOf<'reverse'>): SettlementEvent[] {
  if (state.status !== 'confirmed') return []
  const told = command.cause === 'refund' ? command.refundedCents - state.refundedCents : command.disputedCents
  const left = state.credit.usdCents - state.reversedCents
  const more = told < left ? told : left
  if (more <= 0n) return []
  const amounts = { usdCents: String(more), reversedCents: String(state.reversedCents + more) }
  return [{ type: 'killatamata.PaymentReversed.v1', data: { ...of, cause: command.cause, ...amounts } }]
}
