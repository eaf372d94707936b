/** Calls that governance refuses, and what it says of them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { account } from '../../../src/commands/rungate/account.ts'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import { eventually } from '../../projections/support.ts'
import { type Answer, type Api, type Asked, startApi, systemContext } from '../api.ts'
import { type Caller, CLAUDE, callerOf, GPT, user } from './calling.ts'

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

const ask = (apiKey: string | undefined, body: object, asked: Asked = {}) =>
  api.govern('POST', '/v1/chat/completions', {
    key: apiKey,
    body: { model: GPT, messages: user('x'), ...body },
    ...asked,
  })
const askClaude = (apiKey: string, body: object, asked: Asked = {}) =>
  api.govern('POST', '/v1/messages', {
    key: apiKey,
    body: { model: CLAUDE, max_tokens: 50, messages: user('x'), ...body },
    ...asked,
  })

describe('who asks', () => {
  it('has to have the key of an agent', async () => {
    for (const key of [undefined, caller.token, 'rg_sk_nothing']) {
      const { status, body } = await ask(key, {})
      expect([status, body.error.type]).toStrictEqual([401, 'unauthorized'])
    }
  })

  it('is told where its agent is disabled, on every process, within a second', async () => {
    const agent = await caller.agent()
    expect((await ask(agent.apiKey, {})).status).toBe(200)
    await api.govern('PATCH', `/api/agents/${agent.agentId}`, { key: caller.token, body: { status: 'disabled' } })
    for (const at of [api.govern, api.governSecond]) {
      await eventually(async () => {
        const { status, body } = await at('POST', '/v1/chat/completions', {
          key: agent.apiKey,
          body: { model: GPT, messages: user('x') },
        })
        expect([status, body.error]).toMatchObject([
          403,
          { type: 'governance_block', code: 'agent_disabled', run_id: null },
        ])
      }, 1_000)
    }
  })

  it('is not known any more once its key was replaced', async () => {
    const agent = await caller.agent()
    const { body } = await api.govern('POST', `/api/agents/${agent.agentId}/rotate-key`, { key: caller.token })
    expect((await ask(agent.apiKey, {})).status).toBe(401)
    expect((await ask(body.data.api_key, {})).status).toBe(200)
  })

  it('is told where its account is suspended', async () => {
    const other = await callerOf(api, simulator)
    const context = systemContext()
    await api.bus.handle(account, other.accountId, { kind: 'suspend', reason: null, at: context.at }, context)
    await eventually(async () => {
      const { status, body } = await ask(other.apiKey, {})
      expect([status, body.error.code]).toStrictEqual([403, 'agent_disabled'])
    })
    expect((await api.govern('GET', '/v1/me', { key: other.apiKey })).status).toBe(401)
  })
})

describe('a request that cannot be read', () => {
  it.each<[what: string, asked: Asked]>([
    ['is no JSON', { raw: '{"model":' }],
    ['has a key twice', { raw: '{"model":"a","model":"b"}' }],
    ['is a list', { raw: '[]' }],
    ['has messages that are no list', { raw: '{"messages":{}}' }],
    ['names a new run in other words than true and false', { headers: { 'x-rungate-new-run': 'perhaps' } }],
    ['writes true in capitals', { headers: { 'x-rungate-new-run': 'TRUE' } }],
    ['has metadata that are no object', { headers: { 'x-rungate-run-metadata': '[1]' } }],
    ['has a run’s name that is too long', { headers: { 'x-rungate-run-name': 'x'.repeat(256) } }],
  ])('since it %s is refused in the client’s own format', async (_, asked) => {
    const one = await ask(caller.apiKey, {}, asked)
    expect([one.status, one.body.error.type]).toStrictEqual([400, 'invalid_request_error'])
    const other = await askClaude(caller.apiKey, {}, asked)
    expect([other.status, other.body.type, other.body.error.type]).toStrictEqual([
      400,
      'error',
      'invalid_request_error',
    ])
  })

  it('by its type or its length is refused without being read', async () => {
    const plain = await ask(caller.apiKey, {}, { headers: { 'content-type': 'text/plain' } })
    expect(plain.status).toBe(415)
    const long = await ask(caller.apiKey, {}, { raw: Buffer.alloc(33_554_433, ' ') })
    expect(long.status).toBe(413)
  })

  it('without a model is served by the policy’s default, and refused where there is none', async () => {
    const agent = await caller.agent({ policy: { default_model: GPT } })
    const body = { model: undefined }
    expect((await ask(agent.apiKey, body)).body.model).toContain(GPT)
    const refused = await ask(caller.apiKey, body)
    expect([refused.status, refused.body.error.param]).toStrictEqual([400, 'model'])
    expect(await pageOf(refused)).toContain('invalid_request_error')
  })

  it('that its provider refuses is told so in its words, with a page on it', async () => {
    simulator.order({ rules: [{ times: 1, fault: { status: 400, message: 'temperature is out of range' } }] })
    const { status, headers, body } = await ask(caller.apiKey, {})
    expect([status, body.error.message]).toStrictEqual([400, expect.stringContaining('temperature is out of range')])
    expect(headers.get('x-rungate-provider')).toBe('openai')
    expect(await pageOf({ headers })).toContain('invalid_request_error')
  })
})

/** The page that a refusal leads to. */
async function pageOf({ headers }: Pick<Answer, 'headers'>): Promise<string> {
  const page = /<(.*)>; rel="help"/.exec(headers.get('link') ?? '')?.[1] ?? ''
  return (await fetch(`${api.url}${page}`)).text()
}

