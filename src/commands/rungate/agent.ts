/** An agent: what it is allowed by its policy, which provider keys it uses, and the key by which it is known. */
import type { AgentEvent, AgentFacts, AgentProfile } from '../../events/rungate/agent.ts'
import type { Author, KeyFacts } from '../../events/rungate/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { changedFields } from './policy-merge.ts'
import { Rejected } from './rejection.ts'

export type AgentState =
  | { status: 'absent' }
  | { status: 'there'; facts: AgentFacts; updatedBy: Author; updatedAt: string }
export type ExistingAgent = Exclude<AgentState, { status: 'absent' }>

interface Asked {
  accountId: string
  author: Author
  at: string
}
export type AgentCommand =
  | { kind: 'create'; facts: AgentFacts }
  /** What is not given stays. */
  | (Asked & { kind: 'change'; profile: Partial<AgentProfile>; memberId?: string | null })
  /** Where it is this member's, it is the heir's from now on. */
  | (Asked & { kind: 'inherit'; memberId: string; heirId: string | null })
  /** Another provider key in the place of a deleted one. */
  | (Asked & { kind: 'remapKey'; from: string; to: string })
  | (Asked & { kind: 'rotateKey'; key: KeyFacts })

export const agentNotFound = () => new Rejected('agent_not_found', 'There is no such agent.')

export const agent: Aggregate<AgentState, AgentCommand, AgentEvent> = {
  category: 'rungate.agent',
  initialState: { status: 'absent' },

  evolve(state, event) {
    const { occurredAt: updatedAt, author: updatedBy } = event.data
    if (event.type === 'rungate.AgentCreated.v1') return { status: 'there', facts: event.data, updatedBy, updatedAt }
    if (state.status === 'absent') return state
    const { facts } = state
    switch (event.type) {
      case 'rungate.AgentChanged.v1':
        return { ...state, facts: { ...facts, profile: event.data.profile }, updatedBy, updatedAt }
      case 'rungate.AgentReassigned.v1':
        return { ...state, facts: { ...facts, memberId: event.data.memberId }, updatedBy, updatedAt }
      case 'rungate.AgentKeyRotated.v1': {
        const { textId, keyHash, keyPrefix } = event.data
        return { ...state, facts: { ...facts, textId, keyHash, keyPrefix }, updatedBy, updatedAt }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'create') {
      return state.status === 'absent' ? [{ type: 'rungate.AgentCreated.v1', data: command.facts }] : []
    }
    if (state.status === 'absent' || state.facts.accountId !== command.accountId) throw agentNotFound()
    const { accountId, agentId, memberId, profile: before } = state.facts
    const { author, at: occurredAt } = command
    const of = { accountId, agentId, author, occurredAt }
    if (command.kind === 'rotateKey') return [{ type: 'rungate.AgentKeyRotated.v1', data: { ...of, ...command.key } }]
    const reassigned = (to: string | null): AgentEvent[] =>
      to === memberId ? [] : [{ type: 'rungate.AgentReassigned.v1', data: { ...of, memberId: to } }]
    if (command.kind === 'inherit') return command.memberId === memberId ? reassigned(command.heirId) : []
    const profile = command.kind === 'change' ? { ...before, ...command.profile } : remapped(before, command)
    const changed = changedFields(before, profile)
    const moved = command.kind === 'change' && command.memberId !== undefined ? reassigned(command.memberId) : []
    return changed.length === 0
      ? moved
      : [{ type: 'rungate.AgentChanged.v1', data: { ...of, profile, changedFields: changed } }, ...moved]
  },
}

/** The weight stays; a key that is named twice by now has both weights together, up to the greatest that there is. */
function remapped(profile: AgentProfile, { from, to }: { from: string; to: string }): AgentProfile {
  const providerKeys = Object.entries(profile.providerKeys).map(([provider, choice]) => {
    if (typeof choice === 'string') return [provider, choice === from ? to : choice] as const
    const weights = new Map<string, number>()
    for (const { keyId, weight } of choice) {
      const now = keyId === from ? to : keyId
      weights.set(now, Math.min(WEIGHT_MAX, (weights.get(now) ?? 0) + weight))
    }
    return [provider, [...weights].map(([keyId, weight]) => ({ keyId, weight }))] as const
  })
  return { ...profile, providerKeys: Object.fromEntries(providerKeys) }
}
const WEIGHT_MAX = 100

/** Every provider key that the profile names, with its provider. */
export const keysNamed = ({
  providerKeys,
}: Pick<AgentProfile, 'providerKeys'>): { provider: string; keyId: string }[] =>
  Object.entries(providerKeys).flatMap(([provider, choice]) =>
    (typeof choice === 'string' ? [choice] : choice.map(({ keyId }) => keyId)).map((keyId) => ({ provider, keyId })),
  )
