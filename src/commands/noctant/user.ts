/**
 * An operator's user. The stream's id follows from (operator, external id), which holds the two unique together and is
 * the user's global id as well. Email and display name are refreshed by later calls; a call without news writes nothing.
 * A forgotten user stays one, without anything personal: what hangs on it (accounts, payouts) has to be wound up, and the
 * same external id must not bring the person back by an operator's nightly import.
 */
import type { UserEvent } from '../../events/noctant/user.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { Rejected } from './rejection.ts'
import { markRepeat } from './repeat.ts'

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
  | {
      status: 'forgotten'
      globalUserId: string
      operatorId: string
      orgId: string
      externalId: string
      createdAt: string
      forgottenAt: string
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

/** The person's key has been destroyed; this puts it on record. */
export interface ForgetUser {
  kind: 'forget'
  reference: string | null
  at: string
}

export type UserCommand = ProvisionUser | ForgetUser

export const globalUserIdOf = (operatorId: string, externalId: string): string =>
  deterministicId('noctant.user', operatorId, externalId)

export const user: Aggregate<UserState, UserCommand, UserEvent> = {
  category: 'noctant.user',
  initialState: { status: 'absent' },

  evolve(state, event) {
    switch (event.type) {
      case 'noctant.UserProvisioned.v1': {
        const { occurredAt, ...profile } = event.data
        return { status: 'provisioned', ...profile, createdAt: occurredAt, updatedAt: occurredAt }
      }
      case 'noctant.UserProfileRefreshed.v1': {
        if (state.status !== 'provisioned') return state
        const { email, displayName, occurredAt } = event.data
        return { ...state, email, displayName, updatedAt: occurredAt }
      }
      case 'noctant.UserForgotten.v1': {
        if (state.status !== 'provisioned') return state
        const { email: _, displayName: __, updatedAt: ___, ...rest } = state
        return { ...rest, status: 'forgotten', forgottenAt: event.data.occurredAt }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if ('kind' in command) return forget(command, state)
    if (state.status === 'forgotten') throw userForgotten()
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

function forget({ reference, at }: ForgetUser, state: UserState): UserEvent[] {
  if (state.status === 'absent') throw new Rejected('user_not_found', 'There is no such user.')
  if (state.status === 'forgotten') return []
  const { globalUserId, operatorId } = state
  return [{ type: 'noctant.UserForgotten.v1', data: { globalUserId, operatorId, reference, occurredAt: at } }]
}

/** Nothing new begins for who was forgotten; what there is can be wound up. */
export const userForgotten = (): Rejected =>
  new Rejected(
    'user_forgotten',
    'This user was forgotten. Whoever comes back is a new user, under another external id.',
  )

/**
 * Provisions or refreshes a user. The answer's `state` is always `provisioned`; `events` tells which it was, and a call
 * without news is a repeat. Rejects with user_forgotten.
 */
export async function provisionUser(
  bus: CommandBus,
  command: ProvisionUser,
  context: CommandContext,
): Promise<Handled<UserState, UserEvent>> {
  return markRepeat(await bus.handle(user, globalUserIdOf(command.operatorId, command.externalId), command, context))
}
