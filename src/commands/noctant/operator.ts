/**
 * An operator: the tenant, its standing, and its API keys. Created and changed by administrators only; a suspended
 * operator's keys stop working, and work again when it is resumed.
 */
import {
  type KeyChange,
  type Keys,
  mayIssue,
  noteIssued,
  noteRevoked,
  noteRotated,
  revoke,
  rotate,
} from '../../api-keys/keys.ts'
import type { EventOf } from '../../events/event.ts'
import type { OperatorEvent, OperatorSlugEvent, operatorEvents } from '../../events/noctant/operator.ts'
import type { ApiScope } from '../../events/noctant/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { originOf } from './launch-address.ts'
import { Rejected } from './rejection.ts'

type DataOf<T extends OperatorEvent['type']> = Extract<EventOf<typeof operatorEvents>, { type: T }>['data']
export type OperatorFacts = Omit<DataOf<'noctant.OperatorCreated.v1'>, 'occurredAt'>
export type ApiKeyFacts = Omit<DataOf<'noctant.ApiKeyIssued.v1'>, 'occurredAt' | 'operatorId' | 'environment'>

export type OperatorState =
  | { status: 'absent' }
  | {
      status: 'active' | 'suspended'
      facts: OperatorFacts
      keys: Keys<ApiScope>
    }

export type OperatorCommand =
  | { kind: 'create'; facts: OperatorFacts; at: string }
  | { kind: 'suspend' | 'resume'; reason: string | null; at: string }
  | { kind: 'setOrigins'; allowedOrigins: readonly string[]; at: string }
  | { kind: 'issueKey'; key: ApiKeyFacts; keysMax?: number; at: string }
  /** With whatever was made from it by rotation, unless that is spared. */
  | { kind: 'revokeKey'; keyId: string; reason: string | null; sparesDescendants?: boolean; at: string }
  | {
      kind: 'rotateKey'
      /** The key that is replaced. */
      keyId: string
      replacement: Pick<ApiKeyFacts, 'keyId' | 'keyHash'>
      /** How long the replaced key goes on working. */
      validUntil: string
      keysMax?: number
      at: string
    }

/** Keys of one operator that may work at a time, where the command does not say. */
const KEYS_MAX = 100

export const operator: Aggregate<OperatorState, OperatorCommand, OperatorEvent> = {
  category: 'noctant.operator',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'noctant.OperatorCreated.v1') {
      const { occurredAt: _, ...facts } = event.data
      return { status: 'active', facts, keys: new Map() }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'noctant.OperatorSuspended.v1':
        return { ...state, status: 'suspended' }
      case 'noctant.OperatorResumed.v1':
        return { ...state, status: 'active' }
      case 'noctant.OperatorOriginsChanged.v1':
        return { ...state, facts: { ...state.facts, allowedOrigins: event.data.allowedOrigins } }
      case 'noctant.ApiKeyIssued.v1':
        noteIssued(state.keys, event.data)
        return { ...state }
      case 'noctant.ApiKeyRevoked.v1':
        noteRevoked(state.keys, event.data.keyId)
        return { ...state }
      case 'noctant.ApiKeyRotated.v1':
        noteRotated(state.keys, event.data.keyId, event.data.replacedBy, event.data.validUntil)
        return { ...state }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const occurredAt = command.at
    if (command.kind === 'create') {
      if (state.status !== 'absent') throw new Rejected('operator_already_exists', 'The operator exists already.')
      return [{ type: 'noctant.OperatorCreated.v1', data: { ...command.facts, occurredAt } }]
    }
    if (state.status === 'absent') throw new Rejected('operator_not_found', 'There is no such operator.')
    const { operatorId, environment } = state.facts
    switch (command.kind) {
      case 'suspend':
        if (state.status === 'suspended') return []
        return [{ type: 'noctant.OperatorSuspended.v1', data: { operatorId, reason: command.reason, occurredAt } }]
      case 'resume':
        if (state.status === 'active') return []
        return [{ type: 'noctant.OperatorResumed.v1', data: { operatorId, reason: command.reason, occurredAt } }]
      case 'setOrigins': {
        const allowedOrigins = [...new Set(command.allowedOrigins.map(originOf))].sort()
        const { allowedOrigins: known } = state.facts
        if (known.length === allowedOrigins.length && allowedOrigins.every((each, at) => known[at] === each)) return []
        return [{ type: 'noctant.OperatorOriginsChanged.v1', data: { operatorId, allowedOrigins, occurredAt } }]
      }
      case 'issueKey': {
        const existing = state.keys.get(command.key.keyId)
        if (existing?.hash === command.key.keyHash) return []
        mayIssue(Rejected, state.keys, command.key.keyId, { keysMax: command.keysMax ?? KEYS_MAX, at: occurredAt })
        return [{ type: 'noctant.ApiKeyIssued.v1', data: { ...command.key, operatorId, environment, occurredAt } }]
      }
      case 'revokeKey':
        return revoke(Rejected, state.keys, command).map((change) => keyEvent(change, state, occurredAt))
      case 'rotateKey':
        return rotate(Rejected, state.keys, { ...command, keysMax: command.keysMax ?? KEYS_MAX }).map((change) =>
          keyEvent(change, state, occurredAt),
        )
      default:
        return command satisfies never
    }
  },
}

