/** An admin token: what it may do, until when, and whether it was revoked. */
import type { AdminTokenEvent, AdminTokenFacts } from '../../events/rungate/admin-token.ts'
import type { Author, Scope } from '../../events/rungate/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export type AdminTokenState =
  | { status: 'absent' }
  | { status: 'active' | 'revoked'; facts: AdminTokenFacts; usedAt: string | null; updatedAt: string }

export type AdminTokenCommand =
  | { kind: 'issue'; facts: AdminTokenFacts; mayGrant: readonly string[] }
  | { kind: 'revoke'; accountId: string; author: Author; at: string }
  | { kind: 'noteUse'; gapMinMs: number; at: string }

const RANKS: readonly Scope[] = ['read', 'write', 'admin']

/** What these scopes amount to: `admin` is `write` too, and `write` is `read`. */
export function impliedScopes(scopes: readonly Scope[]): Scope[] {
  const highest = Math.max(...scopes.map((scope) => RANKS.indexOf(scope)))
  return RANKS.slice(0, highest + 1)
}

export const adminTokenNotFound = () => new Rejected('admin_token_not_found', 'There is no such admin token.')

export const adminToken: Aggregate<AdminTokenState, AdminTokenCommand, AdminTokenEvent> = {
  category: 'rungate.adminToken',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'rungate.AdminTokenIssued.v1') {
      return { status: 'active', facts: event.data, usedAt: null, updatedAt: event.data.occurredAt }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'rungate.AdminTokenRevoked.v1':
        return { ...state, status: 'revoked', updatedAt: event.data.occurredAt }
      case 'rungate.AdminTokenUseNoted.v1':
        return { ...state, usedAt: event.data.usedAt }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'issue') {
      const { facts, mayGrant } = command
      refuseBeyond(facts.scopes, mayGrant)
      return state.status === 'absent' ? [{ type: 'rungate.AdminTokenIssued.v1', data: facts }] : []
    }
    if (state.status === 'absent') throw adminTokenNotFound()
    const { accountId, tokenId } = state.facts
    const of = { accountId, tokenId, occurredAt: command.at }
    switch (command.kind) {
      case 'revoke':
        if (command.accountId !== accountId) throw adminTokenNotFound()
        if (state.status === 'revoked') return []
        return [{ type: 'rungate.AdminTokenRevoked.v1', data: { ...of, author: command.author } }]
      case 'noteUse': {
        const { at: usedAt, gapMinMs } = command
        const isKnown = state.usedAt !== null && Date.parse(usedAt) - Date.parse(state.usedAt) < gapMinMs
        return isKnown ? [] : [{ type: 'rungate.AdminTokenUseNoted.v1', data: { ...of, usedAt } }]
      }
      default:
        return command satisfies never
    }
  },
}

/** Throws token_beyond_own where the scopes amount to more than the grantor's. */
export function refuseBeyond(scopes: readonly Scope[], mayGrant: readonly string[]): void {
  const beyond = impliedScopes(scopes).filter((scope) => !mayGrant.includes(scope))
  if (beyond.length === 0) return
  throw new Rejected('token_beyond_own', `The token that asks lacks ${beyond.join(', ')} itself.`, '/scopes')
}
