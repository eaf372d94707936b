/** The official libraries across formats: tools, streams that come byte by byte, refusals in their own words, and what they try again. */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { account } from '../../../src/commands/rungate/account.ts'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import { pricesIn } from '../../../src/http/rungate/proxy/open-proxy.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { type Caller, type CallingAgent, CLAUDE, callerOf, GPT, refusalOf, settledCall, user } from './calling.ts'

let simulator: LlmSimulator
let api: Api
let caller: Caller
let directory: string
beforeAll(async () => {
  simulator = await startLlmSimulator()
  directory = await mkdtemp(join(tmpdir(), 'opslog-prices-'))
  const PRICES_FILE = join(directory, 'prices.json')
  const own = { provider: 'openai', model: 'house-*', input: '0.000001', output: 3, cacheRead: '0.0000001' }
  await writeFile(PRICES_FILE, JSON.stringify([own]))
  api = await startApi({ allowLoopbackProviders: true, rungate: { PRICES_FILE } })
  caller = await callerOf(api, simulator)
})
afterAll(async () => {
  await api.stop()
  await simulator.close()
  await rm(directory, { recursive: true })
})
beforeEach(() => simulator.order({ reset: true }))

const schema = { type: 'object' as const, properties: { city: { type: 'string' }, days: { type: 'integer' } } }
const gptTools = [{ type: 'function' as const, function: { name: 'weather', parameters: schema } }]
const claudeTools = [{ name: 'weather', input_schema: schema }]
const gpt = (content: string) => ({ model: GPT, messages: user(content) })
const claude = (content: string) => ({ model: CLAUDE, max_tokens: 100, messages: user(content) })
const mapping = { [GPT]: { anthropic: CLAUDE }, [CLAUDE]: { openai: GPT } }
const crossed = (provider: 'openai' | 'anthropic', routing: object = {}) =>
  caller.agent({
    policy: {
      model_mapping: mapping,
      routing: { default_chain: [provider], max_retries: 1, circuit_breaker: { failure_threshold: 0 }, ...routing },
    },
  })

type GptError = InstanceType<typeof OpenAI.APIError>
type ClaudeError = InstanceType<typeof Anthropic.APIError>

describe('a conversation with tools, streamed byte by byte', () => {
  const ARGUMENTS = '{"city":"Zürich 🎉","days":9007199254740993}'
  const order = {
    rules: [{ answer: { toolCalls: [{ name: 'weather', arguments: ARGUMENTS }] }, fault: { pieceBytes: 1 } }],
  }

  it.each(['openai', 'anthropic'] as const)('reaches OpenAI’s library from %s to the letter', async (provider) => {
    const agent = await crossed(provider)
    simulator.order(order)
    const asked = { ...gpt('Please call weather'), tools: gptTools }
    const { choices } = await agent.openAi.chat.completions.stream(asked).finalChatCompletion()
    const [call] = choices[0]?.message.tool_calls ?? []
    expect(call).toMatchObject({ type: 'function', function: { name: 'weather', arguments: ARGUMENTS } })
    simulator.order({ reset: true })
    const messages = [
      ...asked.messages,
      { role: 'assistant' as const, content: null, tool_calls: [call!] },
      { role: 'tool' as const, tool_call_id: call!.id, content: 'sunny' },
    ]
    const next = await agent.openAi.chat.completions.create({ ...asked, messages })
    expect(next.choices[0]).toMatchObject({ finish_reason: 'stop', message: { role: 'assistant' } })
    // The number is the provider’s as the model wrote it.
    expect(simulator.log()[0]?.body).toContain('9007199254740993')
  })

  it.each(['openai', 'anthropic'] as const)('reaches Anthropic’s library from %s to the letter', async (provider) => {
    const agent = await crossed(provider)
    simulator.order(order)
    const asked = { ...claude('Please call weather'), tools: claudeTools }
    let written = ''
    const stream = agent.anthropic.messages.stream(asked)
    stream.on('inputJson', (piece) => {
      written += piece
    })
    const { content, stop_reason } = await stream.finalMessage()
    expect([stop_reason, written]).toStrictEqual(['tool_use', ARGUMENTS])
    simulator.order({ reset: true })
    const tool = content.find((block) => block.type === 'tool_use')!
    const messages = [
      ...asked.messages,
      { role: 'assistant' as const, content },
      { role: 'user' as const, content: [{ type: 'tool_result' as const, tool_use_id: tool.id, content: 'sunny' }] },
    ]
    const next = await agent.anthropic.messages.create({ ...asked, messages })
    expect([next.stop_reason, next.content[0]?.type]).toStrictEqual(['end_turn', 'text'])
  })
})

