/** The provider simulator, asked by the libraries of OpenAI and Anthropic. */
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { request } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type LlmSimulator, startLlmSimulator } from '../../src/embedded/llm/server.ts'

let simulator: LlmSimulator
beforeAll(async () => {
  simulator = await startLlmSimulator()
})
afterAll(() => simulator.close())
beforeEach(() => simulator.order({ reset: true }))

const openAi = (options = {}) =>
  new OpenAI({ apiKey: 'sk-one', baseURL: `${simulator.url}/v1`, maxRetries: 0, ...options })
const anthropic = (options = {}) =>
  new Anthropic({ apiKey: 'sk-two', baseURL: simulator.url, maxRetries: 0, ...options })
const user = (content: string) => [{ role: 'user' as const, content }]
const gpt = { model: 'gpt-5' }
const claude = { model: 'claude-haiku-4-5', max_tokens: 100 }
const schema = { type: 'object' as const, properties: { city: { type: 'string' }, days: { type: 'integer' } } }
const gptTools = [{ type: 'function' as const, function: { name: 'weather', parameters: schema } }]
const claudeTools = [{ name: 'weather', input_schema: schema }]
/** What a call is refused with. */
const refusal = (call: PromiseLike<unknown>) =>
  Promise.resolve(call).then(
    () => undefined,
    (error: unknown) => error,
  )

