/** A browser's session with the console: whose it is, and until when it is good. */
import type { SessionEnding, SessionEvent, SessionStarted } from '../../events/console/session.ts'
import type { Aggregate } from '../decider.ts'
import { deterministicId } from '../identity.ts'
import { linkNotFound } from './rejection.ts'

export type SessionFacts = Omit<SessionStarted, 'occurredAt'>

export type SessionState =
  | { status: 'absent' }
  | { status: 'active' | 'ended'; facts: SessionFacts; startedAt: string; usedAt: string }

export type SessionCommand =
  | { kind: 'start'; facts: SessionFacts; at: string }
  /** Noted where the last note is older than `gapMinMs`. */
  | { kind: 'use'; gapMinMs: number; at: string }
  | { kind: 'end'; reason: SessionEnding; at: string }

/** The one session that a link can begin. */
export const sessionIdOfLink = (linkId: string): string => deterministicId('console.session', linkId)

export const session: Aggregate<SessionState, SessionCommand, SessionEvent> = {
  category: 'console.session',
  initialState: { status: 'absent' },

  evolve(state, event) {
    const { occurredAt } = event.data
    if (event.type === 'console.SessionStarted.v1') {
      const { occurredAt: _, ...facts } = event.data
      return { status: 'active', facts, startedAt: occurredAt, usedAt: occurredAt }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'console.SessionUsed.v1':
        return { ...state, usedAt: occurredAt }
      case 'console.SessionEnded.v1':
        return { ...state, status: 'ended' }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { at: occurredAt } = command
    if (command.kind === 'start') {
      // Two browsers with one link: the first has it.
      if (state.status !== 'absent') throw linkNotFound()
      return [{ type: 'console.SessionStarted.v1', data: { ...command.facts, occurredAt } }]
    }
    if (state.status !== 'active') return []
    const { sessionId, tenantId } = state.facts
    const of = { sessionId, tenantId, occurredAt }
    switch (command.kind) {
      case 'use': {
        const isKnown = Date.parse(occurredAt) - Date.parse(state.usedAt) < command.gapMinMs
        return isKnown || state.facts.expiresAt <= occurredAt ? [] : [{ type: 'console.SessionUsed.v1', data: of }]
      }
      case 'end':
        return [{ type: 'console.SessionEnded.v1', data: { ...of, reason: command.reason } }]
      default:
        return command satisfies never
    }
  },
}
