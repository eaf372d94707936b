/** Requests, answers and errors of one format in the other, as golden texts; and what has no counterpart. */
import { describe, expect, it } from 'vitest'
import { readAnswer, translatedAnswer, UnreadableAnswer } from '../../../src/adapters/llm/answer-translation.ts'
import { type Format, scanCallNow, scanLimits } from '../../../src/adapters/llm/call-scan.ts'
import { cleanMessage, errorBody, failureOf, translatedError } from '../../../src/adapters/llm/error-shapes.ts'
import { requestToAnthropic } from '../../../src/adapters/llm/request-to-anthropic.ts'
import { requestToOpenAi } from '../../../src/adapters/llm/request-to-openai.ts'
import { Untranslatable } from '../../../src/adapters/llm/untranslatable.ts'

const scan = (body: unknown, format: Format) =>
  scanCallNow(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), format, {
    ...scanLimits,
    ownPrefix: 'x-gateway-',
  })
const toAnthropic = (body: unknown, options = {}) =>
  Buffer.concat(requestToAnthropic(scan(body, 'openai'), { model: 'claude', ...options })).toString()
const toOpenAi = (body: unknown, options = {}) =>
  Buffer.concat(requestToOpenAi(scan(body, 'anthropic'), { model: 'gpt', ...options })).toString()

const PIXEL = 'iVBORw0KGgo='

