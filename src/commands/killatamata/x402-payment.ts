/**
 * One x402 authorization: claimed before any money moves, by the account that brought it first, and settled once the chain says so,
 * whoever sent it there. An outcome that nobody knows is no outcome: only the chain ends a claim.
 */
import type { Authorization, X402PaymentEvent } from '../../events/killatamata/x402.ts'
import type { Aggregate } from '../decider.ts'
import { deterministicId } from '../identity.ts'
import { depositIdOf } from './ids.ts'
import { Rejected } from './rejection.ts'

type DataOf<T extends X402PaymentEvent['type']> = Extract<X402PaymentEvent, { type: T }>['data']
export type X402Claim = DataOf<'killatamata.X402PaymentClaimed.v1'>

export type X402PaymentState =
  | { status: 'absent' }
  | {
      status: 'claimed' | 'settled' | 'credited' | 'failed'
      claim: X402Claim
      attempts: number
      /** Null: the chain has not said that it is paid. */
      transaction: string | null
      reason: string | null
    }

export type X402PaymentCommand =
  /** Refused where another account has brought it. */
  | { kind: 'claim'; claim: X402Claim; isSent: boolean }
  /** It is about to be sent to the chain. */
  | { kind: 'attempt'; at: string }
  | { kind: 'settle'; transaction: string; blockNumber: string; at: string }
  | { kind: 'fail'; reason: string; at: string }
  | { kind: 'credited'; usdMicros: bigint; at: string }

/** What is sent at once is on record as sent by the same append. */
function claimed({ claim, isSent }: Extract<X402PaymentCommand, { kind: 'claim' }>): X402PaymentEvent[] {
  const { accountId, paymentId, occurredAt } = claim
  const attempted = { accountId, paymentId, occurredAt, attempt: 1 }
  return [
    { type: 'killatamata.X402PaymentClaimed.v1', data: claim },
    ...(isSent ? [{ type: 'killatamata.X402SettlementAttempted.v1' as const, data: attempted }] : []),
  ]
}

/** Addresses are compared without case. */
export const x402PaymentIdOf = ({ network, asset, from, nonce }: Authorization): string =>
  deterministicId('killatamata.x402Payment', network, asset.toLowerCase(), from.toLowerCase(), nonce.toLowerCase())

export const x402DepositIdOf = ({ paymentId, occurredAt }: X402Claim): string => depositIdOf(paymentId, occurredAt)

export const x402Payment: Aggregate<X402PaymentState, X402PaymentCommand, X402PaymentEvent> = {
  category: 'killatamata.x402Payment',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'killatamata.X402PaymentClaimed.v1') {
      return { status: 'claimed', claim: event.data, attempts: 0, transaction: null, reason: null }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'killatamata.X402SettlementAttempted.v1':
        return { ...state, attempts: event.data.attempt }
      case 'killatamata.X402PaymentSettled.v1':
        return { ...state, status: 'settled', transaction: event.data.transaction }
      case 'killatamata.X402PaymentFailed.v1':
        return { ...state, status: 'failed', reason: event.data.reason }
      case 'killatamata.X402PaymentCredited.v1':
        return { ...state, status: 'credited' }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'claim') {
      if (state.status === 'absent') return claimed(command)
      if (state.claim.accountId === command.claim.accountId) return []
      throw new Rejected('payment_already_used', 'Another account has paid with this authorization.')
    }
    if (state.status === 'absent') throw new Error('a payment was settled that nobody has claimed')
    const { accountId, paymentId } = state.claim
    const of = { accountId, paymentId, occurredAt: command.at }
    switch (command.kind) {
      case 'attempt': {
        if (state.status !== 'claimed') return []
        return [{ type: 'killatamata.X402SettlementAttempted.v1', data: { ...of, attempt: state.attempts + 1 } }]
      }
      case 'settle': {
        if (state.status !== 'claimed') return []
        const { transaction, blockNumber } = command
        return [{ type: 'killatamata.X402PaymentSettled.v1', data: { ...of, transaction, blockNumber } }]
      }
      case 'fail': {
        if (state.status !== 'claimed') return []
        return [{ type: 'killatamata.X402PaymentFailed.v1', data: { ...of, reason: command.reason } }]
      }
      case 'credited': {
        if (state.status !== 'settled') return []
        const data = { ...of, depositId: x402DepositIdOf(state.claim), usdMicros: String(command.usdMicros) }
        return [{ type: 'killatamata.X402PaymentCredited.v1', data }]
      }
      default:
        return command satisfies never
    }
  },
}
