/**
 * An operator's user. The stream's id follows from (operator, external id), which holds the two unique together and is
 * the user's global id as well. Email and display name are refreshed by later calls; a call without news writes nothing.
 */
import type { UserEvent } from '../../events/noctant/user.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'

export type UserState =
  | { status: 'absent' }
  | {
      status: 'provisioned'
      globalUserId: string
      operatorId: string
      orgId: string
      externalId: string
      email: string | null
      displayName: string | null
      createdAt: string
      updatedAt: string
    }

export interface ProvisionUser {
  operatorId: string
  orgId: string
  /** Matched byte for byte. */
  externalId: string
  /** undefined: leave as it is. */
  email: string | undefined
  displayName: string | undefined
  at: string
}

export const globalUserIdOf = (operatorId: string, externalId: string): string =>
  deterministicId('noctant.user', operatorId, externalId)

export const user: Aggregate<UserState, ProvisionUser, UserEvent> = {
  category: 'noctant.user',
  initialState: { status: 'absent' },

  evolve(state, event) {
    switch (event.type) {
      case 'noctant.UserProvisioned.v1': {
        const { occurredAt, ...profile } = event.data
        return { status: 'provisioned', ...profile, createdAt: occurredAt, updatedAt: occurredAt }
      }
      case 'noctant.UserProfileRefreshed.v1': {
        if (state.status === 'absent') return state
        const { email, displayName, occurredAt } = event.data
        return { ...state, email, displayName, updatedAt: occurredAt }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const globalUserId = globalUserIdOf(command.operatorId, command.externalId)
    const { operatorId, orgId, externalId, at } = command
    if (state.status === 'absent') {
      const email = command.email ?? null
      const displayName = command.displayName ?? null
      const data = { globalUserId, operatorId, orgId, externalId, email, displayName, occurredAt: at }
      return [{ type: 'noctant.UserProvisioned.v1', data }]
    }
    const email = command.email ?? state.email
    const displayName = command.displayName ?? state.displayName
    if (email === state.email && displayName === state.displayName) return []
    return [
      {
        type: 'noctant.UserProfileRefreshed.v1',
        data: { globalUserId, operatorId, email, displayName, occurredAt: at },
      },
    ]
  },
}

/**
 * Provisions or refreshes a user. The answer's `state` is always `provisioned`; `events` tells which it was.
 */
export function provisionUser(
  bus: CommandBus,
  command: ProvisionUser,
  context: CommandContext,
): Promise<Handled<UserState, UserEvent>> {
  return bus.handle(user, globalUserIdOf(command.operatorId, command.externalId), command, context)
}