describe('a chat completion for Anthropic', () => {
  it('keeps everything that has a counterpart', () => {
    const source = `{
      "model": "gpt-5", "x-gateway-run-name": "nightly", "max_completion_tokens": 99, "temperature": 1.7, "top_p": 0.90, "n": 1,
      "stop": ["END", "\\u0041"], "stream": true, "stream_options": {"include_usage": true}, "user": "u-1", "store": true, "logprobs": false,
      "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "user", "content": "What is this?"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,${PIXEL}", "detail": "low"}},
          {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]},
        {"role": "assistant", "content": "Let me see", "refusal": null, "annotations": [], "tool_calls": [
          {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{\\"n\\": 9007199254740993, \\"x\\": 1.0}"}},
          {"id": "call.2", "type": "function", "function": {"name": "now", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "12"},
        {"role": "tool", "tool_call_id": "call.2", "content": [{"type": "text", "text": "noon"}]},
        {"role": "user", "content": "And?"}],
      "tools": [{"type": "function", "function": {"name": "add", "description": "Adds", "parameters": {"type": "object", "properties": {"n": {"maximum": 1e400}}}, "strict": true}},
        {"type": "function", "function": {"name": "now"}}],
      "tool_choice": "required", "parallel_tool_calls": false }`
    expect(toAnthropic(source)).toBe(
      '{"model":"claude","max_tokens":99,"system":[{"type":"text","text":"Be brief."},{"type":"text","text":"Be kind."}],"messages":[' +
        '{"role":"user","content":[{"type":"text","text":"What is this?"},' +
        `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"${PIXEL}"}},` +
        '{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}]},' +
        '{"role":"assistant","content":[{"type":"text","text":"Let me see"},' +
        '{"type":"tool_use","id":"call_1","name":"add","input":{"n": 9007199254740993, "x": 1.0}},' +
        '{"type":"tool_use","id":"call_x2e_2","name":"now","input":{}}]},' +
        '{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":[{"type":"text","text":"12"}]},' +
        '{"type":"tool_result","tool_use_id":"call_x2e_2","content":[{"type":"text","text":"noon"}]},{"type":"text","text":"And?"}]}],' +
        '"temperature":1,"top_p":0.90,"stop_sequences":["END", "\\u0041"],"stream":true,' +
        '"tools":[{"name":"add","description":"Adds","input_schema":{"type": "object", "properties": {"n": {"maximum": 1e400}}},"strict":true},' +
        '{"name":"now","input_schema":{"type":"object","properties":{}}}],' +
        '"tool_choice":{"type":"any","disable_parallel_tool_use":true},"metadata":{"user_id":"u-1"}}',
    )
  })

  it('has a limit of output, which may be set', () => {
    const body = { messages: [{ role: 'user', content: 'a' }] }
    expect(JSON.parse(toAnthropic(body)).max_tokens).toBe(4_096)
    expect(JSON.parse(toAnthropic({ ...body, max_tokens: 7 })).max_tokens).toBe(7)
    expect(JSON.parse(toAnthropic({ ...body, max_tokens: 7 }, { maxOutputTokens: 5 })).max_tokens).toBe(5)
  })

  it.each([
    ['auto', { type: 'auto' }],
    ['none', { type: 'none' }],
    ['required', { type: 'any' }],
    [
      { type: 'function', function: { name: 'f' } },
      { type: 'tool', name: 'f' },
    ],
  ])('has the tool choice %j as %j', (tool_choice, expected) => {
    const tools = [{ type: 'function', function: { name: 'f' } }]
    expect(JSON.parse(toAnthropic({ messages: [], tools, tool_choice })).tool_choice).toStrictEqual(expected)
  })

  it('leaves out texts without a character, and messages without content', () => {
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '' },
      { role: 'user', content: [{ type: 'text', text: '' }] },
    ]
    expect(JSON.parse(toAnthropic({ messages })).messages).toStrictEqual([
      { role: 'user', content: [{ type: 'text', text: 'a' }] },
    ])
  })

  const said = (content: unknown, members = {}) => ({ messages: [{ role: 'user', content, ...members }] })
  it.each<[unknown, RegExp]>([
    [{ n: 2 }, /n above 1/],
    [{ logprobs: true }, /logprobs/],
    [{ top_logprobs: 3 }, /top_logprobs/],
    [{ response_format: { type: 'json_schema', json_schema: {} } }, /json_schema/],
    [{ response_format: { type: 'json_object' } }, /json_object/],
    [{ modalities: ['text', 'audio'] }, /modalities/],
    [{ audio: { voice: 'a' } }, /audio/],
    [{ reasoning_effort: 'high' }, /reasoning_effort/],
    [{ seed: 7 }, /seed/],
    [{ logit_bias: { 5: 1 } }, /logit_bias/],
    [{ web_search_options: { size: 1 } }, /web_search_options/],
    [{ functions: [{ name: 'f' }] }, /functions/],
    [{ tools: [{ type: 'web_search', web_search: { name: 'w' } }] }, /web_search/],
    [
      { tools: [{ type: 'function', function: { name: 'f' } }], tool_choice: { type: 'allowed_tools' } },
      /allowed_tools/,
    ],
    [said([{ type: 'input_audio', input_audio: { data: '', format: 'wav' } }]), /input_audio/],
    [said([{ type: 'file', file: { file_id: 'f' } }]), /file/],
    [said([{ type: 'image_url', image_url: { url: 'data:image/tiff;base64,AA==' } }]), /picture/],
    [said('a', { name: 'Bob' }), /name/],
    [{ messages: [{ role: 'assistant', content: 'a', annotations: [{ type: 'url_citation' }] }] }, /annotations/],
    [
      {
        messages: [{ role: 'assistant', tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'f', input: '' } }] }],
      },
      /custom/,
    ],
    [
      {
        messages: [
          { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '[1]' } }] },
        ],
      },
      /arguments/,
    ],
    [
      {
        messages: [
          {
            role: 'assistant',
            tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"a"' } }],
          },
        ],
      },
      /arguments/,
    ],
    [
      { messages: [{ role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { arguments: 5 } }] }] },
      /arguments/,
    ],
    [{ messages: [{ role: 'function', name: 'f', content: '' }] }, /function/],
  ])('is refused for %j', (body, reason) => {
    expect(() => toAnthropic(body)).toThrow(Untranslatable)
    expect(() => toAnthropic(body)).toThrow(reason)
  })

  it('keeps arguments that are an object already, digit by digit', () => {
    const call = '{"id":"c","type":"function","function":{"name":"f","arguments":{"n": 9007199254740993}}}'
    expect(toAnthropic(`{"messages":[{"role":"assistant","tool_calls":[${call}]}]}`)).toContain(
      '"input":{"n": 9007199254740993}',
    )
  })

  it('is not refused for what is only left unsaid', () => {
    const neutral = {
      n: null,
      seed: null,
      logit_bias: {},
      presence_penalty: 0,
      response_format: { type: 'text' },
      functions: [],
      audio: null,
    }
    expect(JSON.parse(toAnthropic({ messages: [], ...neutral }))).toStrictEqual({
      model: 'claude',
      max_tokens: 4_096,
      messages: [],
    })
  })
})

