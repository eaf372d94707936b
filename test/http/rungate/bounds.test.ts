/** Bounds of policies, agents, metadata and calls, as the installation sets them. */
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi } from '../api.ts'
import { type Caller, callerOf, GPT, user } from './calling.ts'

let simulator: LlmSimulator
let api: Api
let caller: Caller
beforeAll(async () => {
  simulator = await startLlmSimulator()
  const rungate = {
    ...{ POLICY_GLOBS_MAX: '3', ROUTING_CHAIN_MAX: '20', METADATA_MAX_BYTES: '100' },
    ...{ PROXY_CALLS_MAX: '4', PROXY_BODY_MAX_BYTES: '40000', PROXY_BODIES_MAX_BYTES: '80000' },
  }
  api = await startApi({ allowLoopbackProviders: true, rungate })
  caller = await callerOf(api, simulator)
})
afterAll(async () => {
  await api.stop()
  await simulator.close()
})

const policy = (body: object) => api.govern('PUT', '/api/policies/by-name/bounded', { key: caller.token, body })
const words = (count: number) => Array.from({ length: count }, (_, index) => `word-${index}`)

describe('a member that nobody knows', () => {
  it('has no effect, and the answer names it', async () => {
    const body = { name: 'misspelt', budgets: { hard_limit_usd: 1 }, budget: { hard_limit: 1 }, dry_run: true }
    const made = await api.govern('POST', '/api/policies', { key: caller.token, body })
    expect(made.status).toBe(201)
    expect(made.headers.get('x-opslog-ignored-members')).toBe('/budgets, /budget/hard_limit')
    const renamed = await api.govern('PATCH', `/api/agents/${caller.agentId}`, {
      key: caller.token,
      body: { allowed_policies: null, metadata: { any: 1 }, descripton: 'x' },
    })
    expect(renamed.headers.get('x-opslog-ignored-members')).toBe('/descripton')
  })
})

describe('a bound', () => {
  it('is what the installation sets, below and above what is usual', async () => {
    expect((await policy({ blocked_models: words(3), routing: { default_chain: words(20) } })).status).toBe(201)
    const long = await policy({ blocked_models: words(4), routing: { default_chain: words(21) } })
    expect(long).toMatchObject({
      ...{ status: 400 },
      body: {
        error: {
          type: 'validation_error',
          fields: {
            blocked_models: 'must have at most 3 entries',
            'routing.default_chain': 'must have at most 20 entries',
          },
        },
      },
    })
  })

  it('is 200 entries of 200 characters, 50 routes, and 20 keys of a provider, where nobody sets it', async () => {
    expect((await policy({ blocked_tools: ['x'.repeat(201)] })).body.error.fields).toStrictEqual({
      'blocked_tools.0': 'must have at most 200 characters',
    })
    const routes = words(51).map((pattern) => ({ pattern, chain: ['openai'] }))
    expect((await policy({ routing: { model_routes: routes } })).body.error.fields).toStrictEqual({
      'routing.model_routes': 'must have at most 50 entries',
    })
    const provider_keys = { openai: words(21).map(() => ({ key_id: caller.openAiKeyId, weight: 1 })) }
    const agent = await api.govern('PUT', `/api/agents/${caller.agentId}`, {
      key: caller.token,
      body: { provider_keys },
    })
    expect(agent.body.error.fields).toStrictEqual({ 'provider_keys.openai': 'must have at most 20 entries' })
  })

  it('holds for the metadata of a call and of an agent', async () => {
    const agent = await caller.agent()
    const metadata = { of: 'x'.repeat(100) }
    const headers = { 'x-rungate-run-metadata': JSON.stringify(metadata) }
    const call = agent.openAi.chat.completions.create({ model: GPT, messages: user('hi') }, { headers })
    await expect(call).rejects.toMatchObject({ status: 400, param: 'x-rungate-run-metadata' })
    const body = { name: 'long', policy_id: agent.policyId, metadata }
    expect((await api.govern('POST', '/api/agents', { key: caller.token, body })).body.error.fields).toStrictEqual({
      metadata: 'must have at most 100 bytes',
    })
  })
})

describe('one account', () => {
  const call = (apiKey: string) =>
    api.govern('POST', '/v1/chat/completions', { key: apiKey, body: { model: GPT, messages: user('hi') } })
  const begun = (apiKey: string, headers: Record<string, string> = {}) => {
    const sent = httpRequest(`${api.url}/rungate/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
    })
    return sent.on('error', () => undefined)
  }
  const isRefused = async (apiKey: string) => {
    const { status, headers, body } = await call(apiKey)
    expect([status, headers.get('retry-after'), body.error?.type]).toStrictEqual([503, '1', 'service_unavailable'])
    expect(body.error.message).toContain('This account has')
  }
  const isServed = async (apiKey: string) => expect((await call(apiKey)).status).toBe(200)

  it('has half of the calls under way at most: another one is served meanwhile', async () => {
    const [agent, other] = [await caller.agent(), await callerOf(api, simulator)]
    const model = 'gpt-5-held'
    simulator.order({ rules: [{ match: { model }, fault: { hang: true } }] })
    const body = JSON.stringify({ model, messages: user('hi'), stream: true })
    const held = [begun(agent.apiKey), begun(caller.apiKey)]
    for (const sent of held) sent.end(body)
    await eventually(() => expect(simulator.log().filter((made) => made.model === model)).toHaveLength(2))
    await isRefused(agent.apiKey)
    await isServed(other.apiKey)
    for (const sent of held) sent.destroy()
    await eventually(() => isServed(agent.apiKey))
  })

  it('holds half of the bytes of bodies at most: another one is served meanwhile', async () => {
    const other = await callerOf(api, simulator)
    // It is asked for its body once it has its place.
    const unsent = begun(caller.apiKey, { 'transfer-encoding': 'chunked', expect: '100-continue' })
    await once(unsent, 'continue')
    await isRefused(caller.apiKey)
    await isServed(other.apiKey)
    unsent.destroy()
    await eventually(() => isServed(caller.apiKey))
  })
})
