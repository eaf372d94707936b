/** One use of an ID token: it is claimed before it has its effect, and nobody claims it twice. */
import type { IdTokenEvent } from '../../events/killatamata/sign-in.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export interface IdTokenState {
  isUsed: boolean
}

export interface IdTokenCommand {
  accountId: string
  tokenHash: string
  use: 'key' | 'session'
  expiresAt: string
  at: string
}

export const idTokenClaim: Aggregate<IdTokenState, IdTokenCommand, IdTokenEvent> = {
  category: 'killatamata.idToken',
  initialState: { isUsed: false },
  evolve: () => ({ isUsed: true }),

  decide({ at: occurredAt, ...claim }, { isUsed }) {
    if (isUsed) throw new Rejected('id_token_used', 'The ID token was used for this before; get another one.')
    return [{ type: 'killatamata.IdTokenExchanged.v1', data: { ...claim, occurredAt } }]
  },
}
