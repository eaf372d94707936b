/** Streams of one format in the other, as golden texts, and the same wherever the provider's bytes are cut. */
import { describe, expect, it } from 'vitest'
import type { Format } from '../../../src/adapters/llm/call-scan.ts'
import { StreamRelay } from '../../../src/adapters/llm/stream-relay.ts'

const relayed = (from: Format, pieces: readonly Buffer[], wantsUsage = true): string => {
  const to = from === 'openai' ? 'anthropic' : 'openai'
  const relay = new StreamRelay({ from, to, wantsUsage, model: 'served', createdS: 1_800_000_000 })
  const out = pieces.flatMap((piece) => relay.push(piece))
  relay.end()
  return Buffer.concat(out).toString()
}
/** The client's stream, which has to be the same with a cut at each byte. */
function translated(from: Format, stream: string, wantsUsage = true): string {
  const bytes = Buffer.from(stream)
  const whole = relayed(from, [bytes], wantsUsage)
  const others = new Set<string>()
  for (let at = 1; at < bytes.length; at++) {
    others.add(relayed(from, [bytes.subarray(0, at), bytes.subarray(at)], wantsUsage))
  }
  expect([...others]).toStrictEqual([whole])
  return whole
}
const lines = (...parts: string[]) => parts.map((part) => `${part}\n\n`).join('')
const anthropicEvents = (...events: object[]) =>
  lines(...events.map((event) => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}`))
const openAiChunks = (...chunks: object[]) =>
  lines(...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}`), 'data: [DONE]')

describe('Anthropic’s stream for a client of OpenAI', () => {
  const start = {
    type: 'message_start',
    message: {
      id: 'msg_1a',
      role: 'assistant',
      usage: { input_tokens: 9, cache_read_input_tokens: 3, output_tokens: 1 },
    },
  }
  const block = (index: number, content_block: object) => ({ type: 'content_block_start', index, content_block })
  const delta = (index: number, value: object) => ({ type: 'content_block_delta', index, delta: value })
  const stop = (index: number) => ({ type: 'content_block_stop', index })
  const end = (stop_reason: string) => [
    { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 7 } },
    { type: 'message_stop' },
  ]
  const tool = (id: string, name: string, input: object = {}) => ({ type: 'tool_use', id, name, input })
  const json = (partial_json: string) => ({ type: 'input_json_delta', partial_json })
  const head = '"id":"chatcmpl-1a","object":"chat.completion.chunk","created":1800000000,"model":"served"'
  const out = (deltaText: string, finish = 'null') =>
    `data: {${head},"choices":[{"index":0,"delta":${deltaText},"logprobs":null,"finish_reason":${finish}}]}`
  const role = out('{"role":"assistant","content":"","refusal":null}')

  it('brings text, and usage where it is asked for', () => {
    const stream = anthropicEvents(
      start,
      { type: 'ping' },
      block(0, { type: 'text', text: '' }),
      delta(0, { type: 'text_delta', text: 'Grüße "😀"\n' }),
      delta(0, { type: 'text_delta', text: 'zurück' }),
      ...[stop(0), ...end('end_turn')],
    )
    const body = [role, out('{"content":"Grüße \\"😀\\"\\n"}'), out('{"content":"zurück"}'), out('{}', '"stop"')]
    const usage =
      '"usage":{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19,"prompt_tokens_details":{"cached_tokens":3}}'
    expect(translated('anthropic', stream)).toBe(
      lines(...body, `data: {${head},"choices":[],${usage}}`, 'data: [DONE]'),
    )
    expect(translated('anthropic', stream, false)).toBe(lines(...body, 'data: [DONE]'))
  })

  it('brings tool calls, counted from 0 behind a text, their arguments piece by piece as they are', () => {
    const stream = anthropicEvents(
      start,
      ...[block(0, { type: 'text', text: '' }), delta(0, { type: 'text_delta', text: 'Let me see' }), stop(0)],
      ...[
        block(1, tool('toolu_a', 'add')),
        delta(1, json('')),
        delta(1, json('{"n": 9007199254740993')),
        delta(1, json('.50}')),
        stop(1),
      ],
      ...[block(2, tool('toolu_b', 'now')), delta(2, json('')), stop(2)],
      ...end('tool_use'),
    )
    const call = (index: number, members: string) => out(`{"tool_calls":[{"index":${index},${members}}]}`)
    expect(translated('anthropic', stream, false)).toBe(
      lines(
        ...[role, out('{"content":"Let me see"}')],
        call(0, '"id":"toolu_a","type":"function","function":{"name":"add","arguments":""}'),
        call(0, '"function":{"arguments":"{\\"n\\": 9007199254740993"}'),
        call(0, '"function":{"arguments":".50}"}'),
        call(1, '"id":"toolu_b","type":"function","function":{"name":"now","arguments":""}'),
        call(1, '"function":{"arguments":"{}"}'),
        ...[out('{}', '"tool_calls"'), 'data: [DONE]'],
      ),
    )
  })

  it('keeps the digits of an input that comes whole', () => {
    const whole =
      'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{"n":1.0,"big":9007199254740993}}}\n\n'
    const stream = anthropicEvents(start) + whole + anthropicEvents(stop(0), ...end('tool_use'))
    expect(translated('anthropic', stream)).toContain('{"arguments":"{\\"n\\":1.0,\\"big\\":9007199254740993}"}')
  })

  it('keeps calls apart whose pieces come in turn', () => {
    const stream = anthropicEvents(
      ...[start, block(0, tool('toolu_a', 'add')), block(1, tool('toolu_b', 'now')), block(2, tool('toolu_c', 'sub'))],
      ...[delta(0, json('{"a":')), delta(2, json('{"c":')), delta(0, json('1}')), delta(2, json('3}'))],
      ...[stop(0), stop(1), stop(2), ...end('tool_use')],
    )
    const pieces = [
      ...translated('anthropic', stream).matchAll(/"index":(\d),"function":\{"arguments":("[^}]*\}?")\}/g),
    ]
    expect(pieces.map(([, index, text]) => [index, JSON.parse(text!)])).toStrictEqual([
      ['0', '{"a":'],
      ['2', '{"c":'],
      ['0', '1}'],
      ['2', '3}'],
      ['1', '{}'],
    ])
  })

  it.each<[string, object, object, string]>([
    ['text', { type: 'text', text: '' }, { type: 'text_delta', text: 'Hi' }, 'stop'],
    ['a tool call', tool('t', 'f'), json('{}'), 'tool_calls'],
  ])('of %s that ends without a reason has one for the client', (_what, begun, more, finish) => {
    const stream = anthropicEvents(start, block(0, begun), delta(0, more), stop(0), { type: 'message_stop' })
    expect(translated('anthropic', stream, false).endsWith(lines(out('{}', `"${finish}"`), 'data: [DONE]'))).toBe(true)
  })

  it.each([
    ['max_tokens', 'length'],
    ['stop_sequence', 'stop'],
    ['refusal', 'content_filter'],
    ['pause_turn', 'stop'],
  ])('says %s as %s', (reason, finish) => {
    expect(translated('anthropic', anthropicEvents(start, ...end(reason)))).toContain(`"finish_reason":"${finish}"`)
  })
})

