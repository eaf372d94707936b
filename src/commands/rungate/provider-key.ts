/** A provider's API key: its secret, sealed, where it is used, and whether it may be. Nothing follows a deletion. */
import type { ProviderKeyEvent, ProviderKeyFacts } from '../../events/rungate/provider-key.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export type SealedSecret = Pick<ProviderKeyFacts, 'secretId' | 'sealed' | 'masked'>

export type ProviderKeyState =
  | { status: 'absent' }
  | {
      status: 'active' | 'disabled' | 'deleted'
      facts: ProviderKeyFacts
      remapTo: string | null
      rotatedAt: string | null
      updatedAt: string
    }
export type ExistingProviderKey = Exclude<ProviderKeyState, { status: 'absent' }>

interface Asked {
  accountId: string
  author: Author
  at: string
}
export type ProviderKeyCommand =
  | { kind: 'add'; facts: ProviderKeyFacts }
  /** What is not given stays. `provider`: refused where it is another; so is another `baseUrl` without a secret. */
  | (Asked & { kind: 'change'; name?: string; baseUrl?: string | null; provider?: string; secret?: SealedSecret })
  | (Asked & { kind: 'disable' | 'enable' })
  | (Asked & { kind: 'delete'; remapTo: string | null })

export const providerKeyNotFound = () => new Rejected('provider_key_not_found', 'There is no such provider key.')

export const providerKey: Aggregate<ProviderKeyState, ProviderKeyCommand, ProviderKeyEvent> = {
  category: 'rungate.providerKey',
  initialState: { status: 'absent' },

  evolve(state, event) {
    const { occurredAt: updatedAt } = event.data
    if (event.type === 'rungate.ProviderKeyAdded.v1') {
      return { status: 'active', facts: event.data, remapTo: null, rotatedAt: null, updatedAt }
    }
    if (state.status === 'absent') return state
    const { facts } = state
    switch (event.type) {
      case 'rungate.ProviderKeyChanged.v1': {
        const { name, baseUrl } = event.data
        return { ...state, facts: { ...facts, name, baseUrl }, updatedAt }
      }
      case 'rungate.ProviderKeyRotated.v1': {
        const { secretId, sealed, masked } = event.data
        return { ...state, facts: { ...facts, secretId, sealed, masked }, rotatedAt: updatedAt, updatedAt }
      }
      case 'rungate.ProviderKeyDisabled.v1':
        return { ...state, status: 'disabled', updatedAt }
      case 'rungate.ProviderKeyEnabled.v1':
        return { ...state, status: 'active', updatedAt }
      case 'rungate.ProviderKeyDeleted.v1':
        return { ...state, status: 'deleted', remapTo: event.data.remapTo, updatedAt }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'add') {
      return state.status === 'absent' ? [{ type: 'rungate.ProviderKeyAdded.v1', data: command.facts }] : []
    }
    if (state.status === 'absent' || state.facts.accountId !== command.accountId) throw providerKeyNotFound()
    const { author, at: occurredAt } = command
    const { accountId, keyId } = state.facts
    const of = { accountId, keyId, author, occurredAt }
    if (state.status === 'deleted') {
      if (command.kind === 'delete') return []
      throw providerKeyNotFound()
    }
    switch (command.kind) {
      case 'change':
        return changed(state, command, of)
      case 'disable':
        return state.status === 'disabled' ? [] : [{ type: 'rungate.ProviderKeyDisabled.v1', data: of }]
      case 'enable':
        return state.status === 'active' ? [] : [{ type: 'rungate.ProviderKeyEnabled.v1', data: of }]
      case 'delete':
        return [{ type: 'rungate.ProviderKeyDeleted.v1', data: { ...of, remapTo: command.remapTo } }]
      default:
        return command satisfies never
    }
  },
}

function changed(
  { facts }: ExistingProviderKey,
  command: Extract<ProviderKeyCommand, { kind: 'change' }>,
  of: Pick<ProviderKeyFacts, 'accountId' | 'keyId' | 'author' | 'occurredAt'>,
): ProviderKeyEvent[] {
  const { name = facts.name, baseUrl = facts.baseUrl, provider = facts.provider, secret } = command
  if (provider !== facts.provider) {
    throw new Rejected('provider_differs', `The key ${facts.name} is of ${facts.provider}.`, '/provider')
  }
  // Nobody who may change a key learns its secret by having it sent to an address of his own.
  if (baseUrl !== facts.baseUrl && !secret) {
    throw new Rejected('secret_needed', 'Another base_url needs the api_key anew.', '/api_key')
  }
  const isSame = name === facts.name && baseUrl === facts.baseUrl
  return [
    // The former secret goes before the key leads elsewhere.
    ...(secret ? [{ type: 'rungate.ProviderKeyRotated.v1' as const, data: { ...of, ...secret } }] : []),
    ...(isSame ? [] : [{ type: 'rungate.ProviderKeyChanged.v1' as const, data: { ...of, name, baseUrl } }]),
  ]
}

/** Whether agents of the account may name the key for this provider. */
export const isUsable = (state: ProviderKeyState, accountId: string, provider: string): boolean =>
  state.status !== 'absent' &&
  state.status !== 'deleted' &&
  state.facts.accountId === accountId &&
  state.facts.provider === provider