describe('a message for OpenAI', () => {
  it('keeps everything that has a counterpart', () => {
    const source = `{
      "model": "claude", "max_tokens": 99, "temperature": 0.30, "top_p": 1, "stop_sequences": ["END"], "stream": true, "thinking": {"type": "disabled"},
      "metadata": {"user_id": "u-1"}, "x-gateway-new-run": true,
      "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
      "messages": [
        {"role": "user", "content": [{"type": "text", "text": "What is this?"},
          {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "${PIXEL}"}},
          {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Let me see"},
          {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"n": 9007199254740993, "x": 1.0}},
          {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}}]},
        {"role": "user", "content": [{"type": "text", "text": "And?"},
          {"type": "tool_result", "tool_use_id": "toolu_1", "content": "12"},
          {"type": "tool_result", "tool_use_id": "toolu_2", "content": [{"type": "text", "text": "no"}, {"type": "text", "text": "on"}], "is_error": false}]},
        {"role": "assistant", "content": "Well"}],
      "tools": [{"name": "add", "description": "Adds", "input_schema": {"type": "object", "maximum": 1e400}, "cache_control": {"type": "ephemeral"}},
        {"type": "custom", "name": "now", "input_schema": {"type": "object"}}],
      "tool_choice": {"type": "any", "disable_parallel_tool_use": true} }`
    expect(toOpenAi(source)).toBe(
      '{"model":"gpt","messages":[{"role":"system","content":"Be brief."},' +
        '{"role":"user","content":[{"type":"text","text":"What is this?"},' +
        `{"type":"image_url","image_url":{"url":"data:image/png;base64,${PIXEL}"}},` +
        '{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]},' +
        '{"role":"assistant","content":"Let me see","tool_calls":[' +
        '{"id":"toolu_1","type":"function","function":{"name":"add","arguments":"{\\"n\\": 9007199254740993, \\"x\\": 1.0}"}},' +
        '{"id":"toolu_2","type":"function","function":{"name":"now","arguments":"{}"}}]},' +
        '{"role":"tool","tool_call_id":"toolu_1","content":"12"},' +
        '{"role":"tool","tool_call_id":"toolu_2","content":[{"type":"text","text":"no"},{"type":"text","text":"on"}]},' +
        '{"role":"user","content":"And?"},{"role":"assistant","content":"Well"}],' +
        '"max_completion_tokens":99,"temperature":0.30,"top_p":1,"stop":["END"],"stream":true,"stream_options":{"include_usage":true},' +
        '"tools":[{"type":"function","function":{"name":"add","description":"Adds","parameters":{"type": "object", "maximum": 1e400}}},' +
        '{"type":"function","function":{"name":"now","parameters":{"type": "object"}}}],' +
        '"tool_choice":"required","parallel_tool_calls":false,"user":"u-1"}',
    )
  })

  it('limits output by the member that the server reads', () => {
    const body = { max_tokens: 9, messages: [] }
    expect(JSON.parse(toOpenAi(body, { maxOutputName: 'max_tokens', maxOutputTokens: 5 }))).toStrictEqual({
      model: 'gpt',
      messages: [],
      max_tokens: 5,
    })
  })

  const blocks = (...content: object[]) => ({ messages: [{ role: 'user', content }] })
  it.each<[unknown, RegExp]>([
    [{ thinking: { type: 'enabled', budget_tokens: 1_024 } }, /thinking/],
    [{ top_k: 5 }, /top_k/],
    [{ mcp_servers: [{ name: 'a' }] }, /mcp_servers/],
    [{ output_config: { effort: 'low' } }, /output_config/],
    [{ stop_sequences: ['1', '2', '3', '4', '5'] }, /stop_sequences/],
    [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, /web_search_20250305/],
    [{ tools: [{ name: 'a'.repeat(65), input_schema: {} }] }, /64 letters/],
    [
      { messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 's' }] }] },
      /thinking/,
    ],
    [
      { messages: [{ role: 'assistant', content: [{ type: 'server_tool_use', id: 's', name: 'w', input: {} }] }] },
      /server_tool_use/,
    ],
    [blocks({ type: 'document', source: { type: 'base64', data: '' } }), /document/],
    [blocks({ type: 'search_result', source: 's' }), /search_result/],
    [blocks({ type: 'text', text: 'a', citations: [{ type: 'page' }] }), /citations/],
    [blocks({ type: 'image', source: { type: 'file', file_id: 'f' } }), /picture/],
    [
      blocks({ type: 'tool_result', tool_use_id: 't', content: [{ type: 'image', source: {} }] }),
      /image in a tool result/,
    ],
    [{ system: [{ type: 'text', text: 'a', citations: [1] }] }, /citations/],
  ])('is refused for %j', (body, reason) => {
    expect(() => toOpenAi(body)).toThrow(Untranslatable)
    expect(() => toOpenAi(body)).toThrow(reason)
  })
})

