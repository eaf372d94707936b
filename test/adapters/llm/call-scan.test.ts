/** What governance reads of a request, and what it changes in it without touching the rest. */
import { describe, expect, it } from 'vitest'
import { type Format, scanCall, scanCallNow, scanLimits, UnreadableCall } from '../../../src/adapters/llm/call-scan.ts'
import { fingerprintOf } from '../../../src/adapters/llm/fingerprint.ts'
import { inputBoundTokens, inputEstimateTokens } from '../../../src/adapters/llm/prompt-size.ts'
import { type Changes, lengthOf, splice } from '../../../src/adapters/llm/splice.ts'

const scan = (body: unknown, format: Format = 'openai') =>
  scanCallNow(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), format, {
    ...scanLimits,
    ownPrefix: 'x-gateway-',
  })
const spliced = (text: string, changes: Changes = {}, format: Format = 'openai') =>
  Buffer.concat(splice(scan(text, format), changes)).toString()

describe('a scan', () => {
  it('reads what governance needs of a chat completion', () => {
    const found = scan({
      ...{ model: 'gpt-5', stream: true, stream_options: { include_usage: true }, n: 3, max_tokens: 50 },
      max_completion_tokens: 70,
      messages: [{ role: 'user', content: 'hi' }],
      tools: [
        { type: 'function', function: { name: 'search', parameters: {} } },
        { type: 'custom', custom: { name: 'shell' } },
        { type: 'web_search_preview' },
      ],
      functions: [{ name: 'old' }],
      'x-gateway-run-name': 'nightly',
    })
    expect(found).toMatchObject({
      ...{ model: 'gpt-5', isStream: true, wantsUsage: true, choices: 3, maxOutputTokens: 70, cacheControl: 'none' },
      tools: ['search', 'shell', 'web_search_preview', 'old'],
    })
    expect(found.governance.get('x-gateway-run-name')?.text).toBe('nightly')
  })

  it('reads what governance needs of a message', () => {
    const found = scan(
      {
        ...{ model: 'claude-sonnet-4-5', max_tokens: 2_000, thinking: { type: 'enabled', budget_tokens: 1_024 } },
        system: [{ type: 'text', text: 'be brief', cache_control: { type: 'ephemeral', ttl: '1h' } }],
        messages: [{ role: 'user', content: 'hi' }],
        tools: [
          { name: 'search', input_schema: { type: 'object' } },
          { type: 'web_search_20250305', name: 'web_search' },
        ],
        mcp_servers: [{ type: 'url', url: 'https://example.com', name: 'files' }],
      },
      'anthropic',
    )
    expect(found).toMatchObject({ thinkingTokens: 1_024, maxOutputTokens: 2_000, cacheControl: '1h', choices: 1 })
    expect(found.tools).toStrictEqual(['search', 'web_search', 'web_search_20250305', 'files'])
  })

  it.each(['\\u0000', '\\ud83d', '\\udc00'])(
    'refuses names with %s, which a record cannot hold, and lets prompts have it',
    (bad) => {
      const prompt = `"messages":[{"role":"user","content":"${bad}"}]`
      expect(scan(`{"model":"gpt-5",${prompt}}`).model).toBe('gpt-5')
      const refused: [body: string, param: string][] = [
        [`{"model":"gpt${bad}"}`, 'model'],
        [`{"model":"gpt-5","tools":[{"type":"function","function":{"name":"pay${bad}"}}]}`, 'tools'],
        [`{"model":"gpt-5","functions":[{"name":"pay${bad}"}]}`, 'functions'],
        [`{"model":"gpt-5","tools":[{"type":"shell${bad}"}]}`, 'tools'],
      ]
      for (const [body, param] of refused) {
        expect(() => scan(body)).toThrow(expect.objectContaining({ name: 'UnreadableCall', param }))
      }
    },
  )

  it('finds cache_control at any depth and in any spelling', () => {
    const at = (control: string) =>
      scan(`{"messages":[{"role":"user","content":[${control}]}]}`, 'anthropic').cacheControl
    expect(at('{"type":"text","text":"a","cache\\u005fcontrol":{"type":"ephemeral"}}')).toBe('5m')
    expect(at('{"type":"text","text":"a","cache_control":{"ttl":"1h"}},{"cache_control":{"ttl":"5m"}}')).toBe('1h')
    expect(at('{"type":"text","text":"cache_control"}')).toBe('none')
    expect(at('{"type":"text","text":"a","cache_control":null}')).toBe('none')
  })

  it('takes null for what is left out', () => {
    const found = scan('{"model":null,"stream":null,"n":null,"max_tokens":null,"tools":null,"messages":null}')
    expect(found).toMatchObject({ isStream: false, choices: 1, tools: [] })
    expect([found.model, found.maxOutputTokens]).toStrictEqual([undefined, undefined])
  })

  it.each([
    ['[]', undefined],
    ['{"model":1}', 'model'],
    ['{"model":""}', 'model'],
    [`{"model":"${'m'.repeat(257)}"}`, 'model'],
    ['{"model":"gpt-5\\u0000"}', 'model'],
    ['{"model":"gpt-5\\ud83d"}', 'model'],
    ['{"model":"gpt\\n5"}', 'model'],
    ['{"tools":[{"function":{"name":"look\\u0000up"},"type":"function"}]}', 'tools'],
    ['{"tools":[{"name":"lookup\\udc00"}]}', 'tools'],
    ['{"functions":[{"name":"\\u0007"}]}', 'functions'],
    [`{"tools":[{"name":"${'t'.repeat(201)}"}]}`, 'tools'],
    ['{"stream":"true"}', 'stream'],
    ['{"max_tokens":0}', 'max_tokens'],
    ['{"max_tokens":1.5}', 'max_tokens'],
    ['{"max_completion_tokens":9007199254740993}', 'max_completion_tokens'],
    ['{"n":-1}', 'n'],
    ['{"n":1001}', 'n'],
    ['{"messages":{}}', 'messages'],
    ['{"tools":"all"}', 'tools'],
    ['{"tools":[{}]}', 'tools'],
    [`{"tools":[${Array(1_025).fill('{"name":"a"}').join()}]}`, 'tools'],
    [`{"messages":[${Array(10_001).fill('{}').join()}]}`, 'messages'],
  ])('refuses %.40s', (text, param) => {
    const attempt = () => scan(text)
    expect(attempt).toThrow(UnreadableCall)
    expect(attempt).toThrow(expect.objectContaining({ param }))
  })

  it('takes no more output for asked than can be, so that sums of it stay exact', () => {
    const tokens = Number.MAX_SAFE_INTEGER
    const chat = scan({ max_tokens: tokens, max_completion_tokens: tokens, n: 1_000 })
    expect([chat.maxOutputTokens, chat.choices]).toStrictEqual([1_000_000_000, 1_000])
    const message = scan({ max_tokens: tokens, thinking: { type: 'enabled', budget_tokens: tokens } }, 'anthropic')
    expect([message.maxOutputTokens, message.thinkingTokens]).toStrictEqual([1_000_000_000, 1_000_000_000])
  })

  it('takes as many tools and messages as are allowed', () => {
    const tools = Array.from({ length: 1_024 }, (_, index) => `{"name":"t${index}"}`)
    expect(scan(`{"tools":[${tools}],"messages":[${Array(10_000).fill('{}')}]}`, 'anthropic').tools).toHaveLength(1_024)
  })

  it('refuses what is no JSON as the client’s fault, in a long body too', async () => {
    await expect(scanCall(Buffer.from('{"model":'), 'openai')).rejects.toThrow(UnreadableCall)
    await expect(scanCall(Buffer.from(`{"a":"${'x'.repeat(400_000)}`), 'openai')).rejects.toThrow(UnreadableCall)
    const long = { model: 'gpt-5', messages: [{ role: 'user', content: 'x'.repeat(400_000) }] }
    expect((await scanCall(Buffer.from(JSON.stringify(long)), 'openai')).prompt.textBytes).toBe(400_004)
  })
})