describe('a system message within a conversation', () => {
  it.each(['openai', 'anthropic'] as const)('comes to %s where it stands', async (provider) => {
    const agent = await crossed(provider)
    const within = { role: 'system', content: 'Be brief.' } as unknown as Anthropic.MessageParam
    const asked = { ...claude('Hello.'), messages: [...user('Hello.'), within] }
    const { content } = await agent.anthropic.messages.create(asked)
    expect(content).toMatchObject([{ type: 'text', text: 'You said: Hello.' }])
    const sent = JSON.parse(simulator.log()[0]?.body ?? '') as { messages: { role: string; content: string }[] }
    expect(sent.messages).toMatchObject([
      { role: 'user', content: 'Hello.' },
      { role: 'system', content: 'Be brief.' },
    ])
  })
})

describe('a refusal of the provider', () => {
  const statuses: [number, gpt: string | undefined, claude: string][] = [
    [400, undefined, 'invalid_request_error'],
    [404, 'not_found', 'not_found_error'],
    [413, 'request_too_large', 'request_too_large'],
    [422, undefined, 'invalid_request_error'],
  ]
  it.each(statuses)('of %i comes in the words of either library, from either provider', async (status, code, type) => {
    for (const provider of ['openai', 'anthropic'] as const) {
      const agent = await crossed(provider)
      simulator.order({ reset: true, rules: [{ fault: { status, message: 'No such thing.' } }] })
      const one = await refusalOf<GptError>(agent.openAi.chat.completions.create(gpt('x')))
      expect([one.status, one.constructor.name]).toStrictEqual([status, gptClasses[status] ?? 'APIError'])
      expect(one.error).toMatchObject({ message: 'No such thing.', type: 'invalid_request_error' })
      // Within its own format the provider’s own words stand.
      if (provider === 'anthropic' && code !== undefined) expect(one.code).toBe(code)
      const other = await refusalOf<ClaudeError>(agent.anthropic.messages.create(claude('x')))
      expect(other.status).toBe(status)
      expect(other.error).toMatchObject({ type: 'error', error: { message: 'No such thing.' } })
      if (provider === 'openai') expect(other.error).toMatchObject({ error: { type } })
      expect(simulator.log()).toHaveLength(2)
    }
  })
  const gptClasses: Record<number, string> = {
    400: 'BadRequestError',
    404: 'NotFoundError',
    422: 'UnprocessableEntityError',
  }
})

describe('a library that tries again', () => {
  /** The libraries as they come, which count how often they ask. */
  function counting({ apiKey }: CallingAgent) {
    let requests = 0
    const counted: typeof fetch = (url, init) => {
      requests += 1
      return fetch(url, init)
    }
    const openAi = new OpenAI({ apiKey, baseURL: `${api.url}/rungate/v1`, fetch: counted })
    const anthropic = new Anthropic({ apiKey, baseURL: `${api.url}/rungate`, fetch: counted })
    return { openAi, anthropic, requests: () => requests }
  }

  it('does so where that helps, and is served', async () => {
    const agent = await crossed('openai')
    for (const library of ['openAi', 'anthropic'] as const) {
      simulator.order({ reset: true, rules: [{ times: 1, fault: { status: 503 } }] })
      const client = counting(agent)
      if (library === 'openAi') await client.openAi.chat.completions.create(gpt('x'))
      else await client.anthropic.messages.create(claude('x'))
      expect([client.requests(), simulator.log().length]).toStrictEqual([2, 2])
    }
  })

  it.each<[what: string, policy: object, status: number]>([
    ['a model is not allowed', { allowed_models: ['nothing'] }, 403],
    ['a budget does not pay', { budget: { hard_limit_usd: 0.0000001 } }, 402],
  ])('does not where %s', async (_, policy, status) => {
    const agent = await caller.agent({ policy })
    const client = counting(agent)
    const one = await refusalOf<GptError>(client.openAi.chat.completions.create(gpt('x')))
    const other = await refusalOf<ClaudeError>(client.anthropic.messages.create(claude('x')))
    expect([one.status, other.status, client.requests()]).toStrictEqual([status, status, 2])
    expect(simulator.log()).toHaveLength(0)
  })

  it('waits as long as the provider asks, and is told so through the format of the other', async () => {
    const agent = await crossed('anthropic')
    simulator.order({ rules: [{ times: 1, fault: { status: 429, retryAfter: '1' } }] })
    const client = counting(agent)
    await client.openAi.chat.completions.create(gpt('x'))
    const [first, second] = simulator.log()
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(990)
  })
})

