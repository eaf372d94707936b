/**
 * An operator: the tenant, its standing, and its API keys. Created and changed by administrators only; a suspended
 * operator's keys stop working, and work again when it is resumed.
 */
import type { EventOf } from '../../events/event.ts'
import type { OperatorEvent, OperatorSlugEvent, operatorEvents } from '../../events/noctant/operator.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { Rejected } from '../rejection.ts'
import { originOf } from './launch-address.ts'

type DataOf<T extends OperatorEvent['type']> = Extract<EventOf<typeof operatorEvents>, { type: T }>['data']
export type OperatorFacts = Omit<DataOf<'noctant.OperatorCreated.v1'>, 'occurredAt'>
export type ApiKeyFacts = Omit<DataOf<'noctant.ApiKeyIssued.v1'>, 'occurredAt' | 'operatorId' | 'environment'>

export interface KeyState {
  hash: string
  label: string | null
  scopes: ApiKeyFacts['scopes']
  revoked: boolean
  /** Set once the key has been replaced: it works until then. */
  validUntil: string | null
}

export type OperatorState =
  | { status: 'absent' }
  | {
      status: 'active' | 'suspended'
      facts: OperatorFacts
      /** Keys by id; revoked and replaced ones stay, so that an id is never used twice. */
      keys: ReadonlyMap<string, KeyState>
    }

export type OperatorCommand =
  | { kind: 'create'; facts: OperatorFacts; at: string }
  | { kind: 'suspend' | 'resume'; reason: string | null; at: string }
  | { kind: 'setOrigins'; allowedOrigins: readonly string[]; at: string }
  | { kind: 'issueKey'; key: ApiKeyFacts; at: string }
  | { kind: 'revokeKey'; keyId: string; reason: string | null; at: string }
  | {
      kind: 'rotateKey'
      /** The key that is replaced. */
      keyId: string
      replacement: Pick<ApiKeyFacts, 'keyId' | 'keyHash'>
      /** How long the replaced key goes on working. */
      validUntil: string
      at: string
    }

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
      case 'noctant.ApiKeyIssued.v1': {
        const { keyId, keyHash: hash, label, scopes } = event.data
        const key = { hash, label, scopes, revoked: false, validUntil: null }
        return { ...state, keys: new Map(state.keys).set(keyId, key) }
      }
      case 'noctant.ApiKeyRevoked.v1':
        return withKey(state, event.data.keyId, { revoked: true })
      case 'noctant.ApiKeyRotated.v1':
        return withKey(state, event.data.keyId, { validUntil: event.data.validUntil })
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
        if (existing) throw new Rejected('idempotency_key_reused', 'The key id stands for another key.')
        return [{ type: 'noctant.ApiKeyIssued.v1', data: { ...command.key, operatorId, environment, occurredAt } }]
      }
      case 'revokeKey': {
        const { keyId, reason } = command
        const key = state.keys.get(keyId)
        if (!key) throw new Rejected('api_key_not_found', `The operator has no key ${keyId}.`)
        if (key.revoked) return []
        return [{ type: 'noctant.ApiKeyRevoked.v1', data: { operatorId, keyId, reason, occurredAt } }]
      }
      case 'rotateKey':
        return rotateKey(command, state)
      default:
        return command satisfies never
    }
  },
}

type ExistingState = Exclude<OperatorState, { status: 'absent' }>

function withKey(state: ExistingState, keyId: string, change: Partial<KeyState>): ExistingState {
  const key = state.keys.get(keyId)
  return key ? { ...state, keys: new Map(state.keys).set(keyId, { ...key, ...change }) } : state
}

/**
 * The new key may do what the old one may. A key that is replaced once more, by whoever never got the answer, ends when
 * it was going to: rotating does not keep it alive.
 */
function rotateKey(command: Extract<OperatorCommand, { kind: 'rotateKey' }>, state: ExistingState): OperatorEvent[] {
  const { keyId, replacement, at } = command
  const { operatorId, environment } = state.facts
  const key = state.keys.get(keyId)
  const ended = key?.revoked || (key?.validUntil != null && Date.parse(key.validUntil) <= Date.parse(at))
  if (!key || ended) throw new Rejected('api_key_not_found', `The operator has no key ${keyId} that still works.`)
  if (state.keys.has(replacement.keyId)) {
    throw new Rejected('idempotency_key_reused', 'The key id stands for another key.')
  }
  const { label, scopes } = key
  const validUntil = key.validUntil ?? command.validUntil
  const issued = { ...replacement, operatorId, environment, label, scopes, occurredAt: at }
  const rotated = { operatorId, keyId, replacedBy: replacement.keyId, validUntil, occurredAt: at }
  return [
    { type: 'noctant.ApiKeyIssued.v1', data: issued },
    { type: 'noctant.ApiKeyRotated.v1', data: rotated },
  ]
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
