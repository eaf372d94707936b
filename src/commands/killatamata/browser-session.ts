/** A browser's session: whose it is, and until when it is good. It is never prolonged. */
import type { BrowserSessionEvent } from '../../events/killatamata/sign-in.ts'
import type { Aggregate } from '../decider.ts'

type Opened = Extract<BrowserSessionEvent, { type: 'killatamata.SessionOpened.v1' }>['data']

export type BrowserSessionState = { status: 'absent' } | { status: 'active' | 'ended'; facts: Opened }

export type BrowserSessionCommand =
  | { kind: 'open'; facts: Opened }
  /** `expired`: without effect before its end. */
  | { kind: 'end'; reason: 'logout' | 'expired'; at: string }

export const browserSession: Aggregate<BrowserSessionState, BrowserSessionCommand, BrowserSessionEvent> = {
  category: 'killatamata.browserSession',
  initialState: { status: 'absent' },

  evolve(state, event) {
    switch (event.type) {
      case 'killatamata.SessionOpened.v1':
        return { status: 'active', facts: event.data }
      case 'killatamata.SessionEnded.v1':
        return state.status === 'absent' ? state : { ...state, status: 'ended' }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'open') {
      return state.status === 'absent' ? [{ type: 'killatamata.SessionOpened.v1', data: command.facts }] : []
    }
    if (state.status !== 'active') return []
    const { reason, at: occurredAt } = command
    const { sessionId, accountId, expiresAt } = state.facts
    if (reason === 'expired' && expiresAt > occurredAt) return []
    return [{ type: 'killatamata.SessionEnded.v1', data: { sessionId, accountId, occurredAt, reason } }]
  },
}
