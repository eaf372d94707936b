/** What a read shows right after a call: its run, its cost, the use of its key, and what waits for approval. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import { type Api, startApi } from '../api.ts'
import { type Caller, callerOf, GPT, user } from './calling.ts'

let simulator: LlmSimulator
let api: Api
let caller: Caller
beforeAll(async () => {
  simulator = await startLlmSimulator()
  api = await startApi({ allowLoopbackProviders: true })
  caller = await callerOf(api, simulator)
})
afterAll(async () => {
  await api.stop()
  await simulator.close()
})

const read = async (path: string) => {
  const { status, body } = await api.govern('GET', path, { key: caller.token })
  expect(status).toBe(200)
  return body
}

describe('right after a call', () => {
  it('lists and figures of the account show it', async () => {
    const agent = await caller.agent()
    for (let count = 1; count <= 5; count++) {
      await agent.openAi.chat.completions.create({ model: GPT, messages: user('hi') })
      const runs = await read(`/api/runs?agent_id=${agent.agentId}`)
      expect(runs).toMatchObject({ total: 1, data: [{ step_count: count }] })
      const [costs] = (await read(`/api/analytics/costs?group_by=agent&agent_id=${agent.agentId}`)).data
      expect(costs.request_count).toBe(count)
      expect((await read('/api/agents/stats/all')).data[agent.agentId].total_spend).toBe(costs.total_cost_usd)
    }
  })

  it('its provider key says when it was used last, and in how many runs', async () => {
    const { agentId, openAi } = await caller.agent()
    const before = new Date().toISOString()
    await openAi.chat.completions.create({ model: GPT, messages: user('hi') })
    const key = (await read(`/api/provider-keys/${caller.openAiKeyId}`)).data
    expect(key.last_used_at >= before).toBe(true)
    const listed = (await read('/api/provider-keys')).data
    expect(listed.map(({ last_used_at }: { last_used_at: string | null }) => last_used_at)).toContain(key.last_used_at)
    const unused = (await read(`/api/provider-keys/${caller.anthropicKeyId}`)).data
    expect(unused.last_used_at).toBeNull()
    const { agents, ...used } = (await read(`/api/provider-keys/${caller.openAiKeyId}/dependents`)).data
    expect(used).toStrictEqual({ active_run_count: 2, runs_last_30_days: 2, last_used_at: key.last_used_at })
    expect(agents.map(({ id }: { id: string }) => id)).toContain(agentId)
    const disabled = await api.govern('POST', `/api/provider-keys/${caller.openAiKeyId}/disable`, { key: caller.token })
    expect(disabled.body.data.last_used_at).toBe(key.last_used_at)
    await api.govern('POST', `/api/provider-keys/${caller.openAiKeyId}/enable`, { key: caller.token })
  })

  it('a request that waits for approval is listed', async () => {
    const agent = await caller.agent({ policy: { require_approval: ['deploy'] } })
    const tools = [{ type: 'function' as const, function: { name: 'deploy', parameters: { type: 'object' } } }]
    await agent.openAi.chat.completions.create({ model: GPT, messages: user('hi'), tools })
    const pending = await read(`/api/approval-requests?agent_id=${agent.agentId}&status=pending`)
    expect(pending).toMatchObject({ total: 1, data: [{ tool_name: 'deploy', request_snapshot: { model: GPT } }] })
  })
})
