/** A browser's session: whose it is, and until when it is good. */
import type { SessionEvent, SessionFacts } from '../../events/rungate/session.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export type SessionState =
  | { status: 'absent' }
  | { status: 'active' | 'ended'; facts: SessionFacts; expiresAt: string; seenAt: string }

export type SessionCommand =
  | { kind: 'start'; facts: SessionFacts }
  /** In use; noted where the last note is older than `gapMinMs`. */
  | { kind: 'see'; expiresAt: string; gapMinMs: number; at: string }
  /** `expired`: without effect before its end. */
  | { kind: 'end'; reason: 'logout' | 'revoked' | 'expired' | 'removed'; author: Author; at: string }

export const sessionNotFound = () => new Rejected('session_not_found', 'There is no such session.')

export const session: Aggregate<SessionState, SessionCommand, SessionEvent> = {
  category: 'rungate.session',
  initialState: { status: 'absent' },

  evolve(state, event) {
    const { occurredAt } = event.data
    if (event.type === 'rungate.SessionStarted.v1') {
      return { status: 'active', facts: event.data, expiresAt: event.data.expiresAt, seenAt: occurredAt }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'rungate.SessionSeen.v1':
        return { ...state, expiresAt: event.data.expiresAt, seenAt: occurredAt }
      case 'rungate.SessionEnded.v1':
        return { ...state, status: 'ended' }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'start') {
      return state.status === 'absent' ? [{ type: 'rungate.SessionStarted.v1', data: command.facts }] : []
    }
    if (state.status !== 'active') return []
    const { sessionId, memberId, accountId } = state.facts
    const { at: occurredAt } = command
    const of = { sessionId, memberId, accountId, occurredAt }
    const hasExpired = state.expiresAt <= occurredAt
    switch (command.kind) {
      case 'see': {
        const isKnown = Date.parse(occurredAt) - Date.parse(state.seenAt) < command.gapMinMs
        if (isKnown || hasExpired) return []
        return [{ type: 'rungate.SessionSeen.v1', data: { ...of, expiresAt: command.expiresAt } }]
      }
      case 'end': {
        const { reason, author } = command
        if (reason === 'expired' && !hasExpired) return []
        return [{ type: 'rungate.SessionEnded.v1', data: { ...of, reason, author } }]
      }
      default:
        return command satisfies never
    }
  },
}
