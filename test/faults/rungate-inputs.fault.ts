/**
 * Row G16: what is long, deep or many does not hold up a process with an API for longer than others may wait. It is a process of its own,
 * as in production, and what is measured is its own work. The long answers are those of a provider in this process.
 */
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type CallingAgent, GPT, user } from '../http/rungate/calling.ts'
import { temporaryDirectory } from '../support/services.ts'
import { openRungateHouse, type RungateHouse } from './rungate-house.ts'

/** How long a turn of the event loop may take. */
const TURN_MAX_MS = 20

const directory = temporaryDirectory()
const meterFile = join(directory.path, 'most')
let rungate: RungateHouse
let agent: CallingAgent
/** Whose budget pays for less than it asks for. */
let poor: CallingAgent
/** Whose calls go to a provider of each format that answers at length. */
let toOpenAi: CallingAgent
let toAnthropic: CallingAgent

const MIB = 1_048_576
/** Of a body, and of a provider's answer, as many as their bounds leave room for beside what is around them. */
const [PICTURE_BYTES, ANSWER_BYTES] = [31.9 * MIB, 60 * MIB]

const ofOpenAi = (content: string) => ({
  ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: GPT },
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 },
})
const ofAnthropic = (text: string) => ({
  ...{ id: 'msg_1', type: 'message', role: 'assistant', model: GPT, content: [{ type: 'text', text }] },
  ...{ stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 10, output_tokens: 10 } },
})

/** Answers in either format, at length where the question is short. */
const lengthy = createServer(async (request, response) => {
  let bytes = 0
  for await (const chunk of request) bytes += chunk.length
  const text = bytes > MIB ? 'a picture' : 'x'.repeat(ANSWER_BYTES)
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(request.url?.endsWith('/messages') ? ofAnthropic(text) : ofOpenAi(text)))
})
beforeAll(async () => {
  const meter = pathToFileURL(join(import.meta.dirname, '../support/loop-meter.ts')).href
  rungate = await openRungateHouse({ NODE_OPTIONS: `--import ${meter}`, LOOP_METER_FILE: meterFile })
  const routing = { timeout_ms: 60_000, default_chain: ['openai'] }
  agent = await rungate.caller.agent({ policy: { routing } })
  poor = await rungate.caller.agent({ policy: { routing, budget: { hard_limit_usd: 0.1 } } })
  lengthy.listen(0, '127.0.0.1')
  await once(lengthy, 'listening')
  const url = `http://127.0.0.1:${(lengthy.address() as AddressInfo).port}`
  const agentOf = async (provider: string, base_url: string) => {
    const body = { provider, name: provider, api_key: 'sk-lengthy', base_url }
    const added = await rungate.ask('api', 'POST', '/api/provider-keys', { key: rungate.caller.token, body })
    expect(added.status).toBe(201)
    const own = { timeout_ms: 60_000, default_chain: [provider] }
    return rungate.caller.agent({ policy: { model_mapping: { [GPT]: { [provider]: GPT } }, routing: own } })
  }
  toOpenAi = await agentOf('lengthy', `${url}/v1`)
  toAnthropic = await agentOf('anthropic-lengthy', url)
  for (const { apiKey: key } of [agent, poor, toOpenAi, toAnthropic]) {
    await vi.waitFor(async () => expect((await rungate.ask('api', 'GET', '/v1/me', { key })).status).toBe(200), {
      interval: 20,
      timeout: 10_000,
    })
  }
}, 400_000)
afterAll(async () => {
  await rungate?.close()
  lengthy.closeAllConnections()
  lengthy.close()
  directory.remove()
}, 60_000)

/** A request, and what is to come of it. */
interface Input {
  body: string
  status: number
  key?: string
  /** Bytes that its answer has at least. */
  answerBytes?: number
  path?: string
}

async function send({ body, key = agent.apiKey, answerBytes = 0, path = 'chat/completions' }: Input): Promise<number> {
  const response = await fetch(`${rungate.house.urlOf('api')}/rungate/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body,
  })
  expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(answerBytes)
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
const tool = (n: number) => ({ type: 'function', function: { name: `tool_${n}`, parameters: { type: 'object' } } })
const picture = () => 'iVBORw0K'.repeat(PICTURE_BYTES / 8)
const shownTo = (to: CallingAgent): Input => {
  const part = { type: 'image_url', image_url: { url: `data:image/png;base64,${picture()}` } }
  return { key: to.apiKey, body: chat({ messages: [{ role: 'user', content: [part] }] }), status: 200 }
}
const lengthyFrom = (from: CallingAgent): Input => ({
  ...{ key: from.apiKey, body: chat({ messages: user('x') }), status: 200, answerBytes: ANSWER_BYTES },
})
const many = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n))

describe('what is long, deep or many', { timeout: 240_000 }, () => {
  it.each<[what: string, input: () => Input]>([
    ['10,000 letters without a space', () => ({ body: chat({ messages: user('x'.repeat(10_000)) }), status: 200 })],
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
      'a prompt of 4 MiB at the end of a budget, whose tokens are counted',
      () => ({ key: poor.apiKey, body: chat({ messages: user('word '.repeat(800_000)) }), status: 402 }),
    ],
    ['a picture of 32 MiB', () => shownTo(toOpenAi)],
    ['a picture of 32 MiB for a provider of the other format', () => shownTo(toAnthropic)],
    [
      'a picture of 32 MiB in Anthropic’s format for a provider of OpenAI’s',
      () => {
        const source = { type: 'base64', media_type: 'image/png', data: picture() }
        const messages = [{ role: 'user', content: [{ type: 'image', source }] }]
        const body = JSON.stringify({ model: GPT, max_tokens: 50, messages })
        return { key: toOpenAi.apiKey, path: 'messages', body, status: 200 }
      },
    ],
    ['an answer of 60 MiB', () => lengthyFrom(toOpenAi)],
    ['an answer of 60 MiB from a provider of the other format', () => lengthyFrom(toAnthropic)],
    [
      'an answer of 60 MiB in OpenAI’s format for a client of Anthropic’s',
      () => ({
        ...{ ...lengthyFrom(toOpenAi), path: 'messages' },
        body: JSON.stringify({ model: GPT, max_tokens: 50, messages: user('x') }),
      }),
    ],
  ])('row G16: no turn of the loop is long by %s', async (_, input) => {
    // What is compiled at the first request is no part of what a request takes.
    const request = input()
    expect(await send(request)).toBe(request.status)
    expect(await longestTurn(request)).toBeLessThan(TURN_MAX_MS)
  })
})
