/** One tenant's requests at a time, and their time, over a real socket; another tenant is served meanwhile. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { z } from '@hono/zod-openapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { json } from '../../src/http/answers.ts'
import { jsonBody } from '../../src/http/body.ts'
import { type Caller, createTurns, defaultTurnLimits, type Turns } from '../../src/http/turns.ts'
import { direct, keyed, read } from './api.ts'
import { type ServedSample, startSample } from './serving.ts'

let now = 0
/** How long each look at the clock is after the one before: what a step costs. */
let costMs = 0
let served: ServedSample

beforeAll(async () => {
  const limits = { tenantInFlightMax: 2, tenantLoopMaxPercent: 10, tenantLoopWindowMs: 10_000 }
  served = await startSample({ rows: [{ id: 1, tenant: 'acme', colour: 'red' }], nowMs: () => (now += costMs), limits })
})
afterAll(() => served.close())

const ask = (tenant: string, init: RequestInit = {}, path = '/keyset') =>
  fetch(`${served.url}/sample${path}`, {
    ...init,
    headers: { authorization: `Bearer key-${tenant}-notes`, ...init.headers },
  })

/** A request under way: its head has come, its body has not. */
async function begun(tenant: string) {
  const socket = connect(served.port, '127.0.0.1')
  const head = ['POST /sample/upload HTTP/1.1', 'host: x', `authorization: Bearer key-${tenant}-notes`]
  const rest = ['content-type: application/octet-stream', 'content-length: 2', 'expect: 100-continue']
  socket.write(`${[...head, ...rest].join('\r\n')}\r\n\r\n`)
  const [said] = await once(socket, 'data')
  return { socket, said: String(said) }
}

