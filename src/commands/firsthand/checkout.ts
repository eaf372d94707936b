/**
 * A checkout: what a buyer asked for, recorded before the payment provider is told, and the session that came of it. Its
 * stream is named by the command that asked, so that a request that is sent again finds its own.
 */
import type { CheckoutEvent } from '../../events/firsthand/purchase.ts'
import type { Aggregate } from '../decider.ts'

type DataOf<T extends CheckoutEvent['type']> = Extract<CheckoutEvent, { type: T }>['data']
export type CheckoutFacts = DataOf<'firsthand.CheckoutRequested.v1'>

export type CheckoutState =
  | { status: 'absent' }
  | { status: 'requested'; facts: CheckoutFacts; session: { sessionId: string; checkoutUrl: string } | null }

export type CheckoutCommand =
  | { kind: 'request'; facts: CheckoutFacts }
  /** The first session stays. */
  | { kind: 'open'; sessionId: string; checkoutUrl: string; at: string }

export const checkout: Aggregate<CheckoutState, CheckoutCommand, CheckoutEvent> = {
  category: 'firsthand.checkout',
  initialState: { status: 'absent' },

  evolve(state, event) {
    switch (event.type) {
      case 'firsthand.CheckoutRequested.v1':
        return { status: 'requested', facts: event.data, session: null }
      case 'firsthand.CheckoutOpened.v1': {
        const { sessionId, checkoutUrl } = event.data
        return state.status === 'absent' ? state : { ...state, session: { sessionId, checkoutUrl } }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'request') {
      return state.status === 'absent' ? [{ type: 'firsthand.CheckoutRequested.v1', data: command.facts }] : []
    }
    if (state.status === 'absent') throw new Error('a session was opened of a checkout that nobody asked for')
    if (state.session) return []
    const { organizationId, environment, purchaseId } = state.facts
    const { sessionId, checkoutUrl, at: occurredAt } = command
    const data = { organizationId, environment, purchaseId, sessionId, checkoutUrl, occurredAt }
    return [{ type: 'firsthand.CheckoutOpened.v1', data }]
  },
}
