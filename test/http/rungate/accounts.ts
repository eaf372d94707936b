/** Accounts of rungate, with their tokens and agents, as tests of its API need them. */
import { expect } from 'vitest'
import type { Scope } from '../../../src/events/rungate/vocabulary.ts'
import type { Api } from '../api.ts'

export interface Account {
  accountId: string
  slug: string
  /** With every scope. */
  token: string
  policyId: string
  agentId: string
  /** Of the agent. */
  apiKey: string
}

export async function registered(api: Pick<Api, 'govern'>, body: Record<string, unknown> = {}): Promise<Account> {
  const answer = await api.govern('POST', '/v1/register', { body: { name: 'Acme', ...body } })
  expect(answer.status).toBe(201)
  const { account, admin_token: token, agent, policy } = answer.body.data
  const ids = { accountId: account.id, policyId: policy.id, agentId: agent.id }
  return { ...ids, slug: account.slug, token, apiKey: agent.api_key }
}

let tokens = 0

/** Another token of an account. */
export async function addToken(
  api: Api,
  { token: key }: Pick<Account, 'token'>,
  scopes: readonly Scope[],
  more: Record<string, unknown> = {},
): Promise<{ token: string; tokenId: string }> {
  tokens += 1
  const answer = await api.govern('POST', '/api/admin-tokens', {
    key,
    body: { name: `token ${tokens}`, scopes, ...more },
  })
  expect(answer.status).toBe(201)
  return { token: answer.body.token, tokenId: answer.body.data.id }
}
