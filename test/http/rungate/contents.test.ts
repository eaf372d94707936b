/** What calls were asked and answered, where that is kept: sealed, and in no other place. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import { CONTENT_KEYS, contentKeyId, openContent } from '../../../src/processes/rungate/contents.ts'
import { providerSecretsOf } from '../../../src/processes/rungate/processes.ts'
import { findStepContent } from '../../../src/projections/rungate/step-content.ts'
import { createKeyRing } from '../../../src/vault/key-ring.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi } from '../api.ts'
import { type Caller, type CallingAgent, callerOf, GPT, settledCall, user } from './calling.ts'

const SAID = 'the moon is made of cheese'

let simulator: LlmSimulator
let api: Api
let caller: Caller
beforeAll(async () => {
  simulator = await startLlmSimulator()
  api = await startApi({ allowLoopbackProviders: true, rungate: { CONTENT_LOGGING: 'enabled' } })
  caller = await callerOf(api, simulator)
})
afterAll(async () => {
  await api.stop()
  await simulator.close()
})

/** The step's texts, opened with the instance's key; undefined: nothing is kept of it. */
async function contentOf(stepId: string) {
  const row = await findStepContent(api.db, caller.accountId, stepId)
  if (!row) return undefined
  const keys = providerSecretsOf(api.db, createKeyRing({ current: Buffer.alloc(32, 7), previous: [] }))
  const key = { kind: CONTENT_KEYS, keyId: contentKeyId(row.account_id, row.day) }
  const open = (part: 'request' | 'response', sealed: string | null) =>
    sealed === null ? null : openContent(keys, key, sealed, { id: stepId, part })
  const [request, response] = [await open('request', row.sealed_request), await open('response', row.sealed_response)]
  return { row, request: JSON.parse(request ?? 'null'), response: JSON.parse(response ?? 'null') }
}
const kept = (stepId: string) =>
  eventually(async () => {
    const content = await contentOf(stepId)
    expect(content).toBeDefined()
    return content!
  })
const stepOf = async (agent: CallingAgent, count = 1) => (await settledCall(api, agent.agentId, count)).callId

describe('what a call said', () => {
  it('is kept sealed, whole and streamed, and stands nowhere in the clear', async () => {
    const agent = await caller.agent()
    await agent.openAi.chat.completions.create({ model: GPT, messages: user(SAID) })
    const whole = await kept(await stepOf(agent))
    expect(whole.request.messages).toStrictEqual(user(SAID))
    expect(whole.response.choices[0].message.content).toBe(`You said: ${SAID}`)
    expect(JSON.stringify(whole.row)).not.toContain('cheese')
    await agent.openAi.chat.completions.stream({ model: GPT, messages: user(SAID) }).finalContent()
    const streamed = await kept(await stepOf(agent, 2))
    expect(streamed.response.stream).toContain('data: [DONE]')
  })

  it('is cut where it is long, which is said', async () => {
    const agent = await caller.agent()
    await agent.openAi.chat.completions.create({ model: GPT, messages: user('x'.repeat(20_000)) })
    const { request, row } = await kept(await stepOf(agent))
    expect(request).toStrictEqual({ truncated: true, bytes: row.request_bytes })
  })

  it('is not kept where the policy says so', async () => {
    const silent = await caller.agent({ policy: { content_logging: 'disabled' } })
    await silent.openAi.chat.completions.create({ model: GPT, messages: user(SAID) })
    const settled = await settledCall(api, silent.agentId)
    expect(settled.hasContent).toBe(false)
    // A later one is there, and so would this one be.
    const agent = await caller.agent()
    await agent.openAi.chat.completions.create({ model: GPT, messages: user(SAID) })
    await kept(await stepOf(agent))
    expect(await contentOf(settled.callId)).toBeUndefined()
  })

  it('stands in the steps of its run as soon as the answer is there, digit by digit', async () => {
    const agent = await caller.agent()
    const body = `{"model":"${GPT}","messages":[{"role":"user","content":"hi"}],"metadata":{"n":"1"},"seed":12345678901234567890}`
    const headers = { authorization: `Bearer ${agent.apiKey}`, 'content-type': 'application/json' }
    const answer = await fetch(`${api.url}/rungate/v1/chat/completions`, { method: 'POST', headers, body })
    expect(answer.status).toBe(200)
    const runId = answer.headers.get('x-rungate-run-id')
    const said = await answer.text()
    const text = await (await fetch(`${api.url}/rungate/v1/runs/${runId}/steps`, { headers })).text()
    expect(text).toContain(`"request":${body}`)
    expect(text).toContain(`"response":${said}`)
    const shown = await api.govern('GET', `/api/runs/${runId}/steps`, { key: caller.token })
    expect(shown.body.data[0].response.choices[0].message.content).toBe('You said: hi')
  })

  it('is kept of a call that failed, with what failed', async () => {
    const agent = await caller.agent({ policy: { routing: { max_retries: 1 } } })
    simulator.order({ rules: [{ match: { model: GPT }, times: 1, fault: { status: 529 } }] })
    const failed = agent.openAi.chat.completions.create({ model: GPT, messages: user(SAID) })
    await expect(failed).rejects.toThrow()
    const { data } = (await api.govern('GET', '/v1/runs/mine', { key: agent.apiKey })).body
    const steps = await api.govern('GET', `/v1/runs/${data[0].id}/steps`, { key: agent.apiKey })
    expect(steps.body.data[0]).toMatchObject({
      ...{ status: 'error', request: { messages: user(SAID) } },
      response: { error: { type: 'server_error', status: 529, kind: 'http_error' } },
    })
    expect(steps.body.data[0].response).not.toHaveProperty('redacted')
  })

  it('is kept of a tool call that an agent reports, and of none where the policy says so', async () => {
    const report = async (agent: CallingAgent) => {
      await agent.openAi.chat.completions.create({ model: GPT, messages: user('hi') })
      const { id } = (await api.govern('GET', '/v1/runs/current', { key: agent.apiKey })).body.data
      const headers = { authorization: `Bearer ${agent.apiKey}`, 'content-type': 'application/json' }
      const body =
        '{"type":"tool_call","name":"search","status":"success","request":{"q":"moon","n":1.00000000000000000001}}'
      const path = `${api.url}/rungate/v1/runs/${id}/steps`
      const reported = await fetch(path, { method: 'POST', headers, body })
      expect(reported.status).toBe(201)
      return { reported: await reported.text(), listed: await (await fetch(path, { headers })).text() }
    }
    const kept = await report(await caller.agent())
    expect(kept.reported).toContain('"request":{"q":"moon","n":1.00000000000000000001}')
    expect(kept.reported).toContain('"response":{}')
    expect(kept.listed).toContain('"request":{"q":"moon","n":1.00000000000000000001}')
    const silent = await report(await caller.agent({ policy: { content_logging: 'disabled' } }))
    expect(silent.reported).toContain('"request":{"redacted":true},"response":{"redacted":true}')
    expect(silent.listed).not.toContain('moon')
  })
})
