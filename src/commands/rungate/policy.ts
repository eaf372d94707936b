/**
 * A policy: its settings in numbered versions, and the agents that are bound to it. An agent binds itself here before it names
 * the policy, so that a policy with agents is never deleted.
 */
import type { PolicyEvent, PolicyFacts } from '../../events/rungate/policy.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import { PartedMap } from '../../runtime/parted-map.ts'
import type { Aggregate } from '../decider.ts'
import { changedFields, mergeSettings, type SettingsChange } from './policy-merge.ts'
import { Rejected } from './rejection.ts'

export type PolicyState =
  | { status: 'absent' }
  | {
      status: 'living' | 'deleted'
      /** As the last version has them. */
      facts: PolicyFacts
      /** Agent → since when it is bound. */
      bound: PartedMap<string>
      createdBy: Author
      createdAt: string
    }
export type ExistingPolicy = Exclude<PolicyState, { status: 'absent' }>

interface Asked {
  accountId: string
  /** Who sees it besides everybody; null: a token, which has no member. */
  memberId: string | null
  at: string
}
export type PolicyCommand =
  | { kind: 'create'; facts: PolicyFacts }
  | (Asked & { kind: 'change'; name?: string; settings: SettingsChange; author: Author })
  | (Asked & { kind: 'delete'; author: Author })
  /** Where it is this member's and personal, it is the heir's from now on, or everybody's where there is none. */
  | { kind: 'inherit'; memberId: string; heirId: string | null; author: Author; at: string }
  | (Asked & { kind: 'bind'; agentId: string })
  | { kind: 'unbind'; agentId: string; at: string }

export const policyNotFound = () => new Rejected('policy_not_found', 'There is no such policy.')

/** Whether the caller sees it: personal ones are their member's alone. */
export const isSeen = ({ facts }: ExistingPolicy, { accountId, memberId }: Omit<Asked, 'at'>): boolean =>
  facts.accountId === accountId && (facts.settings.visibility === 'org' || facts.memberId === memberId)

export const policy: Aggregate<PolicyState, PolicyCommand, PolicyEvent> = {
  category: 'rungate.policy',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'rungate.PolicyCreated.v1') {
      const { author: createdBy, occurredAt: createdAt } = event.data
      return { status: 'living', facts: event.data, bound: new PartedMap(), createdBy, createdAt }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'rungate.PolicyChanged.v1': {
        const { changedFields: _, ...version } = event.data
        return { ...state, facts: { ...state.facts, ...version } }
      }
      case 'rungate.PolicyDeleted.v1':
        return { ...state, status: 'deleted', facts: { ...state.facts, ...event.data } }
      case 'rungate.PolicyReassigned.v1':
        return { ...state, facts: { ...state.facts, ...event.data } }
      case 'rungate.AgentBound.v1':
        return { ...state, bound: state.bound.with(event.data.agentId, event.data.occurredAt) }
      case 'rungate.AgentUnbound.v1':
        return { ...state, bound: state.bound.without(event.data.agentId) }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'create') {
      return state.status === 'absent' ? [{ type: 'rungate.PolicyCreated.v1', data: command.facts }] : []
    }
    if (command.kind === 'unbind') {
      if (state.status === 'absent' || !state.bound.has(command.agentId)) return []
      const { accountId, policyId } = state.facts
      const data = { accountId, policyId, agentId: command.agentId, occurredAt: command.at }
      return [{ type: 'rungate.AgentUnbound.v1', data }]
    }
    if (command.kind === 'bind') return bind(state, command)
    if (command.kind === 'inherit') return inherit(state, command)
    if (state.status !== 'living' || !isSeen(state, command)) throw policyNotFound()
    const { author, at: occurredAt } = command
    const { memberId: _, ...version } = { ...state.facts, author, occurredAt, version: state.facts.version + 1 }
    switch (command.kind) {
      case 'change': {
        const { name: before, settings: kept } = state.facts
        const { name = before, settings: change } = command
        const settings = mergeSettings(kept, change)
        if (settings.visibility !== kept.visibility) requireOwn(state, command)
        const changed = changedFields({ ...kept, name: before }, { ...settings, name })
        if (changed.length === 0) return []
        const data = { ...version, name, settings, changedFields: changed }
        return [{ type: 'rungate.PolicyChanged.v1', data }]
      }
      case 'delete':
        if (state.bound.size > 0) {
          throw new Rejected('policy_in_use', `${state.bound.size} of the account's agents name the policy.`)
        }
        return [{ type: 'rungate.PolicyDeleted.v1', data: version }]
      default:
        return command satisfies never
    }
  },
}

function requireOwn(
  { facts }: ExistingPolicy,
  { memberId, settings }: Extract<PolicyCommand, { kind: 'change' }>,
): void {
  if (settings.visibility !== 'personal' || (memberId !== null && facts.memberId === memberId)) return
  throw new Rejected('visibility_refused', 'must be org: only what is your own can be personal', '/visibility')
}

function inherit(
  state: PolicyState,
  { memberId, heirId, author, at: occurredAt }: Extract<PolicyCommand, { kind: 'inherit' }>,
): PolicyEvent[] {
  if (state.status !== 'living' || state.facts.memberId !== memberId) return []
  const { memberId: _, ...facts } = state.facts
  if (facts.settings.visibility !== 'personal') return []
  const { accountId, policyId } = facts
  const data = { accountId, policyId, memberId: heirId, author, occurredAt }
  const reassigned = { type: 'rungate.PolicyReassigned.v1' as const, data }
  if (heirId !== null) return [reassigned]
  const settings = { ...facts.settings, visibility: 'org' as const }
  const version = { ...facts, settings, version: facts.version + 1, author, occurredAt }
  return [reassigned, { type: 'rungate.PolicyChanged.v1', data: { ...version, changedFields: ['visibility'] } }]
}

function bind(state: PolicyState, { agentId, at, ...by }: Extract<PolicyCommand, { kind: 'bind' }>): PolicyEvent[] {
  if (state.status !== 'living' || !isSeen(state, by)) {
    throw new Rejected('policy_unusable', 'There is no such policy.', '/policy_id')
  }
  if (state.bound.has(agentId)) return []
  const { accountId, policyId } = state.facts
  return [{ type: 'rungate.AgentBound.v1', data: { accountId, policyId, agentId, occurredAt: at } }]
}
