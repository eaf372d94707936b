/** Agents that call models through rungate, with a simulated provider behind it. */
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { expect } from 'vitest'
import type { LlmSimulator } from '../../../src/embedded/llm/server.ts'
import type { DeskFacts } from '../../../src/events/rungate/desk.ts'
import { eventually } from '../../projections/support.ts'
import type { Api } from '../api.ts'
import { type Account, registered } from './accounts.ts'

export const GPT = 'gpt-5'
export const CLAUDE = 'claude-haiku-4-5'

export interface Caller extends Account {
  openAiKeyId: string
  anthropicKeyId: string
  openAi: OpenAI
  anthropic: Anthropic
  /** Changes the policy of its agent. */
  policy(change: object): Promise<void>
  /** Another agent of the account, under a policy of its own. */
  agent(change?: { policy?: object; agent?: object }): Promise<CallingAgent>
}

export interface CallingAgent {
  agentId: string
  policyId: string
  apiKey: string
  openAi: OpenAI
  anthropic: Anthropic
}

/** The official libraries, told nothing but where the API is. */
export const librariesOf = (url: string, apiKey: string, maxRetries = 0) => ({
  openAi: new OpenAI({ apiKey, baseURL: `${url}/rungate/v1`, maxRetries }),
  anthropic: new Anthropic({ apiKey, baseURL: `${url}/rungate`, maxRetries }),
})

let names = 0

/** An account with a key of either provider, which lead to the simulator. */
export async function callerOf(
  api: Pick<Api, 'govern' | 'url'>,
  simulator: Pick<LlmSimulator, 'url'>,
): Promise<Caller> {
  const account = await registered(api)
  const { token: key } = account
  const addKey = async (provider: string, api_key: string, base_url: string): Promise<string> => {
    const added = await api.govern('POST', '/api/provider-keys', {
      key,
      body: { provider, name: `${provider} main`, api_key, base_url },
    })
    expect(added.status).toBe(201)
    return added.body.data.id
  }
  const openAiKeyId = await addKey('openai', `sk-openai-${account.slug}`, `${simulator.url}/v1`)
  const anthropicKeyId = await addKey('anthropic', `sk-anthropic-${account.slug}`, simulator.url)
  return {
    ...{ ...account, openAiKeyId, anthropicKeyId, ...librariesOf(api.url, account.apiKey) },
    async policy(change) {
      const changed = await api.govern('PUT', `/api/policies/${account.policyId}`, { key, body: change })
      expect(changed.status).toBe(200)
    },
    async agent({ policy = {}, agent = {} } = {}) {
      names += 1
      const made = await api.govern('POST', '/api/policies', { key, body: { name: `policy ${names}`, ...policy } })
      expect(made.status).toBe(201)
      const policyId = made.body.data.id
      const body = { name: `agent ${names}`, policy_id: policyId, ...agent }
      const added = await api.govern('POST', '/api/agents', { key, body })
      expect(added.status).toBe(201)
      const { id: agentId, api_key: apiKey } = added.body.data
      return { agentId, policyId, apiKey, ...librariesOf(api.url, apiKey) }
    },
  }
}

/** Every settled call of an agent, oldest first. */
export async function settledCalls(
  api: Pick<Api, 'store'>,
  agentId: string,
): Promise<DeskFacts<'rungate.CallSettled.v1'>[]> {
  const settled: DeskFacts<'rungate.CallSettled.v1'>[] = []
  for await (const { type, data } of api.store.readStream(`rungate.desk-${agentId}`)) {
    if (type === 'rungate.CallSettled.v1') settled.push(data as DeskFacts<'rungate.CallSettled.v1'>)
  }
  return settled
}

/** The last of so many, once the log has it. */
export async function settledCall(api: Api, agentId: string, count = 1): Promise<DeskFacts<'rungate.CallSettled.v1'>> {
  return eventually(async () => {
    const settled = await settledCalls(api, agentId)
    expect(settled.length).toBeGreaterThanOrEqual(count)
    return settled[count - 1]!
  })
}

export const user = (content: string) => [{ role: 'user' as const, content }]

/** What a call is refused with. */
export const refusalOf = <E extends Error>(call: PromiseLike<unknown>): Promise<E> =>
  Promise.resolve(call).then(
    () => {
      throw new Error('the call was served')
    },
    (error: E) => error,
  )
