/** Streams in the format that they came in: unchanged, held until there is content, and never ended as if they were complete. */
import { describe, expect, it } from 'vitest'
import type { Format } from '../../../src/adapters/llm/call-scan.ts'
import { BrokenStream, FrameSplitter } from '../../../src/adapters/llm/frames.ts'
import { type RelayOptions, StreamRelay } from '../../../src/adapters/llm/stream-relay.ts'

const data = (value: unknown) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`
const event = (value: { type: string }) => `event: ${value.type}\n${data(value)}`
const chunk = (delta: object, finish_reason: string | null = null) =>
  data({ id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })

const openAi = {
  role: chunk({ role: 'assistant', content: '' }),
  text: chunk({ content: 'Grüße 😀' }),
  finish: chunk({}, 'stop'),
  usage: data({
    choices: [],
    usage: { prompt_tokens: 10, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 8 } },
  }),
  done: data('[DONE]'),
}
const anthropic = {
  start: event({
    type: 'message_start',
    message: { id: 'msg_1', usage: { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 } },
  } as { type: string }),
  ping: event({ type: 'ping' }),
  block: event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as {
    type: string
  }),
  text: event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Grüße' } } as {
    type: string
  }),
  stop: event({ type: 'content_block_stop', index: 0 } as { type: string }),
  delta: event({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 4 } } as {
    type: string
  }),
  end: event({ type: 'message_stop' }),
}

const relayFor = (format: Format, options: Partial<RelayOptions> = {}) =>
  new StreamRelay({ from: format, to: format, wantsUsage: false, model: 'm', createdS: 0, ...options })
const text = (buffers: readonly Buffer[]) => Buffer.concat(buffers).toString()

describe('a splitter', () => {
  const frames = [
    'data: a\n\n',
    'event: x\r\ndata: ü😀\r\n\r\n',
    ': comment\n\n',
    'data: 1\ndata:2\n\n',
    'data\n\r\n',
    'data: b\r\n\n',
    'data:c\n\n',
    'data: \n\n',
  ]
  const whole = Buffer.from(frames.join(''))

  it('finds the same frames wherever the bytes are cut', () => {
    const found = new FrameSplitter().push(whole)
    expect(found.map(({ bytes }) => bytes.toString())).toStrictEqual(frames)
    expect(found.map(({ event: name, data: value }) => [name, value])).toStrictEqual([
      ...[
        [undefined, 'a'],
        ['x', 'ü😀'],
        [undefined, undefined],
        [undefined, '1\n2'],
        [undefined, undefined],
        [undefined, 'b'],
        [undefined, 'c'],
        [undefined, ''],
      ],
    ])
    for (let one = 0; one <= whole.length; one++) {
      for (const other of [one, one + 1, one + 5]) {
        const splitter = new FrameSplitter()
        const pieces = [whole.subarray(0, one), whole.subarray(one, other), whole.subarray(other)]
        expect(pieces.flatMap((piece) => splitter.push(piece))).toStrictEqual(found)
        expect(splitter.isInFrame).toBe(false)
      }
    }
  })

  it('takes a stream byte by byte', () => {
    const splitter = new FrameSplitter()
    const found = [...whole].flatMap((byte) => splitter.push(Buffer.from([byte])))
    expect(found.map(({ bytes }) => bytes.toString())).toStrictEqual(frames)
  })

  it('refuses a frame that is too long, in one piece or in many', () => {
    expect(() => new FrameSplitter(100).push(Buffer.alloc(101, 'a'))).toThrow(BrokenStream)
    const splitter = new FrameSplitter(100)
    expect(splitter.push(Buffer.from(`data: ${'a'.repeat(90)}\n\n`))).toHaveLength(1)
    splitter.push(Buffer.alloc(60, 'a'))
    expect(() => splitter.push(Buffer.alloc(60, 'a'))).toThrow(/more than 100 bytes/)
  })
})

describe('a stream of OpenAI', () => {
  it('goes through as it came, but for the usage that the client did not ask for', () => {
    const all = Object.values(openAi).join('')
    for (let at = 0; at <= Buffer.byteLength(all); at++) {
      const relay = relayFor('openai')
      const bytes = Buffer.from(all)
      const out = text([...relay.push(bytes.subarray(0, at)), ...relay.push(bytes.subarray(at))])
      relay.end()
      expect(out).toBe(openAi.role + openAi.text + openAi.finish + openAi.done)
      expect(relay.reader.usage).toMatchObject({ input: 2, cacheRead: 8, output: 4 })
      expect(relay).toMatchObject({ isComplete: true, hasContent: true })
    }
    expect(text(relayFor('openai', { wantsUsage: true }).push(Buffer.from(all)))).toBe(all)
  })

  it('is held until there is content', () => {
    const relay = relayFor('openai')
    expect(relay.push(Buffer.from(`: ping\n\n${openAi.role}`))).toStrictEqual([])
    expect(relay.hasContent).toBe(false)
    expect(text(relay.push(Buffer.from(openAi.text)))).toBe(`: ping\n\n${openAi.role}${openAi.text}`)
    expect([relay.hasContent, relay.reader.deliveredBytes]).toStrictEqual([true, Buffer.byteLength('Grüße 😀')])
  })

  it('has content in tool calls, refusals and reasoning too', () => {
    const call = { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '' } }] }
    for (const delta of [call, { refusal: 'no' }, { reasoning_content: 'hm' }]) {
      const relay = relayFor('openai')
      relay.push(Buffer.from(chunk(delta)))
      expect(relay.hasContent).toBe(true)
    }
  })

  it('may end without content where it says why', () => {
    const relay = relayFor('openai')
    expect(text(relay.push(Buffer.from(openAi.role + openAi.finish + openAi.done)))).toContain('[DONE]')
    relay.end()
    expect(relay).toMatchObject({ hasContent: false, isComplete: true })
  })

  it('takes nothing after its end', () => {
    const relay = relayFor('openai')
    relay.push(Buffer.from(openAi.text + openAi.done))
    expect(relay.push(Buffer.from(openAi.text))).toStrictEqual([])
  })
})

describe('a stream of Anthropic', () => {
  it('goes through as it came, and its usage is that of its last words', () => {
    const all = Object.values(anthropic).join('')
    const relay = relayFor('anthropic')
    expect(relay.push(Buffer.from(anthropic.start + anthropic.ping + anthropic.block))).toStrictEqual([])
    const rest = anthropic.text + anthropic.stop + anthropic.delta + anthropic.end
    expect(text(relay.push(Buffer.from(rest)))).toBe(all)
    relay.end()
    expect(relay.reader).toMatchObject({ usage: { input: 10, cacheRead: 5, output: 4 }, finishReason: 'end_turn' })
  })

  it('has content in a tool’s name', () => {
    const relay = relayFor('anthropic')
    const content_block = { type: 'tool_use', id: 't', name: 'f', input: {} }
    relay.push(Buffer.from(event({ type: 'content_block_start', index: 0, content_block } as { type: string })))
    expect(relay.hasContent).toBe(true)
  })
})

describe('a stream whose last frame has no blank line behind it', () => {
  it.each<[Format, string]>([
    ['openai', openAi.text + openAi.finish + openAi.done],
    ['anthropic', anthropic.text + anthropic.delta + anthropic.end],
  ])('is complete, and has one for its client (%s)', (format, stream) => {
    for (const end of [2, 1]) {
      const relay = relayFor(format)
      const out = [...relay.push(Buffer.from(stream.slice(0, -end))), ...relay.end()]
      expect(relay.isComplete).toBe(true)
      expect(text(out).replace(/\n+$/, '\n\n')).toBe(stream)
    }
  })

  it('is none where the frame itself was cut', () => {
    const relay = relayFor('anthropic')
    relay.push(Buffer.from(anthropic.text + anthropic.delta + anthropic.end.slice(0, -4)))
    expect(() => relay.end()).toThrow(/before it was complete/)
  })
})

describe('a stream that breaks', () => {
  const failure = (relay: StreamRelay, ...pieces: string[]) => {
    try {
      for (const piece of pieces) relay.push(Buffer.from(piece))
      relay.end()
    } catch (error) {
      if (error instanceof BrokenStream) return [relay.kindOf(error), error.message, error.status]
      throw error
    }
    return 'none'
  }
  const error = data({ error: { message: 'overloaded', type: 'server_error', code: 503 } })
  const errorEvent = event({ type: 'error', error: { type: 'overloaded_error', message: 'later' } } as { type: string })

  it.each<[string, Format, string, string, number | undefined]>([
    ['with nothing in it', 'openai', '', 'empty_stream', undefined],
    ['with its end alone', 'openai', openAi.done, 'empty_stream', undefined],
    ['after a frame without content', 'openai', openAi.role, 'first_events_error', undefined],
    ['by the provider’s word', 'openai', error, 'first_events_error', 503],
    ['by an event', 'anthropic', anthropic.start + errorEvent, 'first_events_error', 529],
    ['with what is no JSON', 'openai', 'data: {"a\n\n', 'stream_processing_error', undefined],
    ['with JSON that is no object', 'anthropic', 'data: 7\n\n', 'stream_processing_error', undefined],
    ['after content', 'openai', openAi.text, 'mid_stream_error', undefined],
    ['after content and its reason', 'openai', openAi.text + openAi.finish, 'mid_stream_error', undefined],
    ['in the middle of a frame', 'openai', openAi.text + openAi.finish.slice(0, 9), 'mid_stream_error', undefined],
    ['with an event after content', 'anthropic', anthropic.text + errorEvent, 'mid_stream_error', 529],
    ['before message_stop', 'anthropic', anthropic.text + anthropic.delta, 'mid_stream_error', undefined],
  ])('%s (%s) is known as what it is', (_what, format, stream, kind, status) => {
    // Frame by frame, as they reach the client.
    const pieces = stream.split(/(?<=\n\n)/)
    expect(failure(relayFor(format), ...pieces)).toStrictEqual([kind, expect.any(String), status])
  })

  it('in the very piece that brings its first content can still be replaced', () => {
    const relay = relayFor('openai')
    expect(failure(relay, openAi.role + openAi.text + error)).toStrictEqual(['first_events_error', 'overloaded', 503])
    expect(relay.hasContent).toBe(false)
  })

  it('hands out what came before the break, and then says that it broke', () => {
    const relay = relayFor('openai')
    relay.push(Buffer.from(openAi.text))
    expect([text(relay.push(Buffer.from(openAi.text + error + openAi.text))), relay.isBroken]).toStrictEqual([
      openAi.text,
      true,
    ])
    expect(() => relay.push(Buffer.from(openAi.text))).toThrow('overloaded')
    expect(failure(relay)).toStrictEqual(['mid_stream_error', 'overloaded', 503])
  })

  it('ends for the client with an error in its format', () => {
    expect(relayFor('openai').brokenFrame('gone').toString()).toBe(
      'data: {"error":{"message":"gone","type":"server_error","param":null,"code":"mid_stream_error"}}\n\n',
    )
    expect(relayFor('anthropic').brokenFrame('gone').toString()).toBe(
      'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"gone"}}\n\n',
    )
  })

  it('does not keep what has no content for ever', () => {
    const relay = relayFor('openai')
    const comment = Buffer.from(`: ${'a'.repeat(100_000)}\n\n`)
    expect(() => {
      for (let times = 0; times < 20; times++) relay.push(comment)
    }).toThrow(/no content for too long/)
  })
})
