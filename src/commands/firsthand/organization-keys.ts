/** What may be done with the API keys of an organization. */
import type { OrganizationEvent } from '../../events/firsthand/organization.ts'
import type { Environment, Scope } from '../../events/firsthand/vocabulary.ts'
import type { ExistingOrganization, OrganizationState } from './organization.ts'
import { Rejected } from './rejection.ts'

export interface ApiKey {
  keyId: string
  textId: string
  keyHash: string
  hint: string
  name: string
  scopes: Scope[]
  environment: Environment
  expiresAt: string | null
  replaces: string | null
  /** The key that asked for it; null: an administrator did. */
  madeBy: string | null
  createdAt: string
  isRevoked: boolean
  /** Set once it was rotated: it works until then. */
  successor: { keyId: string; validUntil: string } | null
  usedAt: string | null
}
export type KeyFacts = Omit<ApiKey, 'replaces' | 'madeBy' | 'createdAt' | 'isRevoked' | 'successor' | 'usedAt'>
type KeyText = Pick<ApiKey, 'keyId' | 'textId' | 'keyHash' | 'hint'>

/** Whose key asks: it makes none that may do more, and one of `test` sees no key of `live`. */
export interface Grantor {
  keyId: string
  scopes: readonly string[]
  environment: Environment
}

export type KeyCommand =
  /** `by`: null where an administrator makes it. */
  | { kind: 'createKey'; key: KeyFacts; by: Grantor | null; keysMax: number; at: string }
  | {
      kind: 'rotateKey'
      keyId: string
      replacement: KeyText
      validUntil: string
      by: Grantor | null
      keysMax: number
      at: string
    }
  /**
   * With what was made with it, and with that; but for a key that asks, and what that one has made. `sparesSuccessors`: what has
   * taken its own place by rotation works on.
   */
  | {
      kind: 'revokeKey'
      keyId: string
      reason: string | null
      sparesSuccessors: boolean
      by: Grantor | null
      at: string
    }
  | { kind: 'noteKeyUse'; keyId: string; usedAt: string; gapMinMs: number; at: string }

/** Whether the key opens anything at this time. */
export const isLiving = ({ isRevoked, expiresAt, successor }: ApiKey, at: string): boolean =>
  !isRevoked && !hasPassed(expiresAt, at) && !hasPassed(successor?.validUntil ?? null, at)

const hasPassed = (time: string | null, at: string): boolean => time !== null && Date.parse(time) <= Date.parse(at)

export function decideKeys(command: KeyCommand, state: ExistingOrganization): OrganizationEvent[] {
  const { keys } = state
  const { organizationId } = state.facts
  const occurredAt = command.at
  switch (command.kind) {
    case 'createKey': {
      const { key, by } = command
      if (keys.values().some(({ keyHash }) => keyHash === key.keyHash)) return []
      refuseBeyond(key, by)
      if (hasPassed(key.expiresAt, occurredAt)) {
        throw new Rejected('api_key_expiry_passed', 'A key is to end in the future.', '/expires_at')
      }
      refuseTooMany(state, command)
      return [
        {
          type: 'firsthand.ApiKeyCreated.v1',
          data: { organizationId, ...key, replaces: null, ...madeBy(by), occurredAt },
        },
      ]
    }
    case 'rotateKey': {
      const { keyId, replacement, validUntil } = command
      const key = visibleKey(state, command)
      if (key.successor) {
        throw new Rejected('api_key_ended', `The key was replaced by ${key.successor.keyId} already.`)
      }
      if (!isLiving(key, occurredAt)) throw new Rejected('api_key_ended', 'The key works no more; make another one.')
      refuseBeyond(key, command.by)
      refuseTooMany(state, command)
      const { name, scopes, environment, expiresAt } = key
      const facts = { ...replacement, name, scopes, environment, expiresAt, replaces: keyId, ...madeBy(command.by) }
      return [
        { type: 'firsthand.ApiKeyCreated.v1', data: { organizationId, ...facts, occurredAt } },
        {
          type: 'firsthand.ApiKeyRotated.v1',
          data: { organizationId, keyId, replacedBy: replacement.keyId, validUntil, occurredAt },
        },
      ]
    }
    case 'revokeKey': {
      const { reason } = command
      const key = visibleKey(state, command)
      return [...withMade(state, key, command)]
        .filter(({ isRevoked }) => !isRevoked)
        .map(({ keyId }) => ({
          type: 'firsthand.ApiKeyRevoked.v1',
          data: { organizationId, keyId, reason, occurredAt },
        }))
    }
    case 'noteKeyUse': {
      const { keyId, usedAt, gapMinMs } = command
      const key = keys.get(keyId)
      if (!key || (key.usedAt !== null && Date.parse(usedAt) - Date.parse(key.usedAt) < gapMinMs)) return []
      return [{ type: 'firsthand.ApiKeyUseNoted.v1', data: { organizationId, keyId, usedAt, occurredAt } }]
    }
    default:
      return command satisfies never
  }
}

/** The world that a key opens; `test` where there is none, which decides nothing. */
export const environmentOfKey = (state: OrganizationState, keyId: string): Environment =>
  (state.status === 'absent' ? undefined : state.keys.get(keyId)?.environment) ?? 'test'

/** Throws api_key_not_found, for a key of the environment that the asking key does not see just as for none. */
function visibleKey({ keys }: ExistingOrganization, { keyId, by }: { keyId: string; by: Grantor | null }): ApiKey {
  const key = keys.get(keyId)
  if (key && (by?.environment !== 'test' || key.environment === 'test')) return key
  throw new Rejected('api_key_not_found', 'There is no such API key.')
}

const madeBy = (by: Grantor | null) => ({ madeBy: by?.keyId ?? null })

/** The key and what was made with it, whether in its place or beside it, the nearest first. It looks at each key once. */
function withMade(
  { keys }: ExistingOrganization,
  key: ApiKey,
  { sparesSuccessors, by }: Extract<KeyCommand, { kind: 'revokeKey' }>,
): Iterable<ApiKey> {
  const [successors, made] = [
    Map.groupBy(keys.values(), ({ replaces }) => replaces),
    Map.groupBy(keys.values(), (each) => each.madeBy),
  ]
  const isSpared = (each: ApiKey) => each.keyId === by?.keyId || (sparesSuccessors && each.replaces === key.keyId)
  const line = new Set([key])
  for (const { keyId } of line) {
    for (const next of [...(successors.get(keyId) ?? []), ...(made.get(keyId) ?? [])])
      if (!isSpared(next)) line.add(next)
  }
  return line
}

function refuseBeyond({ scopes, environment }: Pick<ApiKey, 'scopes' | 'environment'>, by: Grantor | null): void {
  if (by === null) return
  const beyond = scopes.filter((scope) => !by.scopes.includes(scope))
  if (beyond.length > 0) {
    throw new Rejected('key_beyond_own', `The key that asks lacks ${beyond.join(', ')} itself.`, '/scopes')
  }
  if (by.environment === 'test' && environment === 'live') {
    throw new Rejected('key_beyond_own', 'A key of the test environment makes none for live.', '/environment')
  }
}

function refuseTooMany({ keys }: ExistingOrganization, { keysMax, at }: { keysMax: number; at: string }): void {
  const living = keys.values().reduce((count, key) => count + (isLiving(key, at) ? 1 : 0), 0)
  if (living < keysMax) return
  throw new Rejected('api_key_limit_reached', `${keysMax} keys work already; revoke one first, or wait for one to end.`)
}