describe('the bound of a prompt', () => {
  const boundOf = (body: unknown, format: Format = 'openai') => inputBoundTokens(scan(body, format).prompt)
  const user = (content: unknown) => ({ messages: [{ role: 'user', content }] })

  it('counts the bytes of texts as the provider sees them, and a figure for each message', () => {
    expect(boundOf(user('häßlich'))).toBe(4 + 9 + 16)
    expect(boundOf('{"messages":[{"role":"user","content":"\\ud83d\\ude00\\n"}]}')).toBe(4 + 5 + 16)
    expect(boundOf({ messages: [...user('a').messages, ...user('b').messages] })).toBe(2 * (4 + 1 + 16))
  })

  it('counts tool schemas, calls and results', () => {
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]
    expect(boundOf({ ...user('a'), tools })).toBe(4 + 1 + 16 + 1_000 + JSON.stringify(tools).length)
    const input = { city: 'Bonn', n: 12 }
    const call = { role: 'assistant', content: [{ type: 'tool_use', id: 'tu_1', name: 'f', input }] }
    expect(boundOf({ messages: [call] }, 'anthropic')).toBe(9 + 8 + 4 + 1 + JSON.stringify(input).length + 16)
    const bare = { role: 'assistant', tool_calls: [{ id: 'c1', function: { name: 'f', arguments: input } }] }
    expect(boundOf({ messages: [bare] })).toBe(9 + 2 + 1 + JSON.stringify(input).length + 16)
    const result = { role: 'tool', tool_call_id: 'c1', content: 'warm' }
    expect(boundOf({ messages: [result] })).toBe(4 + 2 + 4 + 16)
  })

  it('counts system and forms of output, and no settings', () => {
    expect(boundOf({ system: 'brief', ...user('a') }, 'anthropic')).toBe(5 + 16 + 4 + 1 + 16)
    const response_format = { type: 'json_schema', json_schema: { name: 'x', schema: {} } }
    expect(boundOf({ ...user('a'), response_format })).toBe(21 + JSON.stringify(response_format).length)
    expect(
      boundOf({ ...user('a'), model: 'gpt-5', temperature: 1, metadata: { a: 'b' }, 'x-gateway-run-id': 'x' }),
    ).toBe(21)
  })

  it('counts pictures and documents by figures, not by their bytes', () => {
    const url = `data:image/png;base64,${'A'.repeat(300_000)}`
    expect(boundOf(user([{ type: 'image_url', image_url: { url } }]))).toBe(4 + 16 + 1_600)
    expect(boundOf(user([{ type: 'image_url', image_url: { url, detail: 'low' } }]))).toBe(4 + 16 + 100)
    const source = { type: 'base64', media_type: 'image/png', data: 'A'.repeat(3_000) }
    expect(boundOf(user([{ type: 'image', source }]), 'anthropic')).toBe(4 + 16 + 1_600)
    expect(boundOf(user([{ type: 'document', source, title: 'T' }]), 'anthropic')).toBe(4 + 16 + 1 + 1_000)
    expect(boundOf(user([{ type: 'input_audio', input_audio: { data: 'A'.repeat(30), format: 'wav' } }]))).toBe(
      4 + 16 + 10,
    )
    const result = { type: 'tool_result', tool_use_id: 't', content: [{ type: 'image', source }] }
    expect(boundOf(user([result]), 'anthropic')).toBe(4 + 16 + 11 + 1 + 1_600)
  })

  it('says where a document is not in the request, so that its length is unknown', () => {
    const document = (source: object) => scan(user([{ type: 'document', source }]), 'anthropic').prompt.isOpen
    expect(document({ type: 'url', url: 'https://example.com/a.pdf' })).toBe(true)
    expect(document({ type: 'file', file_id: 'file_1' })).toBe(true)
    expect(document({ type: 'text', media_type: 'text/plain', data: 'abc' })).toBe(false)
    expect(scan(user([{ type: 'file', file: { file_id: 'f' } }])).prompt.isOpen).toBe(true)
  })

  it('keeps an expected output apart, and estimates four bytes to a token', () => {
    const { prompt } = scan({ ...user('a'.repeat(36)), prediction: { type: 'content', content: 'abc' } })
    expect(prompt.predictionTokens).toBe('{"type":"content","content":"abc"}'.length)
    expect(inputEstimateTokens(prompt)).toBe(10)
  })
})

