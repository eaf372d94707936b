/** An account: its standing, its name and its limits; and the slug, which one account of the installation has. */
import type { AccountEvent, AccountSlugEvent, SlugClaim } from '../../events/rungate/account.ts'
import type { Tier } from '../../events/rungate/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { deterministicId } from '../identity.ts'
import { Rejected } from './rejection.ts'

type Registered = Extract<AccountEvent, { type: 'rungate.AccountRegistered.v1' }>['data']

export type AccountState =
  | { status: 'absent' }
  | {
      status: 'active' | 'suspended'
      facts: Omit<Registered, 'occurredAt'>
      stepLimit: number | null
      createdAt: string
      updatedAt: string
    }

export type AccountCommand =
  | { kind: 'register'; facts: Omit<Registered, 'occurredAt'>; at: string }
  | { kind: 'rename'; name: string; at: string }
  | { kind: 'suspend' | 'resume'; reason: string | null; at: string }
  | { kind: 'changeTier'; tier: Tier; at: string }
  | { kind: 'setStepLimit'; stepLimit: number | null; at: string }

export const accountNotFound = () => new Rejected('account_not_found', 'There is no such account.')

export const account: Aggregate<AccountState, AccountCommand, AccountEvent> = {
  category: 'rungate.account',
  initialState: { status: 'absent' },

  evolve(state, event) {
    const { occurredAt: updatedAt } = event.data
    if (event.type === 'rungate.AccountRegistered.v1') {
      const { occurredAt: createdAt, ...facts } = event.data
      return { status: 'active', facts, stepLimit: null, createdAt, updatedAt }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'rungate.AccountRenamed.v1':
        return { ...state, facts: { ...state.facts, name: event.data.name }, updatedAt }
      case 'rungate.AccountSuspended.v1':
        return { ...state, status: 'suspended', updatedAt }
      case 'rungate.AccountResumed.v1':
        return { ...state, status: 'active', updatedAt }
      case 'rungate.TierChanged.v1':
        return { ...state, facts: { ...state.facts, tier: event.data.tier }, updatedAt }
      case 'rungate.StepLimitSet.v1':
        return { ...state, stepLimit: event.data.stepLimit, updatedAt }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { at: occurredAt } = command
    if (command.kind === 'register') {
      const { facts } = command
      return state.status === 'absent' ? [{ type: 'rungate.AccountRegistered.v1', data: { ...facts, occurredAt } }] : []
    }
    if (state.status === 'absent') throw accountNotFound()
    const { facts, status, stepLimit } = state
    const of = { accountId: facts.accountId, occurredAt }
    switch (command.kind) {
      case 'rename':
        if (command.name === facts.name) return []
        return [{ type: 'rungate.AccountRenamed.v1', data: { ...of, name: command.name } }]
      case 'suspend':
        if (status === 'suspended') return []
        return [{ type: 'rungate.AccountSuspended.v1', data: { ...of, reason: command.reason } }]
      case 'resume':
        if (status === 'active') return []
        return [{ type: 'rungate.AccountResumed.v1', data: { ...of, reason: command.reason } }]
      case 'changeTier':
        if (command.tier === facts.tier) return []
        return [{ type: 'rungate.TierChanged.v1', data: { ...of, tier: command.tier } }]
      case 'setStepLimit':
        if (command.stepLimit === stepLimit) return []
        return [{ type: 'rungate.StepLimitSet.v1', data: { ...of, stepLimit: command.stepLimit } }]
      default:
        return command satisfies never
    }
  },
}

export const slugIdOf = (slug: string): string => deterministicId('rungate.accountSlug', slug)

export const accountSlug: Aggregate<SlugClaim | null, { claim: SlugClaim }, AccountSlugEvent> = {
  category: 'rungate.accountSlug',
  initialState: null,
  evolve: (_, { data }) => data,
  decide({ claim }, state) {
    if (state?.accountId === claim.accountId) return []
    if (state) throw new Rejected('slug_taken', `The slug ${claim.slug} is taken.`, '/slug')
    return [{ type: 'rungate.SlugClaimed.v1', data: claim }]
  },
}