describe('OpenAI’s stream for a client of Anthropic', () => {
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    id: 'chatcmpl-1a',
    choices: [{ index: 0, delta, finish_reason }],
  })
  const role = chunk({ role: 'assistant', content: '' })
  const usage = {
    choices: [],
    usage: { prompt_tokens: 12, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 3 } },
  }
  const open = (index: number, id: string, name: string, text = '') =>
    chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: text } }] })
  const more = (index: number, text: string) => chunk({ tool_calls: [{ index, function: { arguments: text } }] })
  const out = (type: string, members: string) => `event: ${type}\ndata: {"type":"${type}"${members && ','}${members}}`
  const start = out(
    'message_start',
    '"message":{"id":"msg_1a","type":"message","role":"assistant","model":"served","content":[],"stop_reason":null,"stop_sequence":null,' +
      '"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}',
  )
  const textBlock = (index: number, ...texts: string[]) => [
    out('content_block_start', `"index":${index},"content_block":{"type":"text","text":""}`),
    ...texts.map((text) =>
      out('content_block_delta', `"index":${index},"delta":{"type":"text_delta","text":${JSON.stringify(text)}}`),
    ),
    out('content_block_stop', `"index":${index}`),
  ]
  const toolBlock = (index: number, id: string, name: string, ...pieces: string[]) => [
    out(
      'content_block_start',
      `"index":${index},"content_block":{"type":"tool_use","id":"${id}","name":"${name}","input":{}}`,
    ),
    ...pieces.map((piece) =>
      out(
        'content_block_delta',
        `"index":${index},"delta":{"type":"input_json_delta","partial_json":${JSON.stringify(piece)}}`,
      ),
    ),
    out('content_block_stop', `"index":${index}`),
  ]
  const end = (reason: string) => [
    out(
      'message_delta',
      `"delta":{"stop_reason":"${reason}","stop_sequence":null},"usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":3,"output_tokens":7}`,
    ),
    out('message_stop', ''),
  ]

  it('brings text in one block, and usage at the end', () => {
    const stream = openAiChunks(
      role,
      chunk({ content: 'Grüße 😀' }),
      chunk({ content: ' zurück' }),
      chunk({}, 'stop'),
      usage,
    )
    expect(translated('openai', stream)).toBe(lines(start, ...textBlock(0, 'Grüße 😀', ' zurück'), ...end('end_turn')))
  })

  it('brings tool calls as blocks in their order, their arguments as they are', () => {
    const stream = openAiChunks(
      ...[
        role,
        chunk({ content: 'Let me see' }),
        open(0, 'call_a', 'add'),
        more(0, '{"n": 90071'),
        more(0, '99254740993}'),
      ],
      ...[open(1, 'call_b', 'now'), open(2, 'call_c', 'sub', '{"a":1.0}'), chunk({}, 'tool_calls'), usage],
    )
    expect(translated('openai', stream)).toBe(
      lines(
        ...[start, ...textBlock(0, 'Let me see')],
        ...toolBlock(1, 'call_a', 'add', '{"n": 90071', '99254740993}'),
        ...toolBlock(2, 'call_b', 'now', ''),
        ...toolBlock(3, 'call_c', 'sub', '{"a":1.0}'),
        ...end('tool_use'),
      ),
    )
  })

  it('keeps calls apart whose pieces come in turn', () => {
    const stream = openAiChunks(
      ...[
        role,
        open(0, 'call_a', 'add'),
        open(1, 'call_b', 'sub'),
        more(0, '{"a":'),
        more(1, '{"b":'),
        more(0, '1}'),
        more(1, '2}'),
      ],
      ...[chunk({}, 'tool_calls'), usage],
    )
    expect(translated('openai', stream)).toBe(
      lines(
        start,
        ...toolBlock(0, 'call_a', 'add', '{"a":', '1}'),
        ...toolBlock(1, 'call_b', 'sub', '{"b":', '2}'),
        ...end('tool_use'),
      ),
    )
  })

  it('keeps calls apart of servers that number none of them and give them no ids', () => {
    const stream = openAiChunks(
      ...[role, open(0, '', 'now'), open(0, '', 'add', '{"a":1}'), open(0, '', 'add', '{"a":2}')],
      ...[open(0, '', 'add'), chunk({}, 'tool_calls'), usage],
    )
    expect(translated('openai', stream)).toBe(
      lines(
        ...[start, ...toolBlock(0, '', 'now', ''), ...toolBlock(1, '', 'add', '{"a":1}')],
        ...[...toolBlock(2, '', 'add', '{"a":2}'), ...end('tool_use')],
      ),
    )
  })

  it('waits for the name of a call', () => {
    const stream = openAiChunks(
      ...[role, open(0, 'call_a', '', '{"a":'), chunk({ tool_calls: [{ index: 0, function: { name: 'add' } }] })],
      ...[more(0, '1}'), chunk({}, 'tool_calls'), usage],
    )
    expect(translated('openai', stream)).toBe(
      lines(start, ...toolBlock(0, 'call_a', 'add', '{"a":', '1}'), ...end('tool_use')),
    )
  })

  it('takes arguments of blanks for none', () => {
    const stream = openAiChunks(role, open(0, 'call_a', 'now', ' '), more(0, '\n'), chunk({}, 'tool_calls'), usage)
    expect(translated('openai', stream)).toBe(lines(start, ...toolBlock(0, 'call_a', 'now', ''), ...end('tool_use')))
  })

  it('breaks at arguments that are no text, which would be lost', () => {
    const called = { name: 'add', arguments: { a: 1 } }
    const stream = openAiChunks(role, chunk({ tool_calls: [{ index: 0, id: 'call_a', function: called }] }))
    expect(() => translated('openai', stream)).toThrow('arguments of a tool call that are no text')
  })

  it.each([
    ['stop', 'tool_use'],
    ['length', 'max_tokens'],
    ['content_filter', 'refusal'],
  ])('says %s after a tool call as %s', (reason, stop) => {
    expect(translated('openai', openAiChunks(open(0, 'c', 'f'), chunk({}, reason), usage))).toContain(
      `"stop_reason":"${stop}"`,
    )
  })

  it('shows a refusal as text and says that it is one, and sends nothing of reasoning', () => {
    const stream = openAiChunks(
      role,
      chunk({ reasoning_content: 'hm' }),
      chunk({ refusal: 'I will not.' }),
      chunk({}, 'stop'),
      usage,
    )
    expect(translated('openai', stream)).toBe(lines(start, ...textBlock(0, 'I will not.'), ...end('refusal')))
  })
})
