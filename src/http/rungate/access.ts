/**
 * What rungate's handlers work with, who signs its requests, and the builders of its operations. Each address has its own way of
 * signing in: the dashboard's, an agent's key, or none.
 */
import { createKeyProof } from '../../api-keys/key-proof.ts'
import { impliedScopes } from '../../commands/rungate/admin-token.ts'
import type { Desks } from '../../commands/rungate/desk/interface.ts'
import { hashedForm, textIdOf } from '../../commands/rungate/keys.ts'
import type { Author, Scope } from '../../events/rungate/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { AdminTokenRow } from '../../projections/rungate/admin-token.ts'
import type { AgentRow } from '../../projections/rungate/agent.ts'
import type { TokenDirectory } from '../../projections/rungate/credentials.ts'
import type { GovernanceDirectory } from '../../projections/rungate/governance.ts'
import type { ObjectKeys } from '../../vault/object-keys.ts'
import type { Resolve } from '../../webhooks/request.ts'
import { bearerScheme, bearerToken, type Credential, type Scheme, signedBy, type Verifier } from '../access.ts'
import type { Principal } from '../environment.ts'
import { type CoreParts, operationsFor } from '../operation.ts'
import type { RateClass } from '../rate-limit.ts'
import { AGENT, DASHBOARD, type RungateCode } from './errors.ts'
import type { Health } from './public/counts.ts'

export interface RungateParts extends CoreParts {
  db: ReadModels
  /** The admin tokens and the agents' keys that this process knows. */
  tokens: Pick<TokenDirectory, 'find'>
  agents: Pick<GovernanceDirectory, 'find'>
  /** Told of each request that a token has signed. */
  noteUse: (token: Pick<AdminTokenRow, 'token_id' | 'last_used_at'>) => void
  /** How long an answer about a key waits until this process acts by it. */
  keyKnownWaitMs: number
  /** Registrations of one client address within an hour. */
  registrationsPerHourMax: number
  /** The provider keys' own keys, with which their secrets are sealed. */
  providerSecrets: ObjectKeys
  /** Where provider keys may lead. */
  providerAddresses: { resolve: Resolve; allowLoopback: boolean; hosts: readonly string[] }
  health: Health
  /** The desks of agents, where calls are admitted and runs are ended. */
  desks: Desks
  /** Of this process, a UUID; made at its start. */
  processId: string
  /** This context's document. */
  document: () => Promise<object>
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
  author: Author
}

/** An agent that signs with its own key. */
export interface AgentPrincipal extends Operator {
  agentId: string
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

export const schemes: Readonly<Record<string, Scheme>> = {
  [DASHBOARD]: bearerScheme('An admin token (`rg_adm_…`) with the scope that the operation names.'),
  [AGENT]: {
    ...bearerScheme('The key of an agent (`rg_sk_…`), as a bearer token or in `x-api-key`.'),
    credentials: [agentCredential],
  },
}

const hasPassed = (time: string | null, now: Date): boolean => time !== null && Date.parse(time) <= now.getTime()

/** A token that does not work, and one of a suspended account, is answered like an unknown one. */
function tokenVerifier({ tokens, clock, noteUse }: RungateParts): Verifier<Operator> {
  const proven = createKeyProof({
    idOf: textIdOf,
    find: (textId) => tokens.find(textId),
    hashOf: ({ token }) => token.key_hash,
  })
  return (text) => {
    const { token, account } = proven(hashedForm('adm', text) ?? '') ?? {}
    if (!token || account?.status !== 'active' || token.status === 'revoked' || hasPassed(token.expires_at, clock())) {
      return { kind: 'invalid' }
    }
    noteUse(token)
    const { token_id: tokenId, account_id: accountId } = token
    return {
      kind: 'valid',
      principal: {
        ...{ accountId, tenantId: accountId, environment: '', memberId: null, scopes: impliedScopes(token.scopes) },
        author: { id: tokenId, tokenId },
        actor: { kind: 'operator', id: accountId, keyId: tokenId },
        logFields: { accountId, tokenId },
      },
    }
  }
}

function agentVerifier({ agents }: RungateParts): Verifier<AgentPrincipal> {
  const proven = createKeyProof({
    idOf: textIdOf,
    find: (textId) => agents.find(textId),
    hashOf: ({ agent }) => agent.key_hash,
  })
  return (text) => {
    const { agent, account } = proven(hashedForm('sk', text) ?? '') ?? {}
    if (!agent || account?.status !== 'active') return { kind: 'invalid' }
    return { kind: 'valid', principal: agentPrincipal(agent) }
  }
}

const agentPrincipal = ({ agent_id: agentId, account_id: accountId, member_id }: AgentRow): AgentPrincipal => ({
  ...{ accountId, agentId, memberId: member_id, tenantId: accountId, environment: '', scopes: [] },
  author: { id: agentId, tokenId: null },
  actor: { kind: 'agent', id: agentId },
  logFields: { accountId, agentId },
})

export const verifiers = (parts: RungateParts): Record<string, Verifier<Operator>> => ({
  [DASHBOARD]: tokenVerifier(parts),
  [AGENT]: agentVerifier(parts),
})

const PER_MINUTE_MAX = 6_000

export const rates: Record<string, RateClass<never>> = {
  standard: {
    by: 'tenant',
    perMinuteMax: () => PER_MINUTE_MAX,
    detail: (max) => `An account, and an address without one, may send ${max} requests per minute.`,
  },
}
