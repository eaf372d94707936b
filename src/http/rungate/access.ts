/**
 * What rungate's handlers work with, who signs its requests, and the builders of its operations. Each address has its own way of
 * signing in: the dashboard's, an agent's key, or none.
 */
import type { MailWay } from '../../adapters/mail/settings.ts'
import { createKeyProof } from '../../api-keys/key-proof.ts'
import { impliedScopes } from '../../commands/rungate/admin-token.ts'
import type { Desks } from '../../commands/rungate/desk/interface.ts'
import { hashedForm, textIdOf } from '../../commands/rungate/keys.ts'
import type { Author, Role, Scope } from '../../events/rungate/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { PeopleDigests } from '../../processes/rungate/people-digests.ts'
import type { AdminTokenRow } from '../../projections/rungate/admin-token.ts'
import type { SessionDirectory, TokenDirectory } from '../../projections/rungate/credentials.ts'
import type { GovernanceDirectory, GovernedAgent } from '../../projections/rungate/governance.ts'
import type { SessionRow } from '../../projections/rungate/session.ts'
import type { ObjectKeys } from '../../vault/object-keys.ts'
import type { Resolve } from '../../webhooks/request.ts'
import {
  bearerScheme,
  bearerToken,
  type Credential,
  type Scheme,
  signedBy,
  type Verdict,
  type Verifier,
} from '../access.ts'
import type { FixedBody } from '../answers.ts'
import type { Principal } from '../environment.ts'
import { type CoreParts, operationsFor } from '../operation.ts'
import type { SignIn } from '../pages/declaration.ts'
import type { RateClass } from '../rate-limit.ts'
import type { perMinuteOf, RungateBounds } from './bounds.ts'
import { AGENT, DASHBOARD, type RungateCode } from './errors.ts'
import { COOKIE, cookieHashOf, cookieHeader, isForeign, type Place, sessionCookie } from './people/cookie.ts'
import type { PeopleLimits } from './people/limits.ts'
import { signedIn } from './people/signed-in.ts'
import type { ContentLog } from './proxy/content-log.ts'
import { isProxied, type ModelProxy } from './proxy/proxy.ts'
import type { Health } from './public/counts.ts'

export interface WebhookParts {
  resolve: Resolve
  /** Development: webhooks may lead to loopback, by http too. */
  allowLoopback: boolean
  /** Of an account. */
  webhooksMax: number
  /** Until when a former secret signs on, that is replaced at this time. */
  overlapEnd: (at: string) => string
  /** Whether a process sends webhooks now. */
  isServed: () => Promise<boolean>
}

export interface RungateParts extends CoreParts {
  db: ReadModels
  /** The admin tokens, the agents' keys and the sessions that this process knows. */
  tokens: Pick<TokenDirectory, 'find'>
  agents: Pick<GovernanceDirectory, 'find'>
  sessions: Pick<SessionDirectory, 'find'>
  /** Told of each request that a token has signed. */
  noteUse: (token: Pick<AdminTokenRow, 'token_id' | 'last_used_at'>) => void
  /** Told of each request that a session has signed; answers whether its cookie is to be prolonged. */
  noteSeen: (session: Pick<SessionRow, 'session_id' | 'last_active_at' | 'created_at'>) => boolean
  /** How long a session is good without being used. */
  sessionMs: number
  /** By which a browser's requests are told from those that another site sends. */
  cookies: Place
  /** Where mails go. */
  mailWay: MailWay
  people: PeopleDigests
  peopleLimits: PeopleLimits
  /** How long an answer about a key waits until this process acts by it. */
  keyKnownWaitMs: number
  /** How often one account asks. */
  perMinute: ReturnType<typeof perMinuteOf>
  /** Admin tokens of an account. */
  adminTokensMax: number
  /** Registrations of one client address within an hour. */
  registrationsPerHourMax: number
  /** The provider keys' own keys, with which their secrets are sealed. */
  providerSecrets: ObjectKeys
  /** Where provider keys may lead. */
  providerAddresses: { resolve: Resolve; allowLoopback: boolean; hosts: readonly string[] }
  webhooks: WebhookParts
  health: Health
  /** The desks of agents, where calls are admitted and runs are ended. */
  desks: Desks
  /** How much of policies and agents is taken. */
  bounds: RungateBounds
  /** Calls of models. */
  proxy: ModelProxy
  /** What steps said, where that is kept. */
  contentLog: ContentLog
  /** Of this process, a UUID; made at its start. */
  processId: string
  /** This context's document. */
  document: FixedBody
  /** By name. */
  guides: ReadonlyMap<string, FixedBody>
  /** What agents can call. */
  agentEndpoints: () => Promise<readonly { method: string; path: string; description: string }[]>
  /** Where clients reach the API, without a slash at its end. */
  apiUrl: () => string
}