type ExistingState = Exclude<OperatorState, { status: 'absent' }>

/** A change of keys as this context writes it. What is made from a key may do what that one may. */
function keyEvent(change: KeyChange, { facts, keys }: ExistingState, occurredAt: string): OperatorEvent {
  const { operatorId, environment } = facts
  switch (change.kind) {
    case 'revoked': {
      const { keyId, reason } = change
      return { type: 'noctant.ApiKeyRevoked.v1', data: { operatorId, keyId, reason, occurredAt } }
    }
    case 'issued': {
      const { keyId, keyHash, replaces } = change
      const { label = null, scopes = [] } = keys.get(replaces) ?? {}
      const data = { keyId, keyHash, operatorId, environment, label, scopes: [...scopes], replaces, occurredAt }
      return { type: 'noctant.ApiKeyIssued.v1', data }
    }
    case 'rotated': {
      const { keyId, replacedBy, validUntil } = change
      return { type: 'noctant.ApiKeyRotated.v1', data: { operatorId, keyId, replacedBy, validUntil, occurredAt } }
    }
    default:
      return change satisfies never
  }
}

type SlugState = { claimedBy: string | null }

/** The claim that makes a slug unique: one stream per slug. */
const operatorSlug: Aggregate<SlugState, { slug: string; operatorId: string; at: string }, OperatorSlugEvent> = {
  category: 'noctant.operatorSlug',
  initialState: { claimedBy: null },
  evolve: (_, event) => ({ claimedBy: event.data.operatorId }),
  decide({ slug, operatorId, at }, state) {
    if (state.claimedBy === operatorId) return []
    if (state.claimedBy) throw new Rejected('operator_slug_taken', `The slug ${slug} belongs to another operator.`)
    return [{ type: 'noctant.OperatorSlugClaimed.v1', data: { slug, operatorId, occurredAt: at } }]
  },
}

/** Claims the slug, then creates the operator; repeatable after a crash between the two. */
export async function createOperator(
  bus: CommandBus,
  facts: OperatorFacts,
  context: CommandContext,
): Promise<Handled<OperatorState, OperatorEvent>> {
  const { slug, operatorId } = facts
  const at = context.at
  const claim = { ...context, commandId: deterministicId('claim', context.commandId), fingerprint: undefined }
  await bus.handle(operatorSlug, deterministicId('noctant.operatorSlug', slug), { slug, operatorId, at }, claim)
  return bus.handle(operator, operatorId, { kind: 'create', facts, at }, context)
}
