/**
 * Who may call an operation. A context declares its ways of signing in as schemes: where a credential stands in a request,
 * and how the document describes it. What a credential is and where it is kept is the context's business: it brings a
 * verifier for each scheme, and this file turns the verdicts into an answer and bounds guessing.
 */
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import type { ReplyHeader } from './answers.ts'
import type { Bounds } from './bounds.ts'
import { clientAddress } from './client-address.ts'
import type { AppEnv, Principal } from './environment.ts'
import { Problem } from './errors.ts'
import { createWindow, refuseBeyond } from './rate-limit.ts'

/** The part of a request that says who asks. */
export interface RequestHead {
  method: string
  path: string
  header: (name: string) => string | undefined
  /** The first of its values. */
  query: (name: string) => string | undefined
  cookie: (name: string) => string | undefined
}

/** Reads a credential; undefined: the request has none of this kind. May throw a Problem where it contradicts itself. */
export type Credential = (head: RequestHead) => string | undefined

export interface Scheme {
  /** As the document describes it; undefined: the contract does not name it. */
  document?: { type: 'http' | 'apiKey'; description?: string; scheme?: string; in?: 'header' | 'cookie'; name?: string }
  /** The places of a credential, tried in turn. */
  credentials: readonly Credential[]
  /** Whether keys of other contexts come the same way: such a key is refused without counting as a guess. */
  isBearer?: boolean
  /** What the refusal of a request without any says, and its WWW-Authenticate header without the realm; default: those of bearers. */
  asks?: { detail: string; challenge: string }
  /** Codes of the context with which its verifier refuses a good credential. */
  refuses?: readonly string[]
  /** Headers that its verifier may add to an answer. */
  sets?: readonly ReplyHeader[]
}

const BEARER = /^Bearer +([^\s]+)$/i
const BEARERS = { detail: 'Send the API key as a bearer token.', challenge: 'Bearer' }

/** The token of `Authorization: Bearer …`; '' where the header has another form, which no verifier takes. */
export const bearerToken: Credential = ({ header }) => {
  const text = header('authorization')
  return text === undefined ? undefined : (BEARER.exec(text)?.[1] ?? '')
}
export const headerValue =
  (name: string): Credential =>
  ({ header }) =>
    header(name)
export const cookieValue =
  (name: string): Credential =>
  ({ cookie }) =>
    cookie(name)

export const bearerScheme = (description: string, ...more: Credential[]): Scheme => ({
  document: { type: 'http', scheme: 'bearer', description },
  credentials: [bearerToken, ...more],
  isBearer: true,
})

/** What a verifier says of a credential; `invalid` covers unknown, mistyped and revoked ones alike. */
export type Verdict<Who extends Principal = Principal, Code extends string = string> =
  /** `headers`: of the answer, such as a cookie that lasts longer now. */
  | { kind: 'valid'; principal: Who; headers?: Readonly<Partial<Record<ReplyHeader, string>>> }
  | { kind: 'invalid' }
  /** A good one, of somebody who may not use the API: the code is of the context's table. */
  | { kind: 'refused'; code: Code; detail: string }

export type Verifier<Who extends Principal = Principal> = (
  credential: string,
  head: RequestHead,
) => Verdict<Who> | Promise<Verdict<Who>>

/** Who may call: those who sign in by one of the alternatives with all of its scopes; anybody where `isOptional`. */
export interface Access {
  alternatives: readonly { scheme: string; scopes: readonly string[] }[]
  /** A request without any credential is taken too; one with a bad credential is refused all the same. */
  isOptional: boolean
}

/** Nobody signs in: the handler has no principal. */
export interface PublicAccess extends Access {
  alternatives: readonly []
  isOptional: true
}
/** Everybody signs in: the handler always has a principal. */
export interface SignedAccess extends Access {
  isOptional: false
}

export const publicAccess: PublicAccess = { alternatives: [], isOptional: true }
export const signedBy = (scheme: string, ...scopes: string[]): SignedAccess => ({
  alternatives: [{ scheme, scopes }],
  isOptional: false,
})
/** One of these. With `publicAccess` among them the principal may be absent. */
export function either(...accesses: SignedAccess[]): SignedAccess
export function either(...accesses: Access[]): Access
export function either(...accesses: Access[]): Access {
  const isOptional = accesses.some((access) => access.isOptional)
  return { alternatives: accesses.flatMap(({ alternatives }) => alternatives), isOptional }
}

/** Who a handler is given under an access. */
export type PrincipalOf<A extends Access, Who> = A extends PublicAccess
  ? undefined
  : A extends SignedAccess
    ? Who
    : Who | undefined

/** A scheme with its verifier. */
export interface Door extends Scheme {
  verify: Verifier
}

export interface GateOptions {
  /** Named in the WWW-Authenticate header. */
  realm: string
  doors: ReadonlyMap<string, Door>
  /** Those of the other contexts, whose keys are no guesses here. */
  others: () => readonly Door[]
  failuresPerMinuteMax: number
  trustProxy: boolean
  nowMs: () => number
  /** Counts requests without a credential. */
  overused: Bounds['overused']
}