/** Who signs a request of the dashboard: a token, or a member by its session. */
export interface Operator extends Principal {
  accountId: string
  /** Null: a token, which is no member. */
  memberId: string | null
  /** Null: a token or an agent, which have none. */
  role: Role | null
  /** Null: it signs by a key. */
  sessionId: string | null
  author: Author
}

/** An agent that signs with its own key. */
export interface AgentPrincipal extends Operator {
  agentId: string
  /** As this process knows it now. */
  governed: GovernedAgent
}

export const { write, read, operation } = operationsFor<RungateParts, Operator, RungateCode>()
/** The same for what agents call. */
export const agents = operationsFor<RungateParts, AgentPrincipal, RungateCode>()

/** For the dashboard, with this scope. */
export const dashboard = (...scopes: Scope[]) => signedBy(DASHBOARD, ...scopes)
/** For agents. */
export const agentKey = signedBy(AGENT)

/** `x-api-key` too; where both are sent they are the same. */
const agentCredential: Credential = (head) => {
  const [bearer, own] = [bearerToken(head), head.header('x-api-key')]
  if (bearer === undefined || own === undefined) return bearer ?? own
  return bearer === own ? own : ''
}

/** A token counts where both come. */
const sessionCredential: Credential = (head) =>
  head.header('authorization') === undefined ? head.cookie(COOKIE) : undefined

export const schemes: Readonly<Record<string, Scheme>> = {
  [DASHBOARD]: {
    ...bearerScheme(
      'An admin token (`rg_adm_…`) with the scope that the operation names, or the cookie of a session: owners and admins have ' +
        'every scope, members `read` and `write`, viewers `read`.',
      sessionCredential,
    ),
    refuses: ['origin_foreign'],
    sets: ['set-cookie'],
  },
  [AGENT]: {
    ...bearerScheme('The key of an agent (`rg_sk_…`), as a bearer token or in `x-api-key`.'),
    credentials: [agentCredential],
  },
}

export const hasPassed = (time: string | null, now: Date): boolean => time !== null && Date.parse(time) <= now.getTime()

/** A token that does not work, and one of a suspended account, is answered like an unknown one. */
function tokenVerifier({ tokens, clock, noteUse }: RungateParts): Verifier<Operator> {
  const proven = createKeyProof({
    formOf: (text) => hashedForm('adm', text),
    idOf: textIdOf,
    find: (textId) => tokens.find(textId),
    hashOf: ({ token }) => token.key_hash,
  })
  return (text) => {
    const found = proven(text)
    const verdict = verdictOn(found, clock())
    if (found && verdict.kind === 'valid') noteUse(found.token)
    return verdict
  }
}

/** What a token may do now. */
function verdictOn(found: ReturnType<TokenDirectory['find']>, now: Date): Verdict<Operator> {
  const { token, account } = found ?? {}
  if (!token || account?.status !== 'active' || token.status === 'revoked' || hasPassed(token.expires_at, now)) {
    return { kind: 'invalid' }
  }
  const { token_id: tokenId, account_id: accountId } = token
  return {
    kind: 'valid',
    principal: {
      ...{ accountId, tenantId: accountId, environment: '', scopes: impliedScopes(token.scopes) },
      ...{ memberId: null, role: null, sessionId: null },
      author: { id: tokenId, tokenId },
      actor: { kind: 'operator', id: accountId, keyId: tokenId },
      logFields: { accountId, tokenId },
    },
  }
}

