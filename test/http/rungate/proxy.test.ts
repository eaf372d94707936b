/** Calls of models by the official libraries, which are told nothing but where rungate is. */
import type Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { request } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import { type Api, startApi } from '../api.ts'
import { type Caller, CLAUDE, callerOf, GPT, librariesOf, refusalOf, settledCall, user } from './calling.ts'

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

const schema = { type: 'object' as const, properties: { city: { type: 'string' }, days: { type: 'integer' } } }
const gptTools = [{ type: 'function' as const, function: { name: 'weather', parameters: schema } }]
const claudeTools = [{ name: 'weather', input_schema: schema }]
const gpt = (content: string) => ({ model: GPT, messages: user(content) })
const claude = (content: string) => ({ model: CLAUDE, max_tokens: 100, messages: user(content) })
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

describe('OpenAI’s library', () => {
  it('gets a whole answer, and headers that say what it cost', async () => {
    const { data, response } = await caller.openAi.chat.completions.create(gpt('Hello there')).withResponse()
    expect(data.choices[0]?.message.content).toBe('You said: Hello there')
    const headers = Object.fromEntries(response.headers)
    expect(headers).toMatchObject({
      'x-rungate-run-id': expect.stringMatching(UUID),
      'x-rungate-step-id': expect.stringMatching(UUID),
      ...{ 'x-rungate-provider': 'openai', 'x-rungate-model': GPT, 'x-rungate-tokens-used': '9' },
      // 5 tokens at $1.25 and 4 at $10 for a million.
      'x-rungate-cost-usd': '0.00004625',
    })
    expect(headers).not.toHaveProperty('x-rungate-budget-remaining-usd')
    const [call] = simulator.log()
    expect(call).toMatchObject({ key: `sk-openai-${caller.slug}`, path: '/v1/chat/completions' })
    expect(JSON.stringify(call)).not.toContain(caller.apiKey)
  })

  it('gets a stream, with usage only where it asks, and trailers that say what it cost', async () => {
    const read = async (stream_options?: { include_usage: boolean }) => {
      const stream = await caller.openAi.chat.completions.create({
        ...gpt('[[words 20]]'),
        ...{ stream: true as const, ...(stream_options && { stream_options }) },
      })
      let text = ''
      let usages = 0
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? ''
        if (chunk.usage) usages += 1
      }
      return { words: text.split(' ').length, usages }
    }
    expect(await read()).toStrictEqual({ words: 20, usages: 0 })
    expect(await read({ include_usage: true })).toStrictEqual({ words: 20, usages: 1 })
    const { statusCode, headers, body, trailers } = await request(`${api.url}/rungate/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${caller.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...gpt('[[words 20]]'), stream: true }),
    })
    const text = await body.text()
    expect(statusCode).toBe(200)
    expect(headers['x-rungate-run-id']).toMatch(UUID)
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(trailers).toMatchObject({ 'x-rungate-tokens-used': expect.stringMatching(/^\d+$/) })
    expect(Number(trailers['x-rungate-cost-usd'])).toBeGreaterThan(0.0002)
  })

  it('has tools called, whole and streamed', async () => {
    const asked = { ...gpt('Please call weather'), tools: gptTools }
    const whole = await caller.openAi.chat.completions.create(asked)
    const streamed = await caller.openAi.chat.completions.stream(asked).finalChatCompletion()
    for (const { choices } of [whole, streamed]) {
      expect(choices[0]).toMatchObject({
        finish_reason: 'tool_calls',
        message: { tool_calls: [{ function: { name: 'weather', arguments: '{"city":"example","days":7}' } }] },
      })
    }
  })

  it('throws the provider’s own refusal, which is not tried again', async () => {
    simulator.order({ rules: [{ fault: { status: 400, message: 'No such thing.' } }] })
    const error = await refusalOf<InstanceType<typeof OpenAI.APIError>>(
      librariesOf(api.url, caller.apiKey, 2).openAi.chat.completions.create(gpt('x')),
    )
    expect(error).toBeInstanceOf(OpenAI.BadRequestError)
    expect(error.message).toContain('No such thing.')
    expect(simulator.log()).toHaveLength(1)
  })
})

describe('Anthropic’s library', () => {
  it('gets a whole answer', async () => {
    const { data, response } = await caller.anthropic.messages.create(claude('Hello there')).withResponse()
    expect(data.content).toMatchObject([{ type: 'text', text: 'You said: Hello there' }])
    expect(response.headers.get('x-rungate-provider')).toBe('anthropic')
    expect(Number(response.headers.get('x-rungate-cost-usd'))).toBeGreaterThan(0)
    expect(simulator.log()[0]).toMatchObject({ key: `sk-anthropic-${caller.slug}`, path: '/v1/messages' })
  })

  it('gets a stream, and tools that are called', async () => {
    const asked = { ...claude('Please call weather'), tools: claudeTools }
    const streamed = await caller.anthropic.messages.stream(asked).finalMessage()
    const whole = await caller.anthropic.messages.create(asked)
    for (const { content, stop_reason } of [streamed, whole]) {
      expect(stop_reason).toBe('tool_use')
      expect(content.at(-1)).toMatchObject({ type: 'tool_use', name: 'weather', input: { city: 'example', days: 7 } })
    }
  })

  it('throws an error in its own format where its request cannot be read', async () => {
    const error = await refusalOf<InstanceType<typeof Anthropic.APIError>>(
      caller.anthropic.messages.create({ ...claude('x'), max_tokens: 0 }),
    )
    expect(error.status).toBe(400)
    expect(error.error).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
  })
})

describe('across formats', () => {
  it('a conversation with tools goes to a provider of the other format, whole and streamed', async () => {
    const mapping = { [GPT]: { anthropic: CLAUDE }, [CLAUDE]: { openai: GPT } }
    const toAnthropic = await caller.agent({
      policy: { model_mapping: mapping, routing: { default_chain: ['anthropic'] } },
    })
    const asked = { ...gpt('Please call weather'), tools: gptTools }
    const { data: whole, response } = await toAnthropic.openAi.chat.completions.create(asked).withResponse()
    expect(response.headers.get('x-rungate-model')).toBe(CLAUDE)
    const streamed = await toAnthropic.openAi.chat.completions.stream(asked).finalChatCompletion()
    for (const { choices } of [whole, streamed]) {
      expect(choices[0]?.message.tool_calls).toMatchObject([{ function: { name: 'weather' } }])
    }
    const toOpenAi = await caller.agent({ policy: { model_mapping: mapping, routing: { default_chain: ['openai'] } } })
    const message = await toOpenAi.anthropic.messages.create({ ...claude('Please call weather'), tools: claudeTools })
    expect(message.content.at(-1)).toMatchObject({ type: 'tool_use', name: 'weather' })
    const other = await toOpenAi.anthropic.messages
      .stream({ ...claude('Please call weather'), tools: claudeTools })
      .finalMessage()
    expect(other.content.at(-1)).toMatchObject({ type: 'tool_use', input: { city: 'example', days: 7 } })
    expect(simulator.log().map(({ path }) => path)).toStrictEqual([
      ...['/v1/messages', '/v1/messages', '/v1/chat/completions', '/v1/chat/completions'],
    ])
  })

  it('what the other format cannot say is refused with the reason', async () => {
    const agent = await caller.agent({
      policy: { model_mapping: { [GPT]: { anthropic: CLAUDE } }, routing: { default_chain: ['anthropic'] } },
    })
    const error = await refusalOf<InstanceType<typeof OpenAI.APIError>>(
      agent.openAi.chat.completions.create({ ...gpt('x'), n: 2 }),
    )
    expect(error.status).toBe(502)
    expect(JSON.stringify(error.error)).toContain('n above 1')
    expect(simulator.log()).toHaveLength(0)
  })

  it('a failing provider is replaced by one of the other format, which the run stays with', async () => {
    const agent = await caller.agent({
      policy: {
        model_mapping: { [GPT]: { anthropic: CLAUDE } },
        routing: { default_chain: ['openai', 'anthropic'], max_retries: 3 },
      },
    })
    simulator.order({ rules: [{ match: { path: '/v1/chat/completions' }, fault: { status: 529 } }] })
    const asked = { ...gpt('Please call weather'), tools: gptTools }
    const first = await agent.openAi.chat.completions.create(asked)
    expect(first.choices[0]?.message.tool_calls).toHaveLength(1)
    const second = await agent.openAi.chat.completions.stream(asked).finalChatCompletion()
    expect(second.choices[0]?.message.tool_calls).toHaveLength(1)
    expect(simulator.log().map(({ path }) => path)).toStrictEqual([
      ...['/v1/chat/completions', '/v1/messages', '/v1/messages'],
    ])
    const settled = await settledCall(api, agent.agentId)
    expect(settled).toMatchObject({ status: 'success', provider: 'anthropic', servedModel: CLAUDE })
    expect(settled.attempts).toMatchObject([
      { provider: 'openai', status: 529, kind: 'http_error' },
      { provider: 'anthropic', status: 200, kind: null },
    ])
  })
})