describe('a provider that takes no connection', () => {
  let silent: Server
  const sockets = new Set<Socket>()
  beforeAll(async () => {
    // TLS never begins: the connection is there, and says nothing.
    silent = createServer((socket) => void sockets.add(socket))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
  })
  afterAll(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })

  it('is told as that and replaced, and has cost nothing', async () => {
    const key = caller.token
    const base_url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`
    const added = await api.govern('POST', '/api/provider-keys', {
      key,
      body: { provider: 'openai', name: 'silent', api_key: 'sk-silent-key', base_url },
    })
    const provider_keys = { openai: added.body.data.id }
    const routing = { connect_timeout_ms: 1_000, max_retries: 1, circuit_breaker: { failure_threshold: 0 } }
    const agent = await caller.agent({ policy: { routing }, agent: { provider_keys } })
    const error = await refusalOf<GptError>(agent.openAi.chat.completions.create(gpt('x')))
    expect([error.status, error.error]).toMatchObject([502, { details: [{ kind: 'tcp_connect_timeout' }] }])
    expect(await settledCall(api, agent.agentId)).toMatchObject({
      ...{ status: 'timeout', errorKind: 'tcp_connect_timeout', costUsd: '0' },
      attempts: [{ kind: 'tcp_connect_timeout', mayHaveCostUsd: null }],
    })
    const patient = await caller.agent({
      policy: {
        routing: { ...routing, max_retries: 2, default_chain: ['openai', 'anthropic'] },
        model_mapping: mapping,
      },
      agent: { provider_keys: { ...provider_keys, anthropic: caller.anthropicKeyId } },
    })
    const { response } = await patient.openAi.chat.completions.create(gpt('x')).withResponse()
    expect(response.headers.get('x-rungate-provider')).toBe('anthropic')
  })
})

describe('prices of one’s own', () => {
  it('are those of PRICES_FILE, to the last digit', async () => {
    const agent = await caller.agent({ policy: { budget: { hard_limit_usd: 1 } } })
    const usage = { prompt_tokens: 11, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 4 } }
    simulator.order({ rules: [{ fault: { usage } }] })
    const asked = { model: 'house-large', messages: user('Hello there'), max_completion_tokens: 7 }
    const { response } = await agent.openAi.chat.completions.create(asked).withResponse()
    // 7 at $0.000001, 4 at $0.0000001 and 7 at $3 for a million.
    expect(response.headers.get('x-rungate-cost-usd')).toBe('0.0000210000074')
    const run = await fetch(`${api.url}/rungate/v1/runs/current`, {
      headers: { authorization: `Bearer ${agent.apiKey}` },
    })
    expect(await run.text()).toContain('"cost_usd":0.0000210000074')
    const unknown = await refusalOf<GptError>(agent.openAi.chat.completions.create({ ...asked, model: 'nobody-knows' }))
    expect(unknown.error).toMatchObject({ code: 'model_not_allowed', details: { reason: 'price_unknown' } })
  })

  it.each([
    ['[{"provider":"openai","model":"m","input":"-1","output":1}]', /PRICES_FILE .*wrong at 0\.input/],
    ['{', /PRICES_FILE .*not JSON/],
  ])('of a file that is wrong end the start with a sentence: %s', async (text, message) => {
    const file = join(directory, 'wrong.json')
    await writeFile(file, text)
    await expect(pricesIn(file)).rejects.toThrow(message)
    await expect(pricesIn(join(directory, 'missing.json'))).rejects.toThrow(/PRICES_FILE .*ENOENT/)
  })
})

describe('the steps of a month', () => {
  it('are limited where the account has a limit: calls beyond it are told when the month ends, and runs go on', async () => {
    const other = await callerOf(api, simulator)
    const context = systemContext()
    await api.bus.handle(account, other.accountId, { kind: 'setStepLimit', stepLimit: 2, at: context.at }, context)
    const limit = async () =>
      (await api.govern('GET', '/api/account', { key: other.token })).body.data.step_limit_override
    await eventually(async () => expect(await limit()).toBe(2))
    const refused = await eventually(async () => {
      const error = await refusalOf<GptError>(other.openAi.chat.completions.create(gpt('x')))
      expect(error.status).toBe(429)
      return error
    })
    expect(refused.error).toMatchObject({ code: 'rate_limited', details: { reason: 'monthly_step_limit' } })
    expect(simulator.log()).toHaveLength(2)
    const { data } = (await api.govern('GET', '/api/account', { key: other.token })).body
    expect(data.monthly_step_count).toBe(2)
    const run = await api.govern('GET', '/v1/runs/current', { key: other.apiKey })
    expect(run.body.data.status).toBe('running')
  })
})