/** How admin tokens sign in to the console. */
export const consoleSignIn: SignIn<RungateParts> = {
  scheme: DASHBOARD,
  audience: 'operator',
  keyIdOf: (text) => textIdOf(hashedForm('adm', text) ?? ''),
  again: ({ tokens, clock }, textId) => verdictOn(tokens.find(textId), clock()),
}

/** What a member may do. */
export const SCOPES_OF: Readonly<Record<Role, readonly Scope[]>> = {
  owner: ['read', 'write', 'admin'],
  admin: ['read', 'write', 'admin'],
  member: ['read', 'write'],
  viewer: ['read'],
}

/** One that does not work, and one of a person without an account, is answered like an unknown one. */
function sessionVerifier(parts: RungateParts): Verifier<Operator> {
  const { cookies, noteSeen, sessionMs } = parts
  return (value, head) => {
    const found = signedIn(parts, cookieHashOf(head) ?? '')
    if (found?.status !== 'active') return { kind: 'invalid' }
    const { session, member, account } = found
    if (head.method !== 'GET' && head.method !== 'HEAD' && isForeign(head, cookies)) {
      return { kind: 'refused', code: 'origin_foreign', detail: 'The request comes from a page of another site.' }
    }
    const isProlonged = noteSeen(session)
    const { account_id: accountId } = account
    const { member_id: memberId, role } = member
    return {
      kind: 'valid',
      principal: {
        ...{ accountId, tenantId: accountId, environment: '', scopes: SCOPES_OF[role] },
        ...{ memberId, role, sessionId: session.session_id },
        author: { id: memberId, tokenId: null },
        actor: { kind: 'member', id: memberId },
        logFields: { accountId, memberId },
      },
      ...(isProlonged && {
        headers: { 'set-cookie': cookieHeader(sessionCookie(value, sessionMs / 1_000, head, cookies)) },
      }),
    }
  }
}

/** Both, by where the credential stands. */
function dashboardVerifier(parts: RungateParts): Verifier<Operator> {
  const [token, session] = [tokenVerifier(parts), sessionVerifier(parts)]
  return (text, head) => (head.header('authorization') === undefined ? session(text, head) : token(text, head))
}

function agentVerifier({ agents }: RungateParts): Verifier<AgentPrincipal> {
  const proven = createKeyProof({
    formOf: (text) => hashedForm('sk', text),
    idOf: textIdOf,
    find: (textId) => agents.find(textId),
    hashOf: ({ agent }) => agent.key_hash,
  })
  return (text, { path }) => {
    const governed = proven(text)
    if (!governed) return { kind: 'invalid' }
    // A call of a model is told why it is refused.
    if (governed.account.status !== 'active' && !isProxied(path)) return { kind: 'invalid' }
    return { kind: 'valid', principal: agentPrincipal(governed) }
  }
}

function agentPrincipal(governed: GovernedAgent): AgentPrincipal {
  const { agent_id: agentId, account_id: accountId, member_id: memberId } = governed.agent
  return {
    ...{ governed, accountId, agentId, memberId, tenantId: accountId, environment: '', scopes: [] },
    role: null,
    sessionId: null,
    author: { id: agentId, tokenId: null },
    actor: { kind: 'agent', id: agentId },
    logFields: { accountId, agentId },
  }
}

export const verifiers = (parts: RungateParts): Record<string, Verifier<Operator>> => ({
  [DASHBOARD]: dashboardVerifier(parts),
  [AGENT]: agentVerifier(parts),
})

export const rates = ({ perMinute }: RungateParts): Record<string, RateClass<never>> => ({
  standard: {
    by: 'tenant',
    perMinuteMax: () => perMinute.requestsMax,
    detail: (max) => `An account, and an address without one, may send ${max} requests per minute.`,
  },
  newTokens: {
    by: 'tenant',
    perMinuteMax: () => perMinute.tokensMax,
    detail: (max) => `An account may make ${max} admin tokens per minute.`,
  },
  calls: {
    by: 'tenant',
    perMinuteMax: () => perMinute.callsMax,
    detail: (max) => `An account may send ${max} calls of models per minute.`,
  },
})
