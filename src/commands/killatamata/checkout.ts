/**
 * A checkout: what was asked for, recorded before the payment provider is told, and the session or charge that came of it. A request
 * that is sent again finds its own.
 */
import type { CheckoutEvent } from '../../events/killatamata/payment.ts'
import type { Aggregate } from '../decider.ts'

type DataOf<T extends CheckoutEvent['type']> = Extract<CheckoutEvent, { type: T }>['data']
export type CheckoutFacts = DataOf<'killatamata.CheckoutRequested.v1'>
export type CheckoutOpening = Pick<DataOf<'killatamata.CheckoutOpened.v1'>, 'providerId' | 'checkoutUrl' | 'expiresAt'>

export type CheckoutState =
  | { status: 'absent' }
  | { status: 'requested' | 'opened' | 'failed' | 'expired'; facts: CheckoutFacts; opening: CheckoutOpening | null }

export type CheckoutCommand =
  | { kind: 'request'; facts: CheckoutFacts }
  /** The first session stays. */
  | { kind: 'open'; opening: CheckoutOpening; at: string }
  | { kind: 'fail'; reason: string; at: string }
  | { kind: 'expire'; at: string }

export const checkout: Aggregate<CheckoutState, CheckoutCommand, CheckoutEvent> = {
  category: 'killatamata.checkout',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'killatamata.CheckoutRequested.v1') {
      return { status: 'requested', facts: event.data, opening: null }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'killatamata.CheckoutOpened.v1': {
        const { providerId, checkoutUrl, expiresAt } = event.data
        return { ...state, status: 'opened', opening: { providerId, checkoutUrl, expiresAt } }
      }
      case 'killatamata.CheckoutFailed.v1':
        return { ...state, status: 'failed' }
      case 'killatamata.CheckoutExpired.v1':
        return { ...state, status: 'expired' }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'request') {
      return state.status === 'absent' ? [{ type: 'killatamata.CheckoutRequested.v1', data: command.facts }] : []
    }
    if (state.status === 'absent') throw new Error('a session was opened of a checkout that nobody asked for')
    const { accountId, checkoutId } = state.facts
    const of = { accountId, checkoutId, occurredAt: command.at }
    switch (command.kind) {
      case 'open':
        return state.opening ? [] : [{ type: 'killatamata.CheckoutOpened.v1', data: { ...of, ...command.opening } }]
      case 'fail':
        return state.status === 'requested'
          ? [{ type: 'killatamata.CheckoutFailed.v1', data: { ...of, reason: command.reason } }]
          : []
      case 'expire':
        return state.status === 'opened' ? [{ type: 'killatamata.CheckoutExpired.v1', data: of }] : []
      default:
        return command satisfies never
    }
  },
}
