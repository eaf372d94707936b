/** An auditor's key: issued and revoked by administrators, for one operator's events or for all. */
import type { AuditorEvent, AuditScope } from '../../events/audit/auditor.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from '../rejection.ts'

export interface AuditorFacts {
  keyId: string
  /** Whose events it opens; null: everybody's. */
  operatorId: string | null
  name: string
  scopes: AuditScope[]
  keyHash: string
}

export type AuditorState = { status: 'absent' } | { status: 'active' | 'revoked'; facts: AuditorFacts }

export type AuditorCommand =
  | { kind: 'issue'; facts: AuditorFacts; at: string }
  | { kind: 'revoke'; reason: string | null; at: string }

export const auditor: Aggregate<AuditorState, AuditorCommand, AuditorEvent> = {
  category: 'audit.auditor',
  initialState: { status: 'absent' },

  evolve(state, event) {
    switch (event.type) {
      case 'audit.AuditorKeyIssued.v1': {
        const { occurredAt: _, ...facts } = event.data
        return { status: 'active', facts }
      }
      case 'audit.AuditorKeyRevoked.v1':
        return state.status === 'absent' ? state : { ...state, status: 'revoked' }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const occurredAt = command.at
    switch (command.kind) {
      case 'issue':
        if (state.status === 'absent') {
          return [{ type: 'audit.AuditorKeyIssued.v1', data: { ...command.facts, occurredAt } }]
        }
        if (state.facts.keyHash === command.facts.keyHash) return []
        throw new Rejected('idempotency_key_reused', 'The key id stands for another key.')
      case 'revoke': {
        if (state.status === 'absent') throw new Rejected('api_key_not_found', 'There is no such auditor key.')
        if (state.status === 'revoked') return []
        const { keyId, operatorId } = state.facts
        return [{ type: 'audit.AuditorKeyRevoked.v1', data: { keyId, operatorId, reason: command.reason, occurredAt } }]
      }
      default:
        return command satisfies never
    }
  },
}