it('a stream that breaks off names its reason by a code that has a page, as every code of the proxies has', async () => {
  for (const code of ['mid_stream_error', 'budget_exceeded', 'provider_error', 'agent_disabled']) {
    const page = await pageOf({ headers: new Headers({ link: `</docs/problems/${code}>; rel="help"` }) })
    expect(page).toContain('proxyChatCompletions')
  }
})

describe('a policy', () => {
  it('refuses models and tools, and says by which rule', async () => {
    const agent = await caller.agent({ policy: { allowed_models: ['gpt-*'], blocked_tools: ['rm*'] } })
    const model = await ask(agent.apiKey, { model: CLAUDE })
    expect([model.status, model.body.error.code]).toStrictEqual([403, 'model_not_allowed'])
    expect(model.headers.get('x-should-retry')).toBe('false')
    expect(await pageOf(model)).toContain('model_not_allowed')
    expect(model.body.error.context).toMatchObject({ policy_name: expect.stringContaining('policy'), cost_usd: 0 })
    const tools = [{ type: 'function', function: { name: 'rm_all' } }]
    const tool = await ask(agent.apiKey, { tools })
    expect([tool.status, tool.body.error.code, tool.body.error.details.tools]).toStrictEqual([
      ...[403, 'tool_blocked', ['rm_all']],
    ])
    expect(simulator.log()).toHaveLength(0)
  })

  it('replaces the model, and the answer says which one was asked for', async () => {
    const agent = await caller.agent({ policy: { model_override: 'gpt-5-mini' } })
    const { headers } = await ask(agent.apiKey, {})
    expect([headers.get('x-rungate-model'), headers.get('x-rungate-model-override')]).toStrictEqual(['gpt-5-mini', GPT])
    expect(simulator.log()[0]?.model).toBe('gpt-5-mini')
  })

  it('that is a dry run answers by itself, whole and streamed, in either format', async () => {
    const agent = await caller.agent({ policy: { dry_run: true } })
    const whole = await ask(agent.apiKey, {})
    expect([whole.status, whole.headers.get('x-rungate-dry-run')]).toStrictEqual([200, 'true'])
    expect(whole.body.choices[0].message.content).toContain('dry run')
    const streamed = await agent.openAi.chat.completions.stream({ model: GPT, messages: user('x') }).finalContent()
    expect(streamed).toContain('dry run')
    const message = await agent.anthropic.messages
      .stream({ model: CLAUDE, max_tokens: 10, messages: user('x') })
      .finalText()
    expect(message).toContain('dry run')
    expect(simulator.log()).toHaveLength(0)
  })

  it('may be chosen for a run, and the answer says where that was in vain', async () => {
    const strict = await caller.agent({ policy: { name: 'strict ü', allowed_models: ['nothing'] } })
    const agent = await caller.agent({ agent: { allowed_policies: [strict.policyId] } })
    const chosen = await ask(agent.apiKey, {}, { headers: { 'x-rungate-run-policy': strict.policyId } })
    expect(chosen.status).toBe(403)
    const byBody = await ask(agent.apiKey, { 'x-rungate-run-policy': 'STRICT Ü' })
    expect(byBody.status).toBe(403)
    const unknown = await ask(agent.apiKey, {}, { headers: { 'x-rungate-run-policy': 'no such one' } })
    expect(unknown.status).toBe(200)
    expect(unknown.headers.get('x-rungate-policy-fallback')).toBe('no%20such%20one')
    expect(unknown.headers.get('x-rungate-policy-fallback-reason')).toBe('not_found')
    const other = await caller.agent({ agent: { allowed_policies: [] } })
    const refused = await ask(other.apiKey, {}, { headers: { 'x-rungate-run-policy': strict.policyId } })
    expect(refused.headers.get('x-rungate-policy-fallback-reason')).toBe('not_allowed')
  })

  it('that wants approval has it asked for, once for a request', async () => {
    const agent = await caller.agent({ policy: { require_approval: ['deploy'] } })
    const tools = [{ type: 'function', function: { name: 'deploy' } }]
    const first = await ask(agent.apiKey, { tools })
    expect([first.status, first.headers.get('retry-after')]).toStrictEqual([202, '5'])
    expect(first.body).toMatchObject({ status: 'awaiting_approval', approval_requests: [{ tool: 'deploy' }] })
    const again = await ask(agent.apiKey, { tools, stream: true })
    expect(again.body.approval_requests).toStrictEqual(first.body.approval_requests)
    expect(simulator.log()).toHaveLength(0)
  })
})