describe('a splice', () => {
  const text =
    '{ "x-gateway-run-id": "r",\n "model" : "a", "seed": 9007199254740993, "X-Gateway-New-Run":true, "messages":[ ] }'

  it('leaves all else byte for byte', () => {
    expect(spliced(text)).toBe('{ "model" : "a", "seed": 9007199254740993, "messages":[ ] }')
    expect(spliced(text, { model: 'b"c' })).toBe('{ "model" : "b\\"c", "seed": 9007199254740993, "messages":[ ] }')
    const plain = '{"model":"a"}'
    const whole = scan(plain)
    expect(splice(whole)[0]).toBe(whole.bytes)
  })

  it.each([
    ['{"x-gateway-a":1}', '{}'],
    ['{"x-gateway-a":1,"x-gateway-b":2}', '{}'],
    ['{"a":1,"x-gateway-a":1}', '{"a":1}'],
    ['{"a":1,"x-gateway-a":{"b":[1,2]},"x-gateway-b":2}', '{"a":1}'],
    ['{"x-gateway-a":1,"a":1,"x-gateway-b":2,"b":2,"x-gateway-c":3}', '{"a":1,"b":2}'],
    ['{"x\\u002dgateway-a":1,"a":1}', '{"a":1}'],
  ])('cuts governance members out of %s', (before, after) => {
    expect(spliced(before)).toBe(after)
  })

  it('sets what is missing at the head', () => {
    expect(spliced('{"messages":[]}', { model: 'a', maxOutputTokens: 5 })).toBe(
      '{"model":"a","max_completion_tokens":5,"messages":[]}',
    )
    expect(spliced('{}', { model: 'a' })).toBe('{"model":"a"}')
    expect(spliced('{"x-gateway-a":1}', { model: 'a' })).toBe('{"model":"a"}')
    expect(spliced('{"model":null}', { model: 'a' })).toBe('{"model":"a"}')
    expect(spliced('{"a":1}', { maxOutputTokens: 5 }, 'anthropic')).toBe('{"max_tokens":5,"a":1}')
    expect(spliced('{"a":1}', { maxOutputTokens: 5, maxOutputName: 'max_tokens' })).toBe('{"max_tokens":5,"a":1}')
  })

  it('lowers every limit of output that is given, and raises none', () => {
    expect(spliced('{"max_tokens":9,"max_completion_tokens":8}', { maxOutputTokens: 5 })).toBe(
      '{"max_tokens":5,"max_completion_tokens":5}',
    )
    expect(spliced('{"max_tokens":9,"max_completion_tokens":4}', { maxOutputTokens: 5 })).toBe(
      '{"max_tokens":5,"max_completion_tokens":4}',
    )
    expect(spliced('{"max_tokens":null}', { maxOutputTokens: 5, maxOutputName: 'max_tokens' })).toBe('{"max_tokens":5}')
  })

  it.each([
    ['{"a":1}', '{"stream_options":{"include_usage":true},"a":1}'],
    ['{"stream_options":null}', '{"stream_options":{"include_usage":true}}'],
    ['{"stream_options":{}}', '{"stream_options":{"include_usage":true}}'],
    ['{"stream_options":{"x":1}}', '{"stream_options":{"include_usage":true,"x":1}}'],
    ['{"stream_options":{"include_usage":false}}', '{"stream_options":{"include_usage":true}}'],
    ['{"stream_options":{"include_usage":true}}', '{"stream_options":{"include_usage":true}}'],
  ])('asks for usage in %s', (before, after) => {
    expect(spliced(before, { includeUsage: true })).toBe(after)
  })

  it('does not copy a long body', () => {
    const long = scan(`{"x-gateway-a":1,"messages":"${'x'.repeat(100_000)}"}`.replace('"messages"', '"text"'))
    const pieces = splice(long)
    expect(pieces.at(-1)?.buffer).toBe(long.bytes.buffer)
    expect(lengthOf(pieces)).toBe(Buffer.concat(pieces).length)
  })
})

