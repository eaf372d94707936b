/**
 * An account: a person, and the API keys that it has made. The number of keys that work is bounded here, whoever makes one. An account
 * that is forgotten makes no more keys, and those that it has do not work.
 */
import type { AccountEvent } from '../../events/killatamata/account.ts'
import type { IdentityKind, KeyFacts, KeySource } from '../../events/killatamata/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export interface ApiKey extends KeyFacts {
  status: 'active' | 'revoked' | 'expired'
  /** When it ended; null: it works. */
  endedAt: string | null
}

export type AccountState =
  | { status: 'absent' }
  | {
      status: 'active' | 'forgotten'
      accountId: string
      email: string
      isAdmin: boolean
      identities: ReadonlySet<string>
      keys: ReadonlyMap<string, ApiKey>
    }
type Existing = Exclude<AccountState, { status: 'absent' }>

/** Which key is meant: by its id, or by what its text begins with. */
export type KeyNamed = { keyId: string } | { keyPrefix: string }

export type AccountCommand = { accountId: string; at: string } & (
  | { kind: 'open'; email: string }
  | { kind: 'link'; identityId: string; identityKind: IdentityKind }
  | { kind: 'setAdmin'; isAdmin: boolean }
  /** `keysMax` null: room was made for it before. */
  | { kind: 'issueKey'; key: KeyFacts; source: KeySource; keysMax: number | null }
  | { kind: 'revokeKey'; named: KeyNamed }
  | { kind: 'expireKey'; keyId: string }
  | { kind: 'forget'; reference: string | null }
)

/** Characters of a prefix that names a key, at least. */
export const NAMING_PREFIX_MIN = 5

export const account: Aggregate<AccountState, AccountCommand, AccountEvent> = {
  category: 'killatamata.account',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'killatamata.AccountOpened.v1') {
      const { accountId, email } = event.data
      const none = { isAdmin: false, identities: new Set<string>(), keys: new Map<string, ApiKey>() }
      return { status: 'active', accountId, email, ...none }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'killatamata.IdentityLinked.v1':
        return { ...state, identities: new Set(state.identities).add(event.data.identityId) }
      case 'killatamata.AdminGranted.v1':
        return { ...state, isAdmin: true }
      case 'killatamata.AdminRevoked.v1':
        return { ...state, isAdmin: false }
      case 'killatamata.ApiKeyIssued.v1': {
        const { keyId, textId, keyHash, keyPrefix, label } = event.data
        const key = { keyId, textId, keyHash, keyPrefix, label, status: 'active' as const, endedAt: null }
        return { ...state, keys: new Map(state.keys).set(keyId, key) }
      }
      case 'killatamata.ApiKeyRevoked.v1':
        return withEnded(state, event.data, 'revoked')
      case 'killatamata.ApiKeyExpired.v1':
        return withEnded(state, event.data, 'expired')
      case 'killatamata.AccountForgotten.v1':
        return { ...state, status: 'forgotten', email: '', isAdmin: false }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { accountId, at: occurredAt } = command
    const of = { accountId, occurredAt }
    if (command.kind === 'open') {
      if (state.status !== 'absent') return []
      return [{ type: 'killatamata.AccountOpened.v1', data: { ...of, email: command.email } }]
    }
    if (state.status === 'absent') throw new Rejected('account_not_found', 'There is no such account.')
    if (state.status === 'forgotten') {
      if (command.kind === 'forget') return []
      throw new Rejected('account_gone', 'The account was forgotten.')
    }
    switch (command.kind) {
      case 'link': {
        const { identityId, identityKind: kind } = command
        if (state.identities.has(identityId)) return []
        return [{ type: 'killatamata.IdentityLinked.v1', data: { ...of, identityId, kind } }]
      }
      case 'setAdmin': {
        if (state.isAdmin === command.isAdmin) return []
        const type = command.isAdmin ? 'killatamata.AdminGranted.v1' : 'killatamata.AdminRevoked.v1'
        return [{ type, data: of }]
      }
      case 'issueKey': {
        const { key, source, keysMax } = command
        if (state.keys.has(key.keyId)) return []
        if (keysMax !== null) refuseTooMany(state, keysMax)
        return [{ type: 'killatamata.ApiKeyIssued.v1', data: { ...of, ...key, source } }]
      }
      case 'revokeKey': {
        const key = namedKey(state, command.named)
        if (key.status !== 'active') return []
        return [{ type: 'killatamata.ApiKeyRevoked.v1', data: { ...of, keyId: key.keyId } }]
      }
      case 'expireKey': {
        if (state.keys.get(command.keyId)?.status !== 'active') return []
        return [{ type: 'killatamata.ApiKeyExpired.v1', data: { ...of, keyId: command.keyId } }]
      }
      case 'forget':
        return [{ type: 'killatamata.AccountForgotten.v1', data: { ...of, reference: command.reference } }]
      default:
        return command satisfies never
    }
  },
}

function withEnded(
  state: Existing,
  { keyId, occurredAt: endedAt }: { keyId: string; occurredAt: string },
  status: 'revoked' | 'expired',
): Existing {
  const key = state.keys.get(keyId)
  return key ? { ...state, keys: new Map(state.keys).set(keyId, { ...key, status, endedAt }) } : state
}

export const activeKeys = ({ keys }: Existing): ApiKey[] => [
  ...keys.values().filter(({ status }) => status === 'active'),
]

/** Throws key_limit_reached where the account has as many keys as it may have. */
export function refuseTooMany(state: Existing, keysMax: number): void {
  if (activeKeys(state).length < keysMax) return
  throw new Rejected('key_limit_reached', `${keysMax} keys work already; revoke one first.`)
}

/** The key that is meant. One that has ended is found by its id, and by how it begins where no key that works begins so. */
export function namedKey(state: Existing, named: KeyNamed): ApiKey {
  if ('keyId' in named) {
    const key = state.keys.get(named.keyId)
    if (key) return key
    throw new Rejected('key_not_found', 'There is no such key.', '/keyId')
  }
  const { keyPrefix } = named
  const beginsSo = (key: ApiKey) => key.keyPrefix.startsWith(keyPrefix)
  const working = activeKeys(state).filter(beginsSo)
  const fitting = working.length > 0 ? working : [...state.keys.values().filter(beginsSo)]
  const [key] = fitting
  if (!key) throw new Rejected('key_not_found', 'No key begins so.', '/keyPrefix')
  if (fitting.length === 1) return key
  throw new Rejected('key_prefix_ambiguous', `${fitting.length} keys begin so; name one by its id.`, '/keyPrefix')
}
