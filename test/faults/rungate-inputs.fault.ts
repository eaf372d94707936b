/**
 * Row G16: what is long, deep or many does not hold up a process with an API for longer than others may wait. It is a process of its own,
 * as in production, and what is measured is its own work.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type CallingAgent, GPT, user } from '../http/rungate/calling.ts'
import { temporaryDirectory } from '../support/services.ts'
import { openRungateHouse, type RungateHouse } from './rungate-house.ts'

/** How long a turn of the event loop may take (brief, section 9). */
const TURN_MAX_MS = 20
const MIB = 1_048_576

const directory = temporaryDirectory()
const meterFile = join(directory.path, 'most')
let rungate: RungateHouse
let agent: CallingAgent
/** Whose budget pays for less than it asks for. */
let poor: CallingAgent
/** Whose provider answers with as much as is taken. */
let flooded: CallingAgent

const vast = Buffer.from(
  JSON.stringify({
    ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 0, model: 'vast' },
    choices: [{ index: 0, message: { role: 'assistant', content: 'word '.repeat(12 * MIB) }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 12 * MIB },
  }),
)
const vastProvider = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(vast))
})

async function floodedAgent(): Promise<CallingAgent> {
  await new Promise<void>((resolve) => vastProvider.listen(0, '127.0.0.1', resolve))
  const base_url = `http://127.0.0.1:${(vastProvider.address() as AddressInfo).port}/v1`
  const added = await rungate.ask('api', 'POST', '/api/provider-keys', {
    key: rungate.caller.token,
    body: { provider: 'vast', name: 'vast', api_key: 'sk-vast-of-the-test', base_url },
  })
  expect(added.status).toBe(201)
  const policy = {
    routing: { timeout_ms: 60_000, default_chain: ['vast'] },
    model_mapping: { [GPT]: { vast: 'vast' } },
  }
  return rungate.caller.agent({ policy })
}

beforeAll(async () => {
  const meter = pathToFileURL(join(import.meta.dirname, '../support/loop-meter.ts')).href
  rungate = await openRungateHouse({ NODE_OPTIONS: `--import ${meter}`, LOOP_METER_FILE: meterFile })
  const routing = { timeout_ms: 60_000, default_chain: ['openai'] }
  agent = await rungate.caller.agent({ policy: { routing } })
  poor = await rungate.caller.agent({ policy: { routing, budget: { hard_limit_usd: 0.1 } } })
  flooded = await floodedAgent()
  for (const { apiKey: key } of [agent, poor, flooded]) {
    await vi.waitFor(async () => expect((await rungate.ask('api', 'GET', '/v1/me', { key })).status).toBe(200), {
      interval: 20,
      timeout: 10_000,
    })
  }
}, 400_000)
afterAll(async () => {
  vastProvider.close()
  vastProvider.closeAllConnections()
  await rungate.close()
  directory.remove()
}, 60_000)

/** A request, and what is to come of it. */
interface Input {
  path?: '/v1/chat/completions' | '/v1/messages'
  body: string
  status: number
  key?: string
}

async function send({ path = '/v1/chat/completions', body, key = agent.apiKey }: Input): Promise<number> {
  const response = await fetch(`${rungate.house.urlOf('api')}/rungate${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body,
  })
  await response.arrayBuffer()
  return response.status
}

const signal = () => process.kill(rungate.house.pidOf('api'), 'SIGUSR2')

/** The longest turn of the process' loop while it serves the request, in ms of its own processor time. */
async function longestTurn(input: Input): Promise<number> {
  rmSync(meterFile, { force: true })
  signal()
  expect(await send(input)).toBe(input.status)
  signal()
  await vi.waitFor(() => expect(existsSync(meterFile)).toBe(true), { interval: 5, timeout: 10_000 })
  return Number(readFileSync(meterFile, 'utf8'))
}

const chat = (changes: object) => JSON.stringify({ model: GPT, max_completion_tokens: 50, ...changes })
const picture = (bytes: number) => [
  { type: 'text', text: 'What is this?' },
  { type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBORw0KGgo'.repeat(bytes / 11)}` } },
]
const tool = (n: number) => ({ type: 'function', function: { name: `tool_${n}`, parameters: { type: 'object' } } })
const many = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n))

describe('what is long, deep or many', { timeout: 240_000 }, () => {
  it.each<[what: string, input: () => Input]>([
    ['10,000 letters without a space', () => ({ body: chat({ messages: user('x'.repeat(10_000)) }), status: 200 })],
    [
      'a picture of 32 MiB in base64',
      () => ({ body: chat({ messages: user(picture(31 * MIB) as unknown as string) }), status: 200 }),
    ],
    ['100,000 tools', () => ({ body: chat({ messages: user('x'), tools: many(100_000, tool) }), status: 400 })],
    [
      'a hundred thousand levels',
      () => ({ body: `{"model":"${GPT}","messages":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, status: 400 }),
    ],
    [
      '10,000 messages',
      () => ({ body: chat({ messages: many(10_000, (n) => user(`message ${n}`)[0]) }), status: 200 }),
    ],
    [
      'a picture of 25 MiB for a provider of the other format',
      () => ({
        ...{ path: '/v1/messages', status: 200 },
        body: JSON.stringify({
          ...{ model: GPT, max_tokens: 50 },
          messages: user([
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(25 * MIB) } },
          ] as unknown as string),
        }),
      }),
    ],
    ['an answer of 60 MiB', () => ({ key: flooded.apiKey, body: chat({ messages: user('x') }), status: 200 })],
    [
      'an answer of 60 MiB for a client of the other format',
      () => ({
        ...{ key: flooded.apiKey, path: '/v1/messages', status: 200 },
        body: JSON.stringify({ model: GPT, max_tokens: 50, messages: user('x') }),
      }),
    ],
    [
      'a prompt of 4 MiB at the end of a budget, whose tokens are counted',
      () => ({ key: poor.apiKey, body: chat({ messages: user('word '.repeat(800_000)) }), status: 402 }),
    ],
  ])('row G16: no turn of the loop is long by %s', async (_, input) => {
    // What is compiled at the first request is no part of what a request takes.
    const request = input()
    expect(await send(request)).toBe(request.status)
    expect(await longestTurn(request)).toBeLessThan(TURN_MAX_MS)
  })
})