describe('OpenAI’s library', () => {
  it('gets the same answer to the same question, with its usage', async () => {
    const ask = () => openAi().chat.completions.create({ ...gpt, messages: user('Hello there') })
    const [one, other] = [await ask(), await ask()]
    expect(one).toStrictEqual(other)
    expect(one.choices[0]).toMatchObject({ message: { content: 'You said: Hello there' }, finish_reason: 'stop' })
    expect(one.usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 4, total_tokens: 9 })
    expect(simulator.log()[0]).toMatchObject({
      key: 'sk-one',
      path: '/v1/chat/completions',
      outcome: 'complete',
      status: 200,
    })
  })

  it('gets a stream of the same, with usage where it asks', async () => {
    const stream = await openAi().chat.completions.create({
      ...gpt,
      messages: user('[[words 50]]'),
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let usage: unknown
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }
    expect(text.split(' ')).toHaveLength(50)
    expect(usage).toMatchObject({ completion_tokens: 50 })
  })

  it('gets tool calls, whole and streamed, and an answer to their results', async () => {
    const order = { ...gpt, messages: user('Please call weather'), tools: gptTools }
    const whole = await openAi().chat.completions.create(order)
    const [call] = whole.choices[0]!.message.tool_calls!
    expect(call).toMatchObject({
      type: 'function',
      function: { name: 'weather', arguments: '{"city":"example","days":7}' },
    })
    expect(whole.choices[0]?.finish_reason).toBe('tool_calls')
    const streamed = await openAi().chat.completions.stream(order).finalChatCompletion()
    expect(streamed.choices[0]?.message.tool_calls?.[0]).toMatchObject({
      id: call!.id,
      function: { arguments: '{"city":"example","days":7}' },
    })
    const messages = [
      ...order.messages,
      whole.choices[0]!.message,
      { role: 'tool' as const, tool_call_id: call!.id, content: 'warm' },
    ]
    const after = await openAi().chat.completions.create({ ...order, messages })
    expect(after.choices[0]?.message.content).toBe('You said: nothing')
    const loose = { ...order, messages: [...order.messages, messages[2]!] }
    expect(await refusal(openAi().chat.completions.create(loose))).toMatchObject({ status: 400 })
  })

  it('is cut at its limit, and gets cached tokens for a long prompt that comes again', async () => {
    const messages = user(`[[words 40]] ${'a'.repeat(8_000)}`)
    const ask = () => openAi().chat.completions.create({ ...gpt, messages, max_completion_tokens: 10 })
    const [one, other] = [await ask(), await ask()]
    expect(one.choices[0]?.finish_reason).toBe('length')
    expect([one, other].map(({ usage }) => usage?.completion_tokens)).toStrictEqual([10, 10])
    expect([one, other].map(({ usage }) => usage?.prompt_tokens_details?.cached_tokens)).toStrictEqual([0, 1_920])
  })

  it('sees errors, and tries again as the headers say', async () => {
    simulator.order({ rules: [{ times: 2, fault: { status: 429, retryAfter: '0' } }] })
    const answer = await openAi({ maxRetries: 2 }).chat.completions.create({ ...gpt, messages: user('Hi') })
    expect(answer.choices[0]?.message.content).toBe('You said: Hi')
    expect(simulator.log().map(({ status }) => status)).toStrictEqual([429, 429, 200])
    simulator.order({ reset: true, rules: [{ fault: { status: 500, message: 'boom' } }] })
    const failed = await refusal(openAi().chat.completions.create({ ...gpt, messages: user('Hi') }))
    expect(failed).toBeInstanceOf(OpenAI.InternalServerError)
    expect(String(failed)).toContain('boom')
    expect(failed).toMatchObject({ type: 'server_error' })
    expect(await refusal(openAi().chat.completions.create({ model: '', messages: [] }))).toMatchObject({ status: 500 })
  })

  it('throws at an error in a stream', async () => {
    simulator.order({ rules: [{ fault: { errorEvent: { afterFrames: 2 } } }] })
    const stream = await openAi().chat.completions.create({ ...gpt, messages: user('[[words 9]]'), stream: true })
    const texts: unknown[] = []
    const read = async () => {
      for await (const chunk of stream) texts.push(chunk.choices[0]?.delta.content)
    }
    expect(await refusal(read())).toBeInstanceOf(OpenAI.APIError)
    expect(texts).toStrictEqual(['', 'word'])
  })

  it('gets responses with calls of tools, whole and streamed, takes their results, and hears of what was cut and cached', async () => {
    const tools = [
      {
        type: 'function' as const,
        name: 'weather',
        parameters: { properties: { city: { type: 'string' } } },
        strict: false,
      },
    ]
    const input = 'Please call weather [[arguments {"city":"Bonn"}]]'
    const whole = await openAi().responses.create({ ...gpt, input, tools })
    const called = { type: 'function_call', name: 'weather', arguments: '{"city":"Bonn"}' }
    expect(whole).toMatchObject({ status: 'completed', output: [called] })
    const events = await Array.fromAsync(await openAi().responses.create({ ...gpt, input, tools, stream: true }))
    const pieces = events.flatMap((each) =>
      each.type === 'response.function_call_arguments.delta' ? [each.delta] : [],
    )
    expect([pieces.length > 1, pieces.join('')]).toStrictEqual([true, '{"city":"Bonn"}'])
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { output: [called] } })
    const [call] = whole.output
    if (call?.type !== 'function_call') throw new Error('a call was asked for')
    const result = { type: 'function_call_output' as const, call_id: call.call_id, output: '12 degrees' }
    const after = await openAi().responses.create({
      ...gpt,
      input: [{ role: 'user', content: input }, call, result],
      tools,
    })
    expect(after.output_text).toBe('You said: nothing')
    await expect(openAi().responses.create({ ...gpt, input: [result] })).rejects.toThrow(/No tool call found/)
    const long = { ...gpt, input: 'word '.repeat(2_000), max_output_tokens: 3 }
    await openAi().responses.create(long)
    const cut = await openAi().responses.create(long)
    expect(cut).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
    expect([cut.usage?.output_tokens, cut.usage?.input_tokens_details.cached_tokens]).toStrictEqual([3, 2_432])
  })

  it('gets responses, whole and streamed, and embeddings', async () => {
    const whole = await openAi().responses.create({ ...gpt, input: 'Hello there' })
    expect([whole.output_text, whole.usage?.output_tokens]).toStrictEqual(['You said: Hello there', 4])
    let text = ''
    for await (const event of await openAi().responses.create({ ...gpt, input: 'Hello there', stream: true })) {
      if (event.type === 'response.output_text.delta') text += event.delta
    }
    expect(text).toBe('You said: Hello there')
    const { data, usage } = await openAi().embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'] })
    expect([data.length, data[0]?.embedding.length, usage.prompt_tokens]).toStrictEqual([2, 8, 2])
    expect(data[0]?.embedding).not.toStrictEqual(data[1]?.embedding)
  })
})