describe('what the provider is sent', () => {
  it('is what the client sent, without what governance alone is to know', async () => {
    const agent = await caller.agent()
    const raw =
      '{ "x-rungate-run-name":"night","model":"gpt-5","seed":9007199254740993, "temperature":1.0,"messages":[{"role":"user","content":"x"}],"x-rungate-run-metadata":{"a":1}}'
    const headers = { cookie: 'a=b', 'x-rungate-run-name': 'day', 'openai-organization': 'org-1' }
    expect((await ask(agent.apiKey, {}, { raw, headers })).status).toBe(200)
    const [call] = simulator.log()
    expect(call?.body).toBe(
      '{ "model":"gpt-5","seed":9007199254740993, "temperature":1.0,"messages":[{"role":"user","content":"x"}]}',
    )
    expect(Object.keys(call!.headers).filter((name) => /rungate|cookie/.test(name))).toStrictEqual([])
    expect(call?.headers['openai-organization']).toBe('org-1')
  })

  it('belongs to a run whose name counts in characters', async () => {
    const { apiKey } = await caller.agent()
    const named = (name: string) => ask(apiKey, { 'x-rungate-run-name': name })
    expect((await named('\u{1F600}'.repeat(255))).status).toBe(200)
    expect((await named('\u{1F600}'.repeat(256))).status).toBe(400)
  })

  it('is told of as many tools as it may name, each as long as it may be, where none is allowed', async () => {
    const { apiKey } = await caller.agent({ policy: { blocked_tools: ['*'] } })
    const tools = Array.from({ length: 1_024 }, (_, index) => ({
      ...{ type: 'function', function: { name: `${index}`.padStart(200, 't') } },
    }))
    const { status, body } = await ask(apiKey, { tools })
    expect([status, body.error.code, body.error.details.tools.length]).toStrictEqual([403, 'tool_blocked', 1_024])
  })

  it('names a limit of output where a budget stands, which the answer says', async () => {
    const agent = await caller.agent({ policy: { budget: { hard_limit_usd: 0.01 } } })
    const { headers } = await ask(agent.apiKey, { max_completion_tokens: 32_000 })
    const clamped = Number(headers.get('x-rungate-output-clamped'))
    expect(clamped).toBeGreaterThan(255)
    expect(JSON.parse(simulator.log()[0]!.body).max_completion_tokens).toBe(clamped)
    expect(Number(headers.get('x-rungate-budget-remaining-usd'))).toBeLessThan(0.01)
  })
})