describe('an answer', () => {
  const translate = async (from: Format, text: string) => {
    const read = await readAnswer(from, Buffer.from(text))
    const to = from === 'openai' ? 'anthropic' : 'openai'
    return (await translatedAnswer(to, read, 'served', 1_800_000_000)).toString()
  }

  it('of Anthropic for a client of OpenAI', async () => {
    const answer = `{"id":"msg_1a","type":"message","role":"assistant","model":"claude-x","content":[{"type":"thinking","thinking":"hm","signature":"s"},
      {"type":"text","text":"Let "},{"type":"text","text":"me"},{"type":"tool_use","id":"toolu_1","name":"add","input":{"n": 9007199254740993}},{"type":"tool_use","id":"toolu_2","name":"now","input":{}}],
      "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":9,"cache_creation_input_tokens":5,"cache_read_input_tokens":3,"output_tokens":7}}`
    expect(await translate('anthropic', answer)).toBe(
      '{"id":"chatcmpl-1a","object":"chat.completion","created":1800000000,"model":"served","choices":[{"index":0,"message":{"role":"assistant","content":"Let me","refusal":null,"tool_calls":[' +
        '{"id":"toolu_1","type":"function","function":{"name":"add","arguments":"{\\"n\\": 9007199254740993}"}},' +
        '{"id":"toolu_2","type":"function","function":{"name":"now","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],' +
        '"usage":{"prompt_tokens":17,"completion_tokens":7,"total_tokens":24,"prompt_tokens_details":{"cached_tokens":3}}}',
    )
  })

  it('of OpenAI for a client of Anthropic', async () => {
    const answer = `{"id":"chatcmpl-1a","choices":[{"index":0,"message":{"role":"assistant","content":"Let me","refusal":null,"tool_calls":[
      {"id":"call_1","type":"function","function":{"name":"add","arguments":"{\\"n\\": 9007199254740993, \\"s\\":\\"\\\\ud83d\\"}"}},{"id":"call_2","type":"function","function":{"name":"now","arguments":""}}]},
      "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":12,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":3}}}`
    expect(await translate('openai', answer)).toBe(
      '{"id":"msg_1a","type":"message","role":"assistant","model":"served","content":[{"type":"text","text":"Let me"},' +
        '{"type":"tool_use","id":"call_1","name":"add","input":{"n": 9007199254740993, "s":"\\ud83d"}},{"type":"tool_use","id":"call_2","name":"now","input":{}}],' +
        '"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":3,"output_tokens":7}}',
    )
  })

  it('of OpenAI keeps arguments that are an object already, which count as delivered', async () => {
    const answer =
      '{"choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"f","arguments":{"n": 9007199254740993}}}]}}]}'
    expect(await translate('openai', answer)).toContain('"input":{"n": 9007199254740993}')
    expect((await readAnswer('openai', Buffer.from(answer))).deliveredBytes).toBe(1 + 23)
  })

  it('of OpenAI whose length is reached within a call has that call not, and says why it ended', async () => {
    const calls = ['{"a":1}', '{"path":"/et'].map((text, n) => ({
      id: `c${n}`,
      function: { name: 'f', arguments: text },
    }))
    const answered = (finish_reason: string, tool_calls = calls) =>
      translate('openai', JSON.stringify({ choices: [{ message: { tool_calls }, finish_reason }] }))
    expect(JSON.parse(await answered('length'))).toMatchObject({
      stop_reason: 'max_tokens',
      content: [{ type: 'tool_use', id: 'c0', input: { a: 1 } }],
    })
    // Of a call before the last one, or of an answer that ended by itself, nothing was cut off.
    await expect(answered('length', calls.toReversed())).rejects.toThrow(Untranslatable)
    await expect(answered('tool_calls')).rejects.toThrow(Untranslatable)
  })

  it('that is a refusal says so', async () => {
    const answer = '{"id":"1","choices":[{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}]}'
    expect(JSON.parse(await translate('openai', answer))).toMatchObject({
      stop_reason: 'refusal',
      content: [{ type: 'text', text: 'No.' }],
    })
  })

  it('is read with its usage and what it delivered', async () => {
    const message = { content: 'Grüße', tool_calls: [{ function: { name: 'f', arguments: '{"a":1}' } }] }
    const read = await readAnswer(
      'openai',
      Buffer.from(JSON.stringify({ choices: [{ message, finish_reason: 'stop' }], usage: null })),
    )
    expect(read).toMatchObject({ usage: undefined, deliveredBytes: 7 + 1 + 7, finishReason: 'stop' })
    const blocks = [
      { type: 'text', text: 'abc' },
      { type: 'tool_use', name: 'f', input: { a: 1 } },
    ]
    const other = await readAnswer(
      'anthropic',
      Buffer.from(
        JSON.stringify({ content: blocks, stop_reason: 'end_turn', usage: { input_tokens: 1, output_tokens: 2 } }),
      ),
    )
    expect(other).toMatchObject({ usage: { input: 1, output: 2 }, deliveredBytes: 3 + 1 + 7, finishReason: 'end_turn' })
    const empty = await readAnswer('anthropic', Buffer.from('{"content":[],"stop_reason":"end_turn"}'))
    expect(empty.deliveredBytes).toBe(0)
  })

  it.each<[Format, string]>([
    ['openai', ''],
    ['openai', '{"choices":'],
    ['openai', '[]'],
    ['openai', '{"choices":[]}'],
    ['anthropic', '{"content":[]}'],
    ['anthropic', '{"error":{}}'],
  ])('of %s that is %j is none', async (format, text) => {
    await expect(readAnswer(format, Buffer.from(text))).rejects.toThrow(UnreadableAnswer)
  })

  it.each<[Format, string, string]>([
    ['openai', '{"error":{"message":"No such model."}}', 'No such model.'],
    ['openai', '{"error":"No such model.","choices":[]}', 'No such model.'],
    ['anthropic', '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', 'Overloaded'],
    ['openai', '{"error":{"message":5}}', 'The provider’s answer has no content.'],
  ])('of %s that is the error %j tells its words', async (format, text, message) => {
    await expect(readAnswer(format, Buffer.from(text))).rejects.toThrow(new UnreadableAnswer(message))
  })

  it('that is long is read in slices, between which others have their turn', async () => {
    const logprobs = Array.from({ length: 1_000_000 }, () => 0)
    const answer = Buffer.from(JSON.stringify({ choices: [{ message: { content: 'Hi' }, logprobs }] }))
    let turns = 0
    let next = setImmediate(function turn() {
      turns += 1
      next = setImmediate(turn)
    })
    expect((await readAnswer('openai', answer)).deliveredBytes).toBe(2)
    clearImmediate(next)
    expect(turns).toBeGreaterThan(0)
  })

  it('of more parts than anybody answers with is none', async () => {
    const content = Array.from({ length: 10_001 }, () => ({ type: 'text', text: '' }))
    const answer = Buffer.from(JSON.stringify({ content, stop_reason: 'end_turn' }))
    await expect(readAnswer('anthropic', answer)).rejects.toThrow('more than 10000 parts')
  })

  it('keeps half a character that one text ends with and the next one begins with', async () => {
    const blocks = ['"Hi \\ud83d"', '"\\ude00"'].map((text) => `{"type":"text","text":${text}}`)
    const answer = `{"content":[${blocks}],"stop_reason":"end_turn"}`
    expect(JSON.parse(await translate('anthropic', answer)).choices[0].message.content).toBe('Hi 😀')
  })
})