describe('Anthropic’s library', () => {
  it('gets the same answer to the same question, with its usage', async () => {
    const ask = () => anthropic().messages.create({ ...claude, messages: user('Hello there') })
    const [one, other] = [await ask(), await ask()]
    expect(one).toStrictEqual(other)
    expect(one).toMatchObject({ content: [{ type: 'text', text: 'You said: Hello there' }], stop_reason: 'end_turn' })
    expect(one.usage).toMatchObject({ input_tokens: 5, output_tokens: 4 })
    const counted = await anthropic().messages.countTokens({ model: claude.model, messages: user('Hello there') })
    expect(counted.input_tokens).toBe(5)
  })

  it('gets a stream of the same', async () => {
    const stream = anthropic().messages.stream({ ...claude, messages: user('[[words 50]]') })
    const final = await stream.finalMessage()
    expect(await stream.finalText()).toMatch(/^word( word){49}$/)
    expect(final.usage).toMatchObject({ output_tokens: 50 })
  })

  it('gets tool calls, whole and streamed, with and without arguments', async () => {
    const messages = user('Please call weather [[arguments {"city":"Bonn","days":12}]]')
    const whole = await anthropic().messages.create({ ...claude, messages, tools: claudeTools })
    expect(whole).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', name: 'weather', input: { city: 'Bonn', days: 12 } }],
    })
    const streamed = await anthropic()
      .messages.stream({ ...claude, messages, tools: claudeTools })
      .finalMessage()
    expect(streamed.content).toMatchObject([{ type: 'tool_use', input: { city: 'Bonn', days: 12 } }])
    simulator.order({ rules: [{ answer: { toolCalls: [{ name: 'weather', arguments: '{}' }] } }] })
    const empty = await anthropic()
      .messages.stream({ ...claude, messages, tools: claudeTools })
      .finalMessage()
    expect(empty.content).toMatchObject([{ type: 'tool_use', input: {} }])
    const loose = [...messages, { role: 'assistant' as const, content: whole.content }, ...user('And?')]
    expect(await refusal(anthropic().messages.create({ ...claude, messages: loose }))).toMatchObject({ status: 400 })
  })

  it('gets its system prompt written into the cache and read from it', async () => {
    const block = (ttl?: '1h') => [
      { type: 'text' as const, text: `${ttl} ${'a'.repeat(395)}`, cache_control: { type: 'ephemeral' as const, ttl } },
    ]
    const usage = async (ttl?: '1h') =>
      (await anthropic().messages.create({ ...claude, system: block(ttl), messages: user('Hi') })).usage
    expect(await usage('1h')).toMatchObject({
      cache_creation: { ephemeral_1h_input_tokens: 100, ephemeral_5m_input_tokens: 0 },
    })
    expect(await usage('1h')).toMatchObject({ cache_read_input_tokens: 100, cache_creation_input_tokens: 0 })
    expect(await usage()).toMatchObject({ cache_creation: { ephemeral_5m_input_tokens: expect.any(Number) } })
  })

  it('gets a text of a message written into the cache and read from it', async () => {
    const content = [{ type: 'text' as const, text: 'b'.repeat(400), cache_control: { type: 'ephemeral' as const } }]
    const usage = async () =>
      (await anthropic().messages.create({ ...claude, messages: [{ role: 'user', content }] })).usage
    expect(await usage()).toMatchObject({ cache_creation: { ephemeral_5m_input_tokens: 100 } })
    expect(await usage()).toMatchObject({ cache_read_input_tokens: 100, cache_creation_input_tokens: 0 })
  })

  it('sees errors in a stream and before it', async () => {
    simulator.order({
      rules: [{ match: { nth: 2 }, fault: { errorEvent: { afterFrames: 4 } } }, { fault: { status: 529 } }],
    })
    expect(await refusal(anthropic().messages.create({ ...claude, messages: user('Hi') }))).toMatchObject({
      status: 529,
    })
    expect(
      String(
        await refusal(
          anthropic()
            .messages.stream({ ...claude, messages: user('Hi') })
            .finalMessage(),
        ),
      ),
    ).toContain('told to fail')
  })
})