it('requests beyond a tenant’s bound are 429 in the context’s own words until one is answered', async () => {
  const [first, second] = [await begun('acme'), await begun('acme')]
  expect([first.said, second.said]).toStrictEqual(Array(2).fill(expect.stringMatching(/^HTTP\/1\.1 100 /)))
  const refused = await ask('acme')
  expect([refused.status, refused.headers.get('retry-after')]).toStrictEqual([429, '1'])
  expect(await refused.json()).toMatchObject({ error: { kind: 'rate_limit_exceeded' } })
  expect((await ask('acme', {}, '/nowhere')).status).toBe(429)
  expect((await ask('other')).status).toBe(200)
  first.socket.write('ab')
  expect(String((await once(first.socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /)
  expect((await ask('acme')).status).toBe(200)
  // One that goes away gives its place back too.
  second.socket.destroy()
  first.socket.destroy()
  await expect
    .poll(async () => (await Promise.all([ask('acme'), ask('acme')])).map(({ status }) => status))
    .toStrictEqual([200, 200])
})

it('what a list does with its rows counts, and so does its answer', async () => {
  let clock = 0
  let stepMs = 0
  // Ten seconds; each step takes half a second, as the clock has it.
  const limits = { tenantLoopMaxPercent: 1, tenantLoopWindowMs: 1_000_000 }
  const own = await startSample({ nowMs: () => (clock += stepMs), limits })
  const from = (tenant: string, path: string) =>
    fetch(`${own.url}/sample${path}`, { headers: { authorization: `Bearer key-${tenant}-notes` } })
  await from('neighbour', '/who')
  stepMs = 500
  const untilRefused = async (tenant: string, path: string) => {
    let asked = 1
    while ((await from(tenant, path)).status === 200) asked += 1
    return asked
  }
  const [reads, lists] = [await untilRefused('reader', '/who'), await untilRefused('lister', '/keyset')]
  // A read has two steps. A list has two more: its turn comes after its place, and once more behind its rows.
  expect(reads).toBeGreaterThanOrEqual(2 * lists - 2)
  await own.close()
})

it('a tenant whose requests have taken their share of the time is 429; a refused body has cost time too', async () => {
  costMs = 500
  const statuses: number[] = []
  const send = () =>
    ask(
      'busy',
      { method: 'POST', body: '{', headers: { 'content-type': 'application/json', 'idempotency-key': 'k' } },
      '/notes',
    )
  for (let n = 0; n < 30 && statuses.at(-1) !== 429; n++) statuses.push((await send()).status)
  costMs = 0
  expect(statuses.slice(0, 2)).toStrictEqual([400, 400])
  const refused = await ask('busy')
  expect([refused.status, Number(refused.headers.get('retry-after'))]).toStrictEqual([429, expect.any(Number)])
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await ask('other')).status).toBe(200)
  now += 20_000
  expect((await ask('busy')).status).toBe(200)
})

it('a long answer is sent whole, and its bytes count for whoever asked', async () => {
  const LENGTH = 40_000
  const long = read({
    ...{ path: '/long', id: 'readLong', summary: 'More than fits at once', access: keyed },
    answer: json(z.object({ text: z.string() }), 'A long text.'),
    // Two bytes each.
    handle: () => ({ text: 'é'.repeat(LENGTH) }),
  })
  const sent: [Caller, number][] = []
  const turns: Turns = { ...createTurns(defaultTurnLimits), send: (...each) => void sent.push(each) }
  const own = await startSample({ operations: [long], turns })
  const from = (path: string) =>
    fetch(`${own.url}/sample${path}`, { headers: { authorization: 'Bearer key-reader-notes' } })
  await from('/who')
  const answer = await from('/long')
  expect(answer.headers.get('content-length')).toBe(String(2 * LENGTH + '{"text":""}'.length))
  expect(await answer.json()).toStrictEqual({ text: 'é'.repeat(LENGTH) })
  await expect.poll(() => sent.map(([caller, bytes]) => [caller.isKnown, bytes])).toStrictEqual([[true, 80_011]])
  await own.close()
})

describe('a direct operation', () => {
  let held: (() => void)[] = []
  /** Answers by itself; with `x-hold` once it is let go. */
  const sent = direct({
    ...{ path: '/direct', id: 'sendDirectly', summary: 'Answers by itself', access: keyed, rate: 'direct' },
    body: jsonBody(z.object({})),
    answers: { 200: json(z.object({ bytes: z.int() }), 'How many bytes came.') },
    async handle({ incoming, outgoing, exchange, counted }) {
      const chunks = (await incoming.toArray()) as Buffer[]
      const bytes = await counted(() => Buffer.concat(chunks).length)
      if (incoming.headers['x-hold'] !== undefined) await new Promise<void>((resolve) => held.push(resolve))
      outgoing
        .writeHead(200, { ...exchange.headers, 'content-type': 'application/json' })
        .end(JSON.stringify({ bytes }))
    },
  })
  const rates = {
    direct: { by: 'tenant', perMinuteMax: () => 3, detail: (max: number) => `${max} a minute.` } as const,
  }
  const to = (of: ServedSample, tenant: string, headers: Record<string, string> = {}) =>
    fetch(`${of.url}/sample/direct`, {
      method: 'POST',
      headers: { authorization: `Bearer key-${tenant}-notes`, 'content-type': 'application/json', ...headers },
      body: '{}',
    })

  it('is counted by its rate class, which its answers show, and refused beyond it', async () => {
    const own = await startSample({ operations: [sent], rates })
    const remaining: (string | null)[] = []
    for (let n = 0; n < 3; n++) remaining.push((await to(own, 'acme')).headers.get('ratelimit-remaining'))
    expect(remaining).toStrictEqual(['2', '1', '0'])
    const refused = await to(own, 'acme')
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toStrictEqual([429, true])
    expect((await to(own, 'other')).status).toBe(200)
    await own.close()
  })

  it('counts with the time of what it does, and is refused beyond its tenant’s share', async () => {
    let clock = 0
    let stepMs = 0
    const limits = { tenantLoopMaxPercent: 10, tenantLoopWindowMs: 10_000 }
    const unlimited = { direct: { ...rates.direct, perMinuteMax: () => 1_000 } }
    const own = await startSample({ operations: [sent], rates: unlimited, limits, nowMs: () => (clock += stepMs) })
    await to(own, 'neighbour')
    stepMs = 600
    const statuses: number[] = []
    for (let n = 0; n < 10 && statuses.at(-1) !== 429; n++) statuses.push((await to(own, 'busy')).status)
    expect(statuses.slice(0, 1).concat(statuses.slice(-1))).toStrictEqual([200, 429])
    stepMs = 0
    expect((await to(own, 'neighbour')).status).toBe(200)
    await own.close()
  })

  it('that lasts takes no place of its tenant’s other requests', async () => {
    held = []
    const own = await startSample({ operations: [sent], rates, limits: { tenantInFlightMax: 1 } })
    const lasting = [to(own, 'acme', { 'x-hold': 'yes' }), to(own, 'acme', { 'x-hold': 'yes' })]
    await expect.poll(() => held.length).toBe(2)
    const read = await fetch(`${own.url}/sample/keyset`, { headers: { authorization: 'Bearer key-acme-notes' } })
    expect(read.status).toBe(200)
    for (const letGo of held) letGo()
    expect((await Promise.all(lasting)).map(({ status }) => status)).toStrictEqual([200, 200])
    await own.close()
  })
})
