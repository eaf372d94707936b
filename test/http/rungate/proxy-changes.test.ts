/** What is decided about agents, keys and runs while calls are under way or wait for somebody: who is let go on, and who is not. */
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import type { Recorded } from '../../../src/events/event.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi } from '../api.ts'
import { type Caller, type CallingAgent, callerOf, GPT, refusalOf, settledCall, user } from './calling.ts'

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
beforeEach(() => simulator.order({ reset: true }))

const operator = (method: string, path: string, body?: unknown) =>
  api.govern(method, path, { key: caller.token, ...(body !== undefined && { body }) })
const ask = (agent: Pick<CallingAgent, 'apiKey'>, body: object = {}, at = api.govern) =>
  at('POST', '/v1/chat/completions', { key: agent.apiKey, body: { model: GPT, messages: user('x'), ...body } })
const delayed = (delayMs: number) => simulator.order({ rules: [{ fault: { delayMs } }] })
const underWay = (calls = 1) => eventually(() => expect(simulator.log()).toHaveLength(calls))

describe('a call that is under way', () => {
  it.each<[what: string, change: (agent: CallingAgent) => Promise<unknown>, expected: [number, string]]>([
    [
      'agent is disabled',
      ({ agentId }) => operator('PATCH', `/api/agents/${agentId}`, { status: 'disabled' }),
      [403, 'agent_disabled'],
    ],
    [
      'agent’s key is replaced',
      ({ agentId }) => operator('POST', `/api/agents/${agentId}/rotate-key`),
      [401, 'unauthorized'],
    ],
    [
      'provider’s key is disabled',
      () => operator('POST', `/api/provider-keys/${caller.openAiKeyId}/disable`),
      [502, 'provider_error'],
    ],
  ])('whose %s is served; the next one is refused within a second, by every process', async (_, change, expected) => {
    const agent = await caller.agent()
    delayed(300)
    const asked = ask(agent)
    await underWay()
    await change(agent)
    expect((await asked).status).toBe(200)
    for (const at of [api.govern, api.governSecond]) {
      await eventually(async () => {
        const { status, body } = await ask(agent, {}, at)
        expect([status, body.error?.code ?? body.error?.type]).toStrictEqual(expected)
      }, 1_000)
    }
    await operator('POST', `/api/provider-keys/${caller.openAiKeyId}/enable`)
    await eventually(async () => expect((await ask(caller)).status).toBe(200))
  })

  it('goes on with the secret that it began with; the next one has the new one', async () => {
    const { slug, openAiKeyId } = caller
    const agent = await caller.agent()
    delayed(300)
    const asked = ask(agent)
    await underWay()
    await operator('PUT', `/api/provider-keys/${openAiKeyId}`, { api_key: `sk-new-${slug}` })
    expect((await asked).status).toBe(200)
    await eventually(async () => {
      await ask(agent)
      expect(simulator.log().at(-1)?.key).toBe(`sk-new-${slug}`)
    })
    expect(simulator.log()[0]?.key).not.toBe(`sk-new-${slug}`)
  })

  it('and its whole run keep the policy that the run began with; a new run has the new one', async () => {
    const agent = await caller.agent()
    expect((await ask(agent)).status).toBe(200)
    const path = `/api/policies/${agent.policyId}`
    const { name } = (await operator('GET', path)).body.data
    expect((await operator('PUT', path, { name, blocked_models: ['gpt-*'] })).status).toBe(200)
    expect((await ask(agent)).status).toBe(200)
    await eventually(async () => {
      const { status, body } = await ask(agent, { 'x-rungate-new-run': true })
      expect([status, body.error?.code]).toStrictEqual([403, 'model_not_allowed'])
    })
  })
})

describe('a force-stop', () => {
  const runOf = async ({ apiKey }: CallingAgent): Promise<string> =>
    (await api.govern('GET', '/v1/runs/current', { key: apiKey })).body.data.id

  it.each([
    ['a whole answer', false],
    ['a stream without content', true],
  ])('ends a call that waits for %s, here and at the provider, within a second', async (_, stream) => {
    const agent = await caller.agent()
    simulator.order({ rules: [{ fault: { hang: true } }] })
    const asked = ask(agent, { stream })
    await underWay()
    const runId = await runOf(agent)
    const beganMs = performance.now()
    expect((await operator('POST', `/api/runs/${runId}/stop`)).status).toBe(200)
    const { status, body, headers } = await asked
    expect(performance.now() - beganMs).toBeLessThan(1_000)
    expect([status, body.error]).toMatchObject([403, { code: 'run_force_stopped', run_id: runId }])
    expect(headers.get('x-should-retry')).toBe('false')
    await eventually(() => expect(simulator.log()[0]?.outcome).toBe('hung'))
    expect(await settledCall(api, agent.agentId)).toMatchObject({ status: 'error', isAfterEnd: true })
    const steps = await eventually(async () => {
      const { data } = (await operator('GET', `/api/runs/${runId}/steps`)).body
      expect(data).toHaveLength(1)
      return data
    })
    expect(steps).toMatchObject([{ type: 'post_completion_sweep', status: 'error' }])
    expect(await ask(agent)).toMatchObject({ status: 403, body: { error: { code: 'run_blocked_after_force_stop' } } })
    const named = await ask(agent, { 'x-rungate-run-id': runId })
    expect([named.status, named.body.error]).toMatchObject([403, { code: 'run_force_stopped', run_id: runId }])
  })

  it('ends a stream that has begun with an error, and what came is paid', async () => {
    const agent = await caller.agent()
    simulator.order({ rules: [{ fault: { frameDelayMs: 20 } }] })
    const asked = { model: GPT, messages: user('[[words 5000]]'), stream: true as const }
    const stream = await agent.openAi.chat.completions.create(asked)
    let chunks = 0
    const error = await refusalOf<Error>(
      (async () => {
        for await (const _ of stream) {
          chunks += 1
          if (chunks === 2) await operator('POST', `/api/runs/${await runOf(agent)}/stop`)
        }
      })(),
    )
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(error.message).toContain('force-stopped')
    await eventually(() => expect(simulator.log()[0]?.outcome).toBe('client_left'))
    const settled = await settledCall(api, agent.agentId)
    expect(settled).toMatchObject({ status: 'error', isEstimated: true, isAfterEnd: true })
    expect(Number(settled.costUsd)).toBeGreaterThan(0)
  })

  it('and a completion at once: one of them ends the run, the other is told that it has ended', async () => {
    const agent = await caller.agent()
    expect((await ask(agent)).status).toBe(200)
    const runId = await runOf(agent)
    const [stopped, completed, byAgent] = await Promise.all([
      operator('POST', `/api/runs/${runId}/stop`),
      operator('POST', `/api/runs/${runId}/complete`),
      api.governSecond('POST', `/v1/runs/${runId}/complete`, { key: agent.apiKey }),
    ])
    const statuses = [stopped.status, completed.status, byAgent.status]
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    // The contract has 400 for a dashboard’s, 409 for an agent’s.
    if (stopped.status !== 200) expect(stopped.status).toBe(400)
    if (completed.status !== 200) expect(completed.status).toBe(400)
    if (byAgent.status !== 200) expect(byAgent.status).toBe(409)
    const ended = await Array.fromAsync(api.store.readStream(`rungate.desk-${agent.agentId}`))
    expect(ended.filter(({ type }) => type === 'rungate.RunEnded.v1')).toHaveLength(1)
  })
})