describe('a fingerprint', () => {
  const of = (text: string) => fingerprintOf(scan(text))
  it('is the same for the same request in other words', async () => {
    const one = await of('{"model":"a","messages":[{"role":"user","content":"aé"}],"n":1}')
    expect(await of('{ "n":1, "messages":[{"content":"\\u0061\\u00e9","role":"user"}], "model":"a" }')).toBe(one)
    expect(
      await of(
        '{"model":"a","stream":true,"stream_options":{},"x-gateway-run-id":"r","messages":[{"role":"user","content":"aé"}],"n":1}',
      ),
    ).toBe(one)
  })

  it('is another for another request', async () => {
    const texts = [
      '{}',
      '{"a":1}',
      '{"a":1.0}',
      '{"a":"1"}',
      '{"a":[]}',
      '{"a":{}}',
      '{"a":[[],1]}',
      '{"a":[[1]]}',
      '{"a":null}',
      '{"b":1}',
    ]
    expect(new Set(await Promise.all(texts.map(of))).size).toBe(texts.length)
  })

  it.each([
    ['letters', 'x'],
    ['what needs an escape', '"\\\n'],
    ['characters of four bytes', '😀'],
    ['halves of characters', '\ud83d'],
  ])('of a long text of %s is the same however it is escaped, wherever that is cut', async (_, letter) => {
    const escaped = (text: string) =>
      Array.from({ length: text.length }, (__, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join(
        '',
      )
    for (const before of ['', 'a', 'ab', 'abc', 'abcd', 'abcde']) {
      const text = before + letter.repeat(25_000)
      const one = await of(JSON.stringify({ content: text }))
      expect(await of(`{"content":"${escaped(text)}"}`)).toBe(one)
      expect(await of(JSON.stringify({ content: `${text}b` }))).not.toBe(one)
    }
  })
})
