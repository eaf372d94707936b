/**
 * A purchase: a session of the payment provider, as it was recorded before anybody could pay it, and what became of it. It is
 * paid once. What was paid has to be what was recorded, to the cent and in the same currency.
 */
import type { PurchaseEvent, PurchaseStatus } from '../../events/firsthand/purchase.ts'
import type { Aggregate } from '../decider.ts'
import { afterReversal, NOTHING_REVERSED, type Reversal, type Reversed, reversalOf } from './reversal.ts'

type DataOf<T extends PurchaseEvent['type']> = Extract<PurchaseEvent, { type: T }>['data']
export type PurchaseFacts = DataOf<'firsthand.PurchaseStarted.v1'>

export type PurchaseState = { status: 'absent' } | ({ status: PurchaseStatus; facts: PurchaseFacts } & Reversed)

export type PurchaseCommand =
  | { kind: 'start'; facts: PurchaseFacts }
  | { kind: 'pay'; amountCents: bigint; currency: string; paymentIntentId: string | null; at: string }
  | { kind: 'fail'; reason: string; at: string }
  | { kind: 'expire'; at: string }
  | ({ kind: 'reverse'; at: string } & Reversal)

export const purchase: Aggregate<PurchaseState, PurchaseCommand, PurchaseEvent> = {
  category: 'firsthand.purchase',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'firsthand.PurchaseStarted.v1') return { status: 'open', facts: event.data, ...NOTHING_REVERSED }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'firsthand.PurchasePaid.v1':
        return { ...state, status: 'paid' }
      case 'firsthand.PurchaseFailed.v1':
        return { ...state, status: 'failed' }
      case 'firsthand.PurchaseExpired.v1':
        return { ...state, status: 'expired' }
      case 'firsthand.PurchaseQuarantined.v1':
        return { ...state, status: 'quarantined' }
      case 'firsthand.PurchaseReversed.v1':
        return { ...state, ...afterReversal(state, event.data) }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'start') {
      return state.status === 'absent' ? [{ type: 'firsthand.PurchaseStarted.v1', data: command.facts }] : []
    }
    // A session of somebody else's, in the same account of the provider.
    if (state.status === 'absent') return []
    const { organizationId, environment, sessionId, amountCents, currency } = state.facts
    const of = { organizationId, environment, sessionId, occurredAt: command.at }
    switch (command.kind) {
      case 'pay': {
        if (state.status === 'paid' || state.status === 'quarantined') return []
        const paid = { ...of, amountCents: command.amountCents.toString() }
        if (paid.amountCents !== amountCents || command.currency !== currency) {
          return [{ type: 'firsthand.PurchaseQuarantined.v1', data: { ...paid, currency: command.currency } }]
        }
        return [{ type: 'firsthand.PurchasePaid.v1', data: { ...paid, paymentIntentId: command.paymentIntentId } }]
      }
      case 'fail':
        return state.status === 'open'
          ? [{ type: 'firsthand.PurchaseFailed.v1', data: { ...of, reason: command.reason } }]
          : []
      case 'expire':
        return state.status === 'open' ? [{ type: 'firsthand.PurchaseExpired.v1', data: of }] : []
      case 'reverse': {
        const amounts = state.status === 'paid' && reversalOf(state, command, BigInt(amountCents))
        if (!amounts) return []
        return [{ type: 'firsthand.PurchaseReversed.v1', data: { ...of, cause: command.cause, ...amounts } }]
      }
      default:
        return command satisfies never
    }
  },
}
