/** The days on which a key was used: one event for each. */
import type { ApiKeyEvent } from '../../events/killatamata/account.ts'
import type { Aggregate } from '../decider.ts'

export interface KeyUseState {
  /** UTC; null: it was never used. */
  lastDay: string | null
}

export interface KeyUseCommand {
  accountId: string
  keyId: string
  at: string
}

const DAY_LENGTH = '2026-01-01'.length

export const apiKeyUse: Aggregate<KeyUseState, KeyUseCommand, ApiKeyEvent> = {
  category: 'killatamata.apiKey',
  initialState: { lastDay: null },

  evolve: (_, { data: { day } }) => ({ lastDay: day }),

  decide({ accountId, keyId, at: occurredAt }, { lastDay }) {
    const day = occurredAt.slice(0, DAY_LENGTH)
    if (lastDay !== null && lastDay >= day) return []
    return [{ type: 'killatamata.ApiKeyUsed.v1', data: { accountId, keyId, day, occurredAt } }]
  },
}
