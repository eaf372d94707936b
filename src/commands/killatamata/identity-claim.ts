/**
 * A proof of a person, an address or a subject of Google: which account it opens. It belongs to one account, and to another one only
 * after that was forgotten.
 */
import type { IdentityEvent } from '../../events/killatamata/account.ts'
import type { IdentityKind } from '../../events/killatamata/vocabulary.ts'
import type { Aggregate } from '../decider.ts'

/** Null: nobody's. */
export interface IdentityState {
  accountId: string | null
}

/** Whoever claims first has it; whoever comes later learns whose it is. `instead`: a forgotten account that had it. */
export interface IdentityCommand {
  identityId: string
  identityKind: IdentityKind
  accountId: string
  instead: string | null
  at: string
}

export const identityClaim: Aggregate<IdentityState, IdentityCommand, IdentityEvent> = {
  category: 'killatamata.identity',
  initialState: { accountId: null },

  evolve: (_, { data: { accountId } }) => ({ accountId }),

  decide({ identityId, identityKind: kind, accountId, instead, at: occurredAt }, state) {
    if (state.accountId !== null && state.accountId !== instead) return []
    return [{ type: 'killatamata.IdentityClaimed.v1', data: { identityId, kind, accountId, occurredAt } }]
  },
}