describe('a fault', () => {
  const stream = { ...gpt, messages: user('[[words 20]]'), stream: true as const }
  async function raw(body: object): Promise<{ text: string; failed: boolean }> {
    let text = ''
    try {
      const answer = await request(`${simulator.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      for await (const piece of answer.body) text += piece
      return { text, failed: false }
    } catch {
      return { text, failed: true }
    }
  }
  const framesIn = (text: string) => text.split('\n\n').length - 1

  it('befalls the calls that it names, as often as it says', async () => {
    simulator.order({
      rules: [
        { match: { model: 'other' }, fault: { status: 503 } },
        { match: { key: 'k', nth: 2 }, times: 1, fault: { status: 418 } },
      ],
    })
    for (let times = 0; times < 3; times++) await raw(stream)
    expect(simulator.log().map(({ status }) => status)).toStrictEqual([200, 418, 200])
  })

  it('cuts, breaks, resets and empties streams', async () => {
    const ordered = async (fault: object) => {
      simulator.order({ reset: true, rules: [{ fault }] })
      const { text, failed } = await raw(stream)
      return [framesIn(text), failed, simulator.log()[0]?.outcome]
    }
    expect(await ordered({})).toStrictEqual([23, false, 'complete'])
    expect(await ordered({ cut: {} })).toStrictEqual([0, false, 'cut'])
    expect(await ordered({ cut: { afterFrames: 3 } })).toStrictEqual([3, false, 'cut'])
    expect(await ordered({ cut: { afterFrames: 99 } })).toStrictEqual([22, false, 'cut'])
    expect(await ordered({ reset: { afterFrames: 3 } })).toStrictEqual([3, true, 'reset'])
    expect(await ordered({ reset: {} })).toStrictEqual([0, true, 'reset'])
    expect(await ordered({ brokenJson: { afterFrames: 3 } })).toStrictEqual([4, false, 'broken'])
    expect(await ordered({ empty: true })).toStrictEqual([0, false, 'empty'])
    expect(await ordered({ pieceBytes: 3 })).toStrictEqual([23, false, 'complete'])
    expect(await ordered({ pieceBytes: 900, pieceDelayMs: 1 })).toStrictEqual([23, false, 'complete'])
  })

  it('leaves usage out or makes it up, and damages whole answers', async () => {
    const whole = { ...gpt, messages: user('Hi') }
    simulator.order({
      rules: [
        { times: 1, fault: { usage: 'missing' } },
        { times: 1, fault: { usage: { completion_tokens: 0 } } },
        { times: 1, fault: { brokenJson: {} } },
        { times: 1, fault: { reset: { afterFrames: 1 } } },
      ],
    })
    expect(JSON.parse((await raw(whole)).text).usage).toBeUndefined()
    expect(JSON.parse((await raw(whole)).text).usage).toMatchObject({
      completion_tokens: 0,
      prompt_tokens: expect.any(Number),
    })
    const broken = await raw(whole)
    expect(() => JSON.parse(broken.text)).toThrow(SyntaxError)
    expect((await raw(whole)).failed).toBe(true)
  })

  it('holds an answer back until the client leaves', async () => {
    simulator.order({ rules: [{ fault: { hang: true } }] })
    const leaving = new AbortController()
    const pending = refusal(
      openAi().chat.completions.create({ ...gpt, messages: user('Hi') }, { signal: leaving.signal }),
    )
    await vi.waitFor(() => expect(simulator.log()).toHaveLength(1))
    leaving.abort()
    expect(await pending).toBeInstanceOf(OpenAI.APIUserAbortError)
    await vi.waitFor(() => expect(simulator.log()[0]).toMatchObject({ status: 0, outcome: 'hung' }))
  })

  it('is ordered over HTTP too, and an order that makes no sense is refused', async () => {
    const post = (body: string) => request(`${simulator.url}/control`, { method: 'POST', body })
    expect((await post('{"reset":true,"rules":[{"fault":{"status":502}}]}')).statusCode).toBe(200)
    await raw(stream)
    const { body } = await request(`${simulator.url}/log`)
    expect(await body.json()).toMatchObject({
      total: 1,
      data: [{ status: 502, outcome: 'error', stream: true, model: 'gpt-5' }],
    })
    for (const wrong of ['{', '[]', '{"rules":[{"fault":{"typo":1}}]}'])
      expect((await post(wrong)).statusCode).toBe(400)
    expect((await request(`${simulator.url}/v1/nothing`)).statusCode).toBe(404)
  })

  it('is ordered by no other user of this machine, nor shows it what was asked', async () => {
    const statusOf = async (method: 'GET' | 'POST', path: string) => {
      const { statusCode, body } = await request(`${simulator.url}${path}`, {
        method,
        ...(method === 'POST' && { body: '{}' }),
      })
      await body.dump()
      return statusCode
    }
    const all = async () => [await statusOf('GET', '/log'), await statusOf('POST', '/control')]
    expect(await all()).toStrictEqual([200, 200])
    // Whoever asks is another one as soon as the simulator's user is.
    const { getuid } = process
    vi.spyOn(process, 'getuid').mockImplementation(() => (getuid?.() ?? 0) + 1)
    const status = process.platform === 'linux' ? 403 : 200
    expect(await all()).toStrictEqual([status, status])
    vi.restoreAllMocks()
  })
})
