/** Providers that fail, and clients that leave: what is told, what is tried next, and what is settled. */
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi } from '../api.ts'
import { type Caller, type CallingAgent, callerOf, GPT, refusalOf, settledCall, settledCalls, user } from './calling.ts'

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

let models = 0
/** A model of its own, so that an order for it befalls this call alone. */
const newModel = () => `gpt-5-test-${++models}`
type Fault = NonNullable<NonNullable<Parameters<LlmSimulator['order']>[0]['rules']>[number]['fault']>
const orderFor = (model: string, fault: Fault, times?: number) =>
  simulator.order({ rules: [{ match: { model }, fault, ...(times !== undefined && { times }) }] })
const logOf = (model: string) => simulator.log().filter((call) => call.model === model)

/** One attempt, a second at most; its key stays in use whatever happens. */
const once1 = {
  timeout_ms: 1_000,
  connect_timeout_ms: 1_000,
  max_retries: 1,
  circuit_breaker: { failure_threshold: 0 },
}
const agentWith = (routing: object = {}): Promise<CallingAgent> =>
  caller.agent({ policy: { routing: { ...once1, ...routing } } })

type ApiError = InstanceType<typeof OpenAI.APIError>

describe('a provider that fails before content', () => {
  it.each<[fault: Fault, isStream: boolean, kind: string, status: string]>([
    [{ status: 500 }, false, 'http_error', 'error'],
    [{ status: 429 }, false, 'http_error', 'error'],
    [{ status: 401 }, false, 'http_error', 'error'],
    [{ reset: {} }, false, 'network_error', 'error'],
    [{ hang: true }, false, 'request_timeout', 'timeout'],
    [{ stall: {} }, false, 'request_timeout', 'timeout'],
    [{ cut: {} }, false, 'network_error', 'error'],
    [{ brokenJson: {} }, false, 'stream_processing_error', 'error'],
    [{ empty: true }, false, 'empty_stream', 'error'],
    [{ status: 529 }, true, 'http_error', 'error'],
    [{ hang: true }, true, 'request_timeout', 'timeout'],
    [{ stall: {} }, true, 'first_events_timeout', 'timeout'],
    [{ reset: { afterFrames: 1 } }, true, 'first_events_error', 'error'],
    [{ cut: { afterFrames: 1 } }, true, 'first_events_error', 'error'],
    [{ errorEvent: { afterFrames: 1 } }, true, 'first_events_error', 'error'],
    [{ brokenJson: {} }, true, 'stream_processing_error', 'error'],
    [{ empty: true }, true, 'empty_stream', 'error'],
  ])('by %j, streamed: %s, is told as %s', async (fault, stream, kind, status) => {
    const agent = await agentWith()
    const model = newModel()
    orderFor(model, fault)
    const error = await refusalOf<ApiError>(
      agent.openAi.chat.completions.create({ model, messages: user('x'), stream }),
    )
    expect(error.status).toBe(502)
    expect(error.error).toMatchObject({ type: 'provider_error', details: [{ provider: 'openai', kind }] })
    expect(await settledCall(api, agent.agentId)).toMatchObject({ ...{ status, costUsd: '0' }, errorKind: kind })
    expect(logOf(model)).toHaveLength(1)
  })

  it('is tried again as often as the policy says, and then serves', async () => {
    const agent = await agentWith({ max_retries: 3 })
    const model = newModel()
    orderFor(model, { status: 503 }, 2)
    const { choices } = await agent.openAi.chat.completions.create({ model, messages: user('x') })
    expect(choices).toHaveLength(1)
    expect(logOf(model).map(({ status }) => status)).toStrictEqual([503, 503, 200])
    const { attempts } = await settledCall(api, agent.agentId)
    expect(attempts.map(({ kind }) => kind)).toStrictEqual(['http_error', 'http_error', null])
  })

  it.each([
    ['NUL', 'a\0b', 'a\uFFFDb'],
    ['half a surrogate pair', 'a\ud83d', 'a\uFFFD'],
    ['a pair where it is cut', `${'m'.repeat(999)}\u{1f600}`, `${'m'.repeat(999)}\uFFFD`],
  ])('with %s in its words is recorded so that the read models can hold it', async (_, message, recorded) => {
    const agent = await agentWith()
    const model = newModel()
    orderFor(model, { status: 400, message })
    await refusalOf<ApiError>(agent.openAi.chat.completions.create({ model, messages: user('x') }))
    const { errorMessage, attempts } = await settledCall(api, agent.agentId)
    expect([errorMessage, attempts[0]?.error]).toStrictEqual([recorded, recorded])
  })

  it('is waited for once where the policy says so', async () => {
    const agent = await agentWith({ max_retries: 2, on_rate_limit: 'backoff_first' })
    const model = newModel()
    orderFor(model, { status: 429, retryAfter: '1' }, 1)
    await agent.openAi.chat.completions.create({ model, messages: user('x') })
    const [first, second] = logOf(model)
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(990)
  })

  it('by leading elsewhere is asked once, and others are', async () => {
    const elsewhere = createServer((request, response) => {
      asked.push(request.headers.authorization)
      response.writeHead(302, { location: `${simulator.url}/v1/chat/completions` }).end()
    })
    const asked: unknown[] = []
    await once(elsewhere.listen(0, '127.0.0.1'), 'listening')
    const base_url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/v1`
    const body = { provider: 'openai', name: 'elsewhere', api_key: 'sk-elsewhere-key', base_url }
    const added = await api.govern('POST', '/api/provider-keys', { key: caller.token, body })
    const policy = { routing: { ...once1, max_retries: 3 } }
    const keys = (...ids: string[]) => ({ provider_keys: { openai: ids.map((key_id) => ({ key_id, weight: 1 })) } })
    const alone = await caller.agent({ policy, agent: keys(added.body.data.id) })
    const error = await refusalOf<ApiError>(
      alone.openAi.chat.completions.create({ model: newModel(), messages: user('x') }),
    )
    expect(error.error).toMatchObject({ details: [{ status: 302, kind: 'http_error' }] })
    expect([error.status, error.headers?.get('x-should-retry'), asked.length]).toStrictEqual([502, 'false', 1])
    const other = await caller.agent({ policy, agent: keys(added.body.data.id, caller.openAiKeyId) })
    await other.openAi.chat.completions.create({ model: newModel(), messages: user('x') })
    expect(asked).toHaveLength(2)
    elsewhere.closeAllConnections()
    elsewhere.close()
  })

  it.each([
    ['1.5', '2'],
    ['-5', null],
    ['soon', null],
  ])('and names the wait %s has its client told %s', async (retryAfter, told) => {
    const agent = await agentWith()
    const model = newModel()
    orderFor(model, { status: 429, retryAfter })
    const error = await refusalOf<ApiError>(agent.openAi.chat.completions.create({ model, messages: user('x') }))
    expect(error.headers?.get('retry-after')).toBe(told)
  })

  it('says when it may be asked again, and that trying again is of no use where it is not', async () => {
    const limited = newModel()
    orderFor(limited, { status: 429, retryAfter: '7' })
    const agent = await agentWith()
    const waiting = await refusalOf<ApiError>(
      agent.openAi.chat.completions.create({ model: limited, messages: user('x') }),
    )
    expect(waiting.headers?.get('retry-after')).toBe('7')
    expect(waiting.headers?.get('x-should-retry')).toBeNull()
    const locked = newModel()
    orderFor(locked, { status: 401 })
    const refused = await refusalOf<ApiError>(
      agent.openAi.chat.completions.create({ model: locked, messages: user('x') }),
    )
    expect(refused.headers?.get('x-should-retry')).toBe('false')
  })
})

describe('the figures of a process', () => {
  // Of a model whose price is known, with a limit that has it looked at.
  const asked = { model: GPT, max_completion_tokens: 100, messages: user('x') }
  const limited = () => caller.agent({ policy: { routing: once1, budget: { hard_limit_usd: 1 } } })

  it('rise by what an attempt may have cost that was sent and never answered', async () => {
    const agent = await limited()
    orderFor(GPT, { hang: true }, 1)
    const before = Number(await api.figure('rungate_may_have_cost'))
    await refusalOf(agent.openAi.chat.completions.create(asked))
    const { attempts } = await settledCall(api, agent.agentId)
    const mayHaveCost = Number(attempts[0]?.mayHaveCostUsd)
    expect(mayHaveCost).toBeGreaterThan(0)
    expect(Number(await api.figure('rungate_may_have_cost'))).toBeCloseTo(before + mayHaveCost, 10)
  })

  it('rise with each call whose usage passes what was set aside for it, which is recorded as it is', async () => {
    const agent = await limited()
    orderFor(GPT, { usage: { prompt_tokens: 5, completion_tokens: 101, total_tokens: 106 } }, 1)
    const before = Number(await api.figure('rungate_budget_overrun'))
    await agent.openAi.chat.completions.create(asked)
    expect(await settledCall(api, agent.agentId)).toMatchObject({ usage: { output: 101 }, isEstimated: false })
    expect(await api.figure('rungate_budget_overrun')).toBe(before + 1)
  })
})

describe('a stream that breaks after content', () => {
  it.each<[fault: Fault]>([
    [{ cut: { afterFrames: 6 } }],
    [{ reset: { afterFrames: 6 } }],
    [{ stall: { afterFrames: 6 } }],
    // Frame by frame: of a piece that breaks within itself nothing is handed out.
    [{ errorEvent: { afterFrames: 6 }, frameDelayMs: 5 }],
    [{ brokenJson: { afterFrames: 6 }, frameDelayMs: 5 }],
  ])('by %j ends with an error, and what came is settled', async (fault) => {
    const agent = await agentWith({ max_retries: 3 })
    const model = newModel()
    orderFor(model, fault)
    const stream = await agent.openAi.chat.completions.create({ model, messages: user('[[words 50]]'), stream: true })
    let text = ''
    const error = await refusalOf<Error>(
      (async () => {
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
      })(),
    )
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(text.length).toBeGreaterThan(0)
    expect(logOf(model)).toHaveLength(1)
    const settled = await settledCall(api, agent.agentId)
    expect(settled).toMatchObject({ status: 'error', errorKind: 'mid_stream_error', isEstimated: true })
    expect(settled.usage.output).toBeGreaterThan(0)
  })

  it.each<[fault: Fault]>([[{ cut: { afterFrames: 6 } }], [{ stall: { afterFrames: 6 } }]])(
    'by %j, twice in a row, opens the circuit, and its next client learns when to come again',
    async (fault) => {
      const key = caller.token
      const body = { provider: 'openai', name: newModel(), api_key: 'sk-breaking-key', base_url: `${simulator.url}/v1` }
      const { id } = (await api.govern('POST', '/api/provider-keys', { key, body })).body.data
      const routing = { ...once1, circuit_breaker: { failure_threshold: 2, recovery_timeout_ms: 60_000 } }
      const agent = await caller.agent({
        policy: { routing },
        agent: { provider_keys: { openai: [{ key_id: id, weight: 1 }] } },
      })
      const model = newModel()
      const ask = async () => {
        const asked = { model, messages: user('[[words 50]]'), stream: true } as const
        for await (const chunk of await agent.openAi.chat.completions.create(asked)) expect(chunk.choices).toBeDefined()
      }
      // A whole stream in between begins the count anew.
      orderFor(model, fault, 1)
      await refusalOf(ask())
      await ask()
      orderFor(model, fault, 2)
      for (let n = 0; n < 2; n++) await refusalOf(ask())
      const error = await refusalOf<ApiError>(ask())
      expect(error.error).toMatchObject({ details: [{ message: expect.stringContaining('circuit') }] })
      expect(error.status).toBe(502)
      expect(Number(error.headers?.get('retry-after'))).toSatisfy((s: number) => s > 50 && s <= 60)
      expect(error.headers?.get('x-should-retry')).toBeNull()
      expect(logOf(model)).toHaveLength(4)
    },
  )

  it('frames that are cut anywhere arrive as they were sent', async () => {
    const agent = await agentWith()
    const model = newModel()
    orderFor(model, { pieceBytes: 7 })
    const stream = await agent.openAi.chat.completions.create({
      model,
      messages: user('Grüße 🎉 an alle'),
      stream: true,
    })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toBe('You said: Grüße 🎉 an alle')
  })
})

describe('a client that leaves', () => {
  /** Sends a call, and goes away after the first bytes of its answer, or after a time without any. */
  async function leave(agent: CallingAgent, body: object, model: string): Promise<void> {
    const sent = httpRequest(`${api.url}/rungate/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${agent.apiKey}`, 'content-type': 'application/json' },
    })
    sent.on('error', () => undefined)
    sent.end(JSON.stringify({ model, ...body }))
    if ('stream' in body) {
      const [response] = await once(sent, 'response')
      await once(response, 'data')
    } else await eventually(() => expect(logOf(model)).toHaveLength(1))
    sent.destroy()
  }

  it('in the middle of a stream ends it at the provider, and what came is settled', async () => {
    // Its leaving says nothing of the provider, whose key is as good as before.
    const agent = await agentWith({ timeout_ms: 60_000, circuit_breaker: { failure_threshold: 1 } })
    const model = newModel()
    orderFor(model, { frameDelayMs: 20 })
    await leave(agent, { messages: user('[[words 5000]]'), stream: true }, model)
    expect(await settledCall(api, agent.agentId)).toMatchObject({
      ...{ status: 'error', errorKind: 'client_disconnect', isEstimated: true },
    })
    await eventually(() => expect(logOf(model)[0]?.outcome).toBe('client_left'))
    await agent.openAi.chat.completions.create({ model: newModel(), messages: user('x') })
  })

  it('before a whole answer lets it come, since the provider bills it, and settles it exactly', async () => {
    const agent = await agentWith({ timeout_ms: 60_000 })
    const model = newModel()
    orderFor(model, { delayMs: 300 })
    await leave(agent, { messages: user('Hello there') }, model)
    const settled = await settledCall(api, agent.agentId)
    expect(settled).toMatchObject({ status: 'success', isEstimated: false, usage: { input: 5, output: 4 } })
    expect(logOf(model)[0]?.outcome).toBe('complete')
  })
})

describe('keys', () => {
  it('that a provider does not take are passed over, and left alone once they failed too often', async () => {
    const key = caller.token
    const added = await api.govern('POST', '/api/provider-keys', {
      key,
      body: { provider: 'openai', name: 'broken', api_key: 'sk-broken-key', base_url: `${simulator.url}/v1` },
    })
    const brokenId = added.body.data.id
    const agent = await caller.agent({
      policy: { routing: { max_retries: 3, circuit_breaker: { failure_threshold: 2, recovery_timeout_ms: 60_000 } } },
      agent: { provider_keys: { openai: [brokenId, caller.openAiKeyId].map((key_id) => ({ key_id, weight: 1 })) } },
    })
    simulator.order({ rules: [{ match: { key: 'sk-broken-key' }, fault: { status: 401 } }] })
    for (let call = 0; call < 2; call++) {
      // A new run each time: one stays with what has served it.
      const headers = { 'x-rungate-new-run': 'true' }
      await agent.openAi.chat.completions.create({ model: GPT, messages: user('x') }, { headers })
    }
    const states = async () => {
      const { body } = await api.govern('GET', '/api/providers/health', { key })
      return body.data.find((each: { provider_key_id: string }) => each.provider_key_id === brokenId)
    }
    await eventually(async () => expect(await states()).toMatchObject({ state: 'open', failure_count: 2 }))
    const before = simulator.log().filter((call) => call.key === 'sk-broken-key').length
    await agent.openAi.chat.completions.create(
      { model: GPT, messages: user('x') },
      { headers: { 'x-rungate-new-run': 'true' } },
    )
    expect(simulator.log().filter((call) => call.key === 'sk-broken-key')).toHaveLength(before)
    await eventually(async () => {
      const [, , third] = await settledCalls(api, agent.agentId)
      expect(third?.skipped).toMatchObject([{ provider: 'openai', reason: expect.stringContaining('circuit') }])
    })
  })

  it('that lead elsewhere by now have their new secret sent to no address of before', async () => {
    const key = caller.token
    const added = await Promise.all(
      ['hanging', 'moving'].map((name) =>
        api.govern('POST', '/api/provider-keys', {
          key,
          body: { provider: 'openai', name, api_key: `sk-${name}-key`, base_url: `${simulator.url}/v1` },
        }),
      ),
    )
    const [hangingId, movingId] = added.map(({ body }) => body.data.id)
    const agent = await caller.agent({
      policy: { routing: { ...once1, timeout_ms: 3_000, max_retries: 2 } },
      agent: { provider_keys: { openai: [hangingId, movingId].map((key_id) => ({ key_id, weight: 1 })) } },
    })
    const model = newModel()
    simulator.order({ rules: [{ match: { key: 'sk-hanging-key', model }, fault: { hang: true } }] })
    const asked = refusalOf(agent.openAi.chat.completions.create({ model, messages: user('x') }))
    await eventually(async () => expect(logOf(model)).toHaveLength(1))
    const body = { base_url: 'https://127.0.0.1:9/v1', api_key: 'sk-moved-key' }
    expect((await api.govern('PUT', `/api/provider-keys/${movingId}`, { key, body })).status).toBe(200)
    await asked
    expect([...new Set(logOf(model).map((call) => call.key))]).toStrictEqual(['sk-hanging-key'])
    expect((await settledCall(api, agent.agentId)).skipped).toMatchObject([
      { provider: 'openai', reason: expect.stringContaining('leads elsewhere') },
    ])
  })

  it('are taken in turn, or by their weights, where the policy says so', async () => {
    const key = caller.token
    const ids: string[] = [caller.openAiKeyId]
    const second = await api.govern('POST', '/api/provider-keys', {
      key,
      body: { provider: 'openai', name: 'second', api_key: 'sk-second-key', base_url: `${simulator.url}/v1` },
    })
    ids.push(second.body.data.id)
    for (const [way, expected] of [
      ['round_robin', 3],
      ['weighted', 2],
    ] as const) {
      const agent = await caller.agent({
        policy: { routing: { load_balancing: way } },
        agent: { provider_keys: { openai: ids.map((key_id, at) => ({ key_id, weight: at === 0 ? 2 : 1 })) } },
      })
      const model = newModel()
      for (let call = 0; call < 6; call++) {
        await agent.openAi.chat.completions.create({ model, messages: user('x') })
      }
      expect(logOf(model).filter((call) => call.key === 'sk-second-key')).toHaveLength(expected)
    }
  })
})