export interface Authenticated {
  principal: Principal | undefined
  scopes: readonly string[]
}

/** Client addresses that are remembered for their failures; the longest idle is forgotten first. */
const ADDRESSES_MAX = 20_000

export const headOf = (c: Context<AppEnv>): RequestHead => ({
  method: c.req.method,
  path: c.req.path,
  header: (name) => c.req.header(name),
  query: (name) => c.req.query(name),
  cookie: (name) => getCookie(c, name),
})

/**
 * Makes the step that finds out who asks and which scopes they need. It throws a Problem: 401 or 403 where no credential
 * opens the door, 429 where an address keeps trying. It answers at once where the verifiers do.
 */
export function createGate({ realm, doors, others, failuresPerMinuteMax, trustProxy, nowMs, overused }: GateOptions) {
  const failures = createWindow({ keysMax: ADDRESSES_MAX, nowMs })
  const asksOf = ([first]: Access['alternatives']) => {
    const { detail, challenge } = (first && doors.get(first.scheme)?.asks) ?? BEARERS
    return { detail, challenge: `${challenge} realm="${realm}"` }
  }

  function countFailure(address: string): void {
    const detail = 'Too many refused API keys from this address.'
    const refusal = refuseBeyond(failuresPerMinuteMax, failures.add(address), detail)
    if (refusal) throw refusal
  }

  /** Whether another context, or another scheme of this one, knows the bearer token. */
  const isKnownElsewhere = (token: string, head: RequestHead): boolean =>
    [...others(), ...doors.values()].some((door) => {
      const verdict = door.isBearer === true ? door.verify(token, head) : undefined
      return verdict !== undefined && !(verdict instanceof Promise) && verdict.kind !== 'invalid'
    })

  function refuse(
    c: Context<AppEnv>,
    head: RequestHead,
    alternatives: Access['alternatives'],
    verdict: Exclude<Verdict, { kind: 'valid' }> | undefined,
  ): never {
    const { detail, challenge } = asksOf(alternatives)
    if (!verdict) {
      const refusal = overused(c)
      if (refusal) throw refusal
      throw new Problem('credential_missing', detail, { headers: { 'www-authenticate': challenge } })
    }
    if (verdict.kind === 'refused') throw new Problem<string>(verdict.code, verdict.detail)
    const token = bearerToken(head)
    const headers = { 'www-authenticate': `${challenge}, error="invalid_token"` }
    if (token && isKnownElsewhere(token, head)) {
      throw new Problem('credential_elsewhere', 'The key is good, but not for this address.', { headers })
    }
    countFailure(clientAddress(c, trustProxy))
    throw new Problem('credential_invalid', 'The API key is unknown, mistyped or revoked.', { headers })
  }

  return function authenticate(
    c: Context<AppEnv>,
    { alternatives, isOptional }: Access,
  ): Authenticated | Promise<Authenticated> {
    if (alternatives.length === 0) return { principal: undefined, scopes: [] }
    const head = headOf(c)
    let failed: Exclude<Verdict, { kind: 'valid' }> | undefined
    const tryFrom = (index: number): Authenticated | Promise<Authenticated> => {
      for (let at = index; at < alternatives.length; at++) {
        const { scheme, scopes } = alternatives[at] ?? { scheme: '', scopes: [] }
        const door = doors.get(scheme)
        if (!door) throw new Error(`the context has no way of signing in named ${scheme}`)
        const credential = firstOf(door.credentials, head)
        if (credential === undefined) continue
        const judge = (verdict: Verdict): Authenticated | undefined => {
          if (verdict.kind === 'valid') {
            if (verdict.headers) Object.assign(c.get('exchange').headers, verdict.headers)
            return { principal: verdict.principal, scopes }
          }
          if (failed?.kind !== 'refused') failed = verdict
          return undefined
        }
        const verdict = door.verify(credential, head)
        if (verdict instanceof Promise) return verdict.then((found) => judge(found) ?? tryFrom(at + 1))
        const authenticated = judge(verdict)
        if (authenticated) return authenticated
      }
      if (!failed && isOptional) return { principal: undefined, scopes: [] }
      return refuse(c, head, alternatives, failed)
    }
    return tryFrom(0)
  }
}

function firstOf(credentials: readonly Credential[], head: RequestHead): string | undefined {
  for (const read of credentials) {
    const found = read(head)
    if (found !== undefined) return found
  }
  return undefined
}

/** Throws a Problem (403) unless the principal has every one of the scopes. */
export function requireScopes(granted: readonly string[], scopes: readonly string[]): void {
  if (scopes.every((scope) => granted.includes(scope))) return
  const missing = scopes.filter((scope) => !granted.includes(scope))
  throw new Problem('scope_missing', `The API key lacks the scope ${missing.join(', ')}.`)
}