describe('a tool that somebody has to approve', () => {
  const tools = ['deploy', 'restart', 'look'].map((name) => ({ type: 'function' as const, function: { name } }))
  const asking = { model: GPT, messages: user('Please call deploy'), tools }
  const agentUnder = () => caller.agent({ policy: { require_approval: ['deploy', 'restart'] } })
  type Pending = { id: string; tool: string }[]
  const askedFor = async (agent: CallingAgent): Promise<Pending> => {
    const answer = (await agent.openAi.chat.completions.create(asking)) as unknown as {
      status: string
      approval_requests: Pending
    }
    expect(answer.status).toBe('awaiting_approval')
    return answer.approval_requests
  }
  const decide = (id: string, how: 'approve' | 'reject') =>
    eventually(async () => {
      const { status, body } = await operator('POST', `/api/approval-requests/${id}/${how}`)
      expect(status).toBe(200)
      return body.data
    })
  const typesOf = async ({ agentId }: CallingAgent) => {
    const events: Recorded[] = await Array.fromAsync(api.store.readStream(`rungate.desk-${agentId}`))
    return events.map(({ type }) => type.split('.')[1])
  }

  it('is called once all are given: the same request then passes, in the same run, for both libraries', async () => {
    const agent = await agentUnder()
    const [deploy, restart] = await askedFor(agent)
    expect([deploy?.tool, restart?.tool]).toStrictEqual(['deploy', 'restart'])
    const approved = await decide(deploy!.id, 'approve')
    expect(approved).toMatchObject({ status: 'approved', request_snapshot: { messages: asking.messages } })
    // One is missing still.
    expect((await askedFor(agent)).map(({ id }) => id)).toStrictEqual([restart!.id])
    expect(simulator.log()).toHaveLength(0)
    await decide(restart!.id, 'approve')
    const { data, response } = await agent.openAi.chat.completions.create(asking).withResponse()
    expect(data.choices[0]?.message.tool_calls).toMatchObject([{ function: { name: 'deploy' } }])
    expect(response.headers.get('x-rungate-run-id')).toBe(approved.run_id)
    // The approval holds for that request, streamed too, and for no other one.
    const streamed = await agent.openAi.chat.completions.stream(asking).finalChatCompletion()
    expect(streamed.choices[0]?.message.tool_calls).toHaveLength(1)
    const other = await ask(agent, { tools, messages: user('Please call deploy now') })
    expect(other.status).toBe(202)
    expect(await typesOf(agent)).toStrictEqual([
      ...['RunStarted', 'CallBlocked', 'DecisionNoted', 'DecisionNoted'],
      ...['CallReserved', 'CallSettled', 'CallReserved', 'CallSettled', 'CallBlocked'],
    ])
  })

  it('is refused for good once one is rejected', async () => {
    const agent = await agentUnder()
    const [deploy] = await askedFor(agent)
    await decide(deploy!.id, 'reject')
    const error = await refusalOf<InstanceType<typeof OpenAI.APIError>>(agent.openAi.chat.completions.create(asking))
    expect(error.status).toBe(403)
    expect(error.error).toMatchObject({ code: 'tool_blocked', details: { approval: deploy!.id } })
    expect(error.headers?.get('x-should-retry')).toBe('false')
    expect(simulator.log()).toHaveLength(0)
  })

  it('is asked for by Anthropic’s library as well', async () => {
    const agent = await agentUnder()
    const body = {
      ...{ model: 'claude-haiku-4-5', max_tokens: 50, messages: user('Please call deploy') },
      tools: [{ name: 'deploy', input_schema: { type: 'object' as const } }],
    }
    const pending = (await agent.anthropic.messages.create(body)) as unknown as { approval_requests: Pending }
    await decide(pending.approval_requests[0]!.id, 'approve')
    expect((await agent.anthropic.messages.create(body)).stop_reason).toBe('tool_use')
  })
})
