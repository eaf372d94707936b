/**
 * Row G16: what is long, deep or many does not hold up a process with an API for longer than others may wait. It is a process of its own,
 * as in production, and what is measured is its own work.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
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
beforeAll(async () => {
  const meter = pathToFileURL(join(import.meta.dirname, '../support/loop-meter.ts')).href
  rungate = await openRungateHouse({ NODE_OPTIONS: `--import ${meter}`, LOOP_METER_FILE: meterFile })
  const routing = { timeout_ms: 60_000, default_chain: ['openai'] }
  agent = await rungate.caller.agent({ policy: { routing } })
  poor = await rungate.caller.agent({ policy: { routing, budget: { hard_limit_usd: 0.1 } } })
  for (const { apiKey: key } of [agent, poor]) {
    await vi.waitFor(async () => expect((await rungate.ask('api', 'GET', '/v1/me', { key })).status).toBe(200), {
      interval: 20,
      timeout: 10_000,
    })
  }
}, 400_000)
afterAll(async () => {
  await rungate.close()
  directory.remove()
}, 60_000)

/** A request, and what is to come of it. */
interface Input {
  body: string
  status: number
  key?: string
}

async function send({ body, key = agent.apiKey }: Input): Promise<number> {
  const response = await fetch(`${rungate.house.urlOf('api')}/rungate/v1/chat/completions`, {
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
const tool = (n: number) => ({ type: 'function', function: { name: `tool_${n}`, parameters: { type: 'object' } } })
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
  ])('row G16: no turn of the loop is long by %s', async (_, input) => {
    // What is compiled at the first request is no part of what a request takes.
    const request = input()
    expect(await send(request)).toBe(request.status)
    expect(await longestTurn(request)).toBeLessThan(TURN_MAX_MS)
  })
})