describe('an error', () => {
  it.each([
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [404, 'not_found_error'],
    [413, 'request_too_large'],
    [418, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [503, 'api_error'],
    [529, 'overloaded_error'],
  ])('of OpenAI with status %i is %s to a client of Anthropic', (status, type) => {
    const body = Buffer.from('{"error":{"message":"so","type":"x","param":"messages","code":"y"}}')
    expect(JSON.parse(translatedError('openai', 'anthropic', status, body))).toStrictEqual({
      type: 'error',
      error: { type, message: 'so' },
    })
  })

  it('of Anthropic has OpenAI’s members to its client, and keeps its own words in its own format', () => {
    const body = Buffer.from('{"type":"error","error":{"type":"rate_limit_error","message":"slow"},"request_id":"r"}')
    const error = { message: 'slow', type: 'rate_limit_error', param: null, code: 'rate_limit_exceeded' }
    expect(JSON.parse(translatedError('anthropic', 'openai', 429, body))).toStrictEqual({ error })
    expect(translatedError('anthropic', 'anthropic', 429, body)).toBe(
      '{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}',
    )
    expect(errorBody('openai', { status: 402, message: 'm' })).toContain('insufficient_quota')
  })

  it('is read whatever the body is', () => {
    for (const body of ['', '<html>', '7', '{}', '{"error":null}']) {
      expect(failureOf('openai', 502, Buffer.from(body)).message).toBe('The provider answered with status 502.')
    }
    expect(failureOf('openai', 400, Buffer.from('{"error":"plain"}')).message).toBe('plain')
    expect(failureOf('openai', 400, Buffer.from('{"message":"bare","code":"c"}'))).toMatchObject({
      message: 'bare',
      code: 'c',
    })
  })

  it('shows nobody a key, and is short', () => {
    const keys = [
      'sk-proj-Ab12Cd34Ef56',
      'sk-ant-api03-xyz_123-ABC',
      'sk-****wxyz1234',
      'rg_sk_abcdef123456',
      'Bearer abc.def',
      'AIzaSyA1234567890abcdefghijkl',
      'a1'.repeat(20),
    ]
    for (const key of keys) expect(cleanMessage(`Incorrect API key provided: ${key}.`)).not.toContain(key.slice(-6))
    expect(cleanMessage('The model `gpt-4o-mini-2024-07-18` does not exist')).toBe(
      'The model `gpt-4o-mini-2024-07-18` does not exist',
    )
    expect(cleanMessage('x '.repeat(5_000))).toHaveLength(1_000)
  })

  it('hands on no text that read models cannot hold', () => {
    const cleaned = cleanMessage('No model gpt-5\0 here\ud83d')
    expect(cleaned).toBe('No model gpt-5\uFFFD here\uFFFD')
  })
})
