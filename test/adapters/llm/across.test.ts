/** Conversations with tools that go to a provider of the other format, which refuses what it would not take from its own clients. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readAnswer, translatedAnswer } from '../../../src/adapters/llm/answer-translation.ts'
import { type Format, scanCallNow } from '../../../src/adapters/llm/call-scan.ts'
import { createProviderClient, type ProviderClient } from '../../../src/adapters/llm/provider-client.ts'
import { providerHeaders, providerUrl } from '../../../src/adapters/llm/provider-headers.ts'
import { requestToAnthropic } from '../../../src/adapters/llm/request-to-anthropic.ts'
import { requestToOpenAi } from '../../../src/adapters/llm/request-to-openai.ts'
import { StreamRelay } from '../../../src/adapters/llm/stream-relay.ts'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'

let simulator: LlmSimulator
let client: ProviderClient
beforeAll(async () => {
  simulator = await startLlmSimulator()
  client = createProviderClient({ vet: async () => ['127.0.0.1'] })
})
afterAll(async () => {
  await client.close()
  await simulator.close()
})
beforeEach(() => simulator.order({ reset: true }))

const BIG = '{"n":9007199254740993,"x":1.0}'

/** Sends a request of a client of `to` to a provider of the other format; the answer as the client gets it. */
async function served(to: Format, body: object): Promise<string> {
  const from = to === 'openai' ? 'anthropic' : 'openai'
  const scan = scanCallNow(Buffer.from(JSON.stringify(body)), to)
  const translate = from === 'anthropic' ? requestToAnthropic : requestToOpenAi
  const call = client.call({
    url: providerUrl(from, from === 'openai' ? `${simulator.url}/v1` : simulator.url),
    headers: providerHeaders(from, 'sk', {}),
    body: translate(scan, { model: 'served' }),
    ...{ connectTimeoutMs: 5_000, timeoutMs: 20_000 },
  })
  const answer = await call.answer
  if (answer.status !== 200) return (await answer.body.whole(100_000)).toString()
  if (!scan.isStream) {
    const read = await readAnswer(from, await answer.body.whole(100_000))
    return (await translatedAnswer(to, read, 'served', 0)).toString()
  }
  const relay = new StreamRelay({ from, to, wantsUsage: scan.wantsUsage, model: 'served', createdS: 0 })
  const out: Buffer[] = []
  for await (const piece of answer.body) out.push(...relay.push(piece))
  relay.end()
  return Buffer.concat(out).toString()
}

const framesOf = (stream: string): string[] => stream.match(/(?<=^data: )\{.*$/gm) ?? []

describe('a client of OpenAI', () => {
  const tools = ['add', 'now'].map((name) => ({
    type: 'function',
    function: { name, parameters: { type: 'object', properties: {} } },
  }))
  const asked = { role: 'user', content: 'Please call add and call now' }
  const order = {
    rules: [
      {
        answer: {
          toolCalls: [
            { name: 'add', arguments: BIG },
            { name: 'now', arguments: '{}' },
          ],
        },
      },
    ],
  }
  interface Call {
    index?: number
    id: string
    function: { name: string; arguments: string }
  }

  it('gets calls of tools whole, and an answer to their results', async () => {
    simulator.order(order)
    const first = JSON.parse(await served('openai', { messages: [asked], tools }))
    const { message, finish_reason } = first.choices[0]
    const calls: Call[] = message.tool_calls
    expect([finish_reason, calls.map((call) => call.function.arguments)]).toStrictEqual(['tool_calls', [BIG, '{}']])
    simulator.order({ reset: true })
    const results = calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'done' }))
    const messages = [
      { role: 'system', content: 'Be brief.' },
      asked,
      message,
      ...results,
      { role: 'user', content: 'Thanks' },
    ]
    const second = JSON.parse(await served('openai', { messages, tools }))
    expect(second.choices[0]).toMatchObject({ finish_reason: 'stop', message: { role: 'assistant' } })
    expect(simulator.log()[0]?.body).toContain(BIG)
  })

  it('gets calls of tools in a stream', async () => {
    simulator.order(order)
    const stream = await served('openai', {
      messages: [asked],
      tools,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = framesOf(stream).map((frame) => JSON.parse(frame))
    const pieces: Call[] = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? [])
    const text = (index: number) =>
      pieces
        .filter((piece) => piece.index === index)
        .map((piece) => piece.function.arguments)
        .join('')
    expect([text(0), text(1)]).toStrictEqual([BIG, '{}'])
    expect(pieces.filter(({ id }) => id !== undefined).map((piece) => piece.function.name)).toStrictEqual([
      'add',
      'now',
    ])
    expect(chunks.at(-1).usage.completion_tokens).toBeGreaterThan(0)
    expect(stream.endsWith('data: [DONE]\n\n')).toBe(true)
  })
})

describe('a client of Anthropic', () => {
  const tools = ['add', 'now'].map((name) => ({ name, input_schema: { type: 'object', properties: {} } }))
  const asked = { role: 'user', content: 'Please call add and call now' }
  const answer = {
    toolCalls: [
      { name: 'add', arguments: BIG },
      { name: 'now', arguments: '' },
    ],
  }
  const ask = { max_tokens: 100, tools }

  it('gets calls of tools whole, and an answer to their results', async () => {
    simulator.order({ rules: [{ answer }] })
    const text = await served('anthropic', { ...ask, messages: [asked] })
    expect(text).toContain(`"input":${BIG}`)
    const first = JSON.parse(text)
    expect(first).toMatchObject({ stop_reason: 'tool_use', content: [{ name: 'add' }, { name: 'now', input: {} }] })
    simulator.order({ reset: true })
    const results = first.content.map(({ id }: { id: string }) => ({
      type: 'tool_result',
      tool_use_id: id,
      content: 'done',
    }))
    const turn = { role: 'user', content: [{ type: 'text', text: 'Thanks' }, ...results] }
    const messages = [asked, { role: 'assistant', content: first.content }, turn]
    const second = JSON.parse(await served('anthropic', { ...ask, system: 'Be brief.', messages }))
    expect(second).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text', text: 'You said: Thanks' }] })
  })

  it.each([false, true])('gets calls of tools in a stream (their pieces in turn: %s)', async (interleaved) => {
    simulator.order({ rules: [{ answer: { ...answer, interleaved } }] })
    const events = framesOf(await served('anthropic', { ...ask, messages: [asked], stream: true })).map((frame) =>
      JSON.parse(frame),
    )
    const of = (type: string) => events.filter((event) => event.type === type)
    const text = (index: number) =>
      of('content_block_delta')
        .filter((event) => event.index === index)
        .map(({ delta }) => delta.partial_json)
        .join('')
    expect([text(0), text(1)]).toStrictEqual([BIG, ''])
    expect(of('content_block_start').map(({ content_block }) => content_block.name)).toStrictEqual(['add', 'now'])
    expect(of('message_delta')[0]).toMatchObject({
      delta: { stop_reason: 'tool_use' },
      usage: { output_tokens: expect.any(Number) },
    })
    expect(events.at(-1)).toStrictEqual({ type: 'message_stop' })
  })
})
