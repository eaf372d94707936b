/**
 * Authentication and scopes. What a key looks like and where it is kept is the context's business: it brings a verifier,
 * and this file turns its verdict into an answer and bounds guessing.
 */
import type { Context } from 'hono'
import { clientAddress } from './client-address.ts'
import type { AppEnv, Principal } from './environment.ts'
import { Problem } from './problem.ts'
import { createWindow, type Window } from './rate-limit.ts'

/** What a verifier says of a key; `invalid` covers unknown, mistyped and revoked ones alike. */
export type Verdict =
  | { kind: 'valid'; principal: Principal }
  | { kind: 'invalid' }
  /** A good key, of another part of the API. */
  | { kind: 'elsewhere' }
  | { kind: 'operator_suspended' }
  | { kind: 'api_access_disabled' }

export interface AuthenticationOptions {
  /** Named in the WWW-Authenticate header. */
  realm: string
  verify: (key: string) => Verdict
  failuresPerMinuteMax: number
  trustProxy: boolean
  nowMs: () => number
}

/** What `own` says of a key; one that it does not know may be known elsewhere, which is no guess. */
export const knowingOthers =
  (own: (key: string) => Verdict, ...others: readonly ((key: string) => Verdict)[]) =>
  (key: string): Verdict => {
    const verdict = own(key)
    if (verdict.kind !== 'invalid') return verdict
    return others.some((other) => other(key).kind !== 'invalid') ? { kind: 'elsewhere' } : verdict
  }

const BEARER = /^Bearer +([^\s]+)$/i

/** Client addresses that are remembered for their failures; the longest idle is forgotten first. */
const ADDRESSES_MAX = 20_000

/**
 * Sets the principal. Throws a Problem: 401 or 403 where the key does not open the door, 429 where an address keeps trying
 * keys that do not.
 */
export function authenticate(options: AuthenticationOptions): (c: Context<AppEnv>) => void {
  const failures = createWindow({ keysMax: ADDRESSES_MAX, nowMs: options.nowMs })
  const challenge = { 'www-authenticate': `Bearer realm="${options.realm}"` }
  const rejected = { 'www-authenticate': `${challenge['www-authenticate']}, error="invalid_token"` }
  return (c) => {
    const header = c.req.header('authorization')
    if (header === undefined) {
      throw new Problem('credential_missing', 'Send the API key as a bearer token.', { headers: challenge })
    }
    const verdict = options.verify(BEARER.exec(header)?.[1] ?? '')
    switch (verdict.kind) {
      case 'valid':
        c.set('principal', verdict.principal)
        return
      case 'invalid':
        countFailure(failures, clientAddress(c, options.trustProxy), options.failuresPerMinuteMax)
        throw new Problem('credential_invalid', 'The API key is unknown, mistyped or revoked.', { headers: rejected })
      case 'elsewhere':
        throw new Problem('credential_elsewhere', `The API key is good, but opens nothing under /${options.realm}.`)
      case 'operator_suspended':
        throw new Problem('operator_suspended', 'The operator is suspended; its keys work again once it is resumed.')
      case 'api_access_disabled':
        throw new Problem('api_access_disabled', 'The operator has not been given access to the API.')
      default:
        return verdict satisfies never
    }
  }
}

function countFailure(failures: Window, address: string, max: number): void {
  const { count, resetMs } = failures.add(address)
  if (count <= max) return
  const headers = { 'retry-after': String(Math.ceil(resetMs / 1_000)) }
  throw new Problem('rate_limit_exceeded', 'Too many refused API keys from this address.', { headers })
}

/** Throws a Problem (403) unless the principal has every one of the scopes. */
export function requireScopes(c: Context<AppEnv>, scopes: readonly string[]): void {
  const { scopes: granted } = c.get('principal')
  if (scopes.every((scope) => granted.includes(scope))) return
  const missing = scopes.filter((scope) => !granted.includes(scope))
  throw new Problem('scope_missing', `The API key lacks the scope ${missing.join(', ')}.`)
}
