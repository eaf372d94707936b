/** Calls to providers over real connections: what fails how, and that nothing waits for ever or without bound. */

import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createBreaker, type Transition } from '../../../src/adapters/llm/breaker.ts'
import {
  createProviderClient,
  type ProviderClient,
  type ProviderRequest,
} from '../../../src/adapters/llm/provider-client.ts'
import { providerHeaders, providerUrl } from '../../../src/adapters/llm/provider-headers.ts'
import { StreamRelay } from '../../../src/adapters/llm/stream-relay.ts'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'

let simulator: LlmSimulator
let client: ProviderClient
const vetted: string[] = []
const vet = async (host: string) => {
  vetted.push(host)
  if (host === 'private.example') throw new Error('private.example is not a public address.')
  return ['127.0.0.1']
}
beforeAll(async () => {
  simulator = await startLlmSimulator()
  client = createProviderClient({ vet })
})
afterAll(async () => {
  await client.close()
  await simulator.close()
})
beforeEach(() => simulator.order({ reset: true }))

const call = (body: object = {}, request: Partial<ProviderRequest> = {}) => {
  const text = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hi' }], ...body })
  return client.call({
    url: `${simulator.url}/v1/chat/completions`,
    headers: providerHeaders('openai', 'sk-secret', {}),
    body: [Buffer.from(text)],
    ...{ connectTimeoutMs: 5_000, timeoutMs: 20_000, ...request },
  })
}
const failureOf = async (answer: Promise<unknown>) => {
  const failure = (await answer.then(
    () => undefined,
    (error: unknown) => error,
  )) as { kind?: string } | undefined
  return failure?.kind
}

describe('a call', () => {
  it('brings status, the headers that clients may see, and the whole body', async () => {
    const { status, headers, body } = await call().answer
    expect([status, headers]).toStrictEqual([
      200,
      { 'content-type': 'application/json', 'x-request-id': 'req_simulated' },
    ])
    expect(JSON.parse((await body.whole(100_000)).toString()).choices[0].message.content).toBe('You said: Hi')
    expect(simulator.log()[0]).toMatchObject({ key: 'sk-secret', headers: { 'accept-encoding': 'identity' } })
  })

  it('sends a body in pieces as one', async () => {
    const body = ['{"model":"m","messages":[{"role":"user",', '"content":"', 'Grüße"}]}'].map((piece) =>
      Buffer.from(piece),
    )
    const { body: answer } = await call({}, { body }).answer
    expect((await answer.whole(100_000)).toString()).toContain('You said: Grüße')
  })

  it('resolves with errors of the provider as they are', async () => {
    simulator.order({ rules: [{ fault: { status: 429, retryAfter: '7' } }] })
    const { status, headers } = await call().answer
    expect([status, headers['retry-after']]).toStrictEqual([429, '7'])
  })

  it('hands on a stream as it comes, whatever pieces it comes in', async () => {
    simulator.order({ rules: [{ fault: { pieceBytes: 5 } }] })
    const { body } = await call({ stream: true, messages: [{ role: 'user', content: '[[words 12]] ü' }] }).answer
    const relay = new StreamRelay({ from: 'openai', to: 'openai', wantsUsage: false, model: 'gpt-5', createdS: 0 })
    for await (const piece of body) relay.push(piece)
    relay.end()
    expect(relay.reader.deliveredBytes).toBe('word'.length * 12 + 11)
  })

  it('reads no more of an answer than is taken', async () => {
    simulator.order({ rules: [{ answer: { text: 'a'.repeat(900_000) } }] })
    const { body } = await call().answer
    const first = await body.read()
    // The sender is held, so what waits stays below the mark and one read of the network above it.
    expect(first!.length).toBeLessThan(400_000)
    let length = first!.length
    for await (const piece of body) length += piece.length
    expect(length).toBeGreaterThan(900_000)
  })

  it('fails with the answer that is too long', async () => {
    simulator.order({ rules: [{ answer: { text: 'a'.repeat(900_000) } }] })
    const { body } = await call().answer
    await expect(body.whole(500_000)).rejects.toThrow(/more than 500000 bytes/)
  })
})

describe('a call that fails', () => {
  it.each([
    ['before an answer', { reset: {} }],
    ['within the body', { reset: { afterFrames: 2 } }],
    ['within a whole answer', { cut: {} }],
  ])('%s is a network error', async (what, fault) => {
    simulator.order({ rules: [{ fault }] })
    const running = call({ stream: what === 'within the body' })
    const read = running.answer.then(({ body }) => body.whole(100_000))
    expect(await failureOf(read)).toBe('network_error')
    expect(running.isSent).toBe(true)
  })

  it('by its time limit before or within the answer has that kind', async () => {
    simulator.order({ rules: [{ times: 1, fault: { hang: true } }, { fault: { stall: { afterFrames: 2 } } }] })
    expect(await failureOf(call({}, { timeoutMs: 50 }).answer)).toBe('request_timeout')
    // On a busy machine the limit may pass before the first byte; it is the same kind.
    const read = call({ stream: true }, { timeoutMs: 500 }).answer.then(({ body }) => body.whole(100_000))
    expect(await failureOf(read)).toBe('request_timeout')
  })

  it('because nobody listens or nobody may is a network error, and was not sent', async () => {
    const refused = call({}, { url: 'http://127.0.0.1:1/v1/chat/completions' })
    expect([await failureOf(refused.answer), refused.isSent]).toStrictEqual(['network_error', false])
    const closed = call({}, { url: 'http://private.example/v1/chat/completions' })
    await expect(closed.answer).rejects.toThrow(/private.example is not a public address/)
    expect([await failureOf(closed.answer), closed.isSent]).toStrictEqual(['network_error', false])
    expect(vetted).toContain('127.0.0.1')
  })

  it('goes to an address that was vetted, whatever the name', async () => {
    const { port } = new URL(simulator.url)
    const { status } = await call({}, { url: `http://provider.example:${port}/v1/chat/completions` }).answer
    expect([status, vetted.at(-1)]).toStrictEqual([200, 'provider.example'])
  })

  it('by the client who leaves ends at the provider too', async () => {
    simulator.order({ rules: [{ fault: { hang: true } }, { fault: {} }] })
    const running = call()
    await vi.waitFor(() => expect(simulator.log()).toHaveLength(1))
    running.abort()
    expect(await failureOf(running.answer)).toBe('client_disconnect')
    await vi.waitFor(() => expect(simulator.log()[0]?.outcome).toBe('hung'))
  })

  it('by a reader who stops reading ends at the provider too', async () => {
    simulator.order({ rules: [{ fault: { stall: { afterFrames: 3 } } }] })
    const { body } = await call({ stream: true }).answer
    for await (const piece of body) if (piece.length > 0) break
    await vi.waitFor(() => expect(simulator.log()[0]?.outcome).toBe('stalled'))
  })
})

describe('a provider that takes no connection in time', () => {
  let silent: Server
  const sockets = new Set<Socket>()
  beforeAll(async () => {
    // TLS never begins: the connection is there, and says nothing.
    silent = createServer((socket) => sockets.add(socket))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })

  it('is known as that', async () => {
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/v1/chat/completions`
    const running = call({}, { url, connectTimeoutMs: 100, timeoutMs: 15_000 })
    expect([await failureOf(running.answer), running.isSent]).toStrictEqual(['tcp_connect_timeout', false])
  })
})

describe('headers and addresses', () => {
  it('are the provider’s own, with what a client may add', () => {
    const sent = {
      authorization: 'Bearer rg_sk_1',
      'x-api-key': 'rg_sk_1',
      cookie: 'a=b',
      'x-gateway-run-id': 'r',
      host: 'h',
      'user-agent': 'ua',
      'anthropic-beta': 'x',
      'openai-organization': 'o',
    }
    expect(providerHeaders('openai', 's', sent)).toStrictEqual({
      ...{
        'content-type': 'application/json',
        'user-agent': 'ua',
        'openai-organization': 'o',
        authorization: 'Bearer s',
      },
    })
    expect(providerHeaders('anthropic', 's', sent)).toStrictEqual({
      ...{
        'anthropic-version': '2023-06-01',
        'content-type': 'application/json',
        'anthropic-beta': 'x',
        'user-agent': 'ua',
        'x-api-key': 's',
      },
    })
    expect(providerHeaders('anthropic', 's', { 'anthropic-version': '2030-01-01' })['anthropic-version']).toBe(
      '2030-01-01',
    )
  })

  it.each([
    ['openai', 'https://api.openai.com/v1', 'https://api.openai.com/v1/chat/completions'],
    ['openai', 'http://127.0.0.1:8000/v1/', 'http://127.0.0.1:8000/v1/chat/completions'],
    ['anthropic', 'https://api.anthropic.com', 'https://api.anthropic.com/v1/messages'],
    ['anthropic', 'https://api.anthropic.com/v1/', 'https://api.anthropic.com/v1/messages'],
  ] as const)('of %s at %s are %s', (format, base, url) => {
    expect(providerUrl(format, base)).toBe(url)
  })
})

describe('a breaker', () => {
  let now = 0
  let told: Transition[] = []
  const settings = { failureThreshold: 3, recoveryTimeoutMs: 100, maxRecoveryTimeoutMs: 300 }
  const make = () =>
    createBreaker(
      () => now,
      (transition) => told.push(transition),
    )
  afterEach(() => {
    now = 0
    told = []
  })
  const fail = (breaker: ReturnType<typeof make>, times: number) => {
    for (let time = 0; time < times; time++) breaker.failed('k', settings)
  }

  it('opens after failures in a row, lets one call try, and closes when that succeeds', () => {
    const breaker = make()
    fail(breaker, 2)
    breaker.succeeded('k')
    fail(breaker, 2)
    expect(breaker.admit('k')).toBe('closed')
    fail(breaker, 1)
    expect([breaker.admit('k'), breaker.admit('other'), breaker.stateOf('k')]).toStrictEqual(['open', 'closed', 'open'])
    now = 100
    expect([breaker.admit('k'), breaker.admit('k'), breaker.stateOf('k')]).toStrictEqual(['probe', 'open', 'half_open'])
    breaker.succeeded('k')
    expect([breaker.admit('k'), told.map(({ state }) => state)]).toStrictEqual([
      'closed',
      ['open', 'half_open', 'closed'],
    ])
  })

  it('waits twice as long after each failed try, up to the maximum', () => {
    const breaker = make()
    fail(breaker, 3)
    const waits = [100, 200, 300, 300]
    for (const wait of waits) {
      now += wait - 1
      expect(breaker.admit('k')).toBe('open')
      now += 1
      expect(breaker.admit('k')).toBe('probe')
      fail(breaker, 1)
    }
    expect(told.filter(({ state }) => state === 'open').map(({ waitMs }) => waitMs)).toStrictEqual([
      100,
      ...waits.slice(1),
      300,
    ])
  })

  it('waits 24 days at most, so that the read models can hold it', () => {
    const longest = Number.MAX_SAFE_INTEGER
    make().failed('k', { failureThreshold: 1, recoveryTimeoutMs: longest, maxRecoveryTimeoutMs: longest })
    expect(told).toMatchObject([{ state: 'open', waitMs: 24 * 86_400_000 }])
  })

  it('is not opened further by calls that were under way', () => {
    const breaker = make()
    fail(breaker, 5)
    expect(told).toHaveLength(1)
  })

  it('counts nothing for a policy without a threshold', () => {
    const breaker = make()
    for (let time = 0; time < 9; time++) breaker.failed('k', { ...settings, failureThreshold: 0 })
    expect([breaker.admit('k'), told]).toStrictEqual(['closed', []])
  })

  it('gives a probe back that said nothing, and gives up one that never reports', () => {
    const breaker = make()
    fail(breaker, 3)
    now = 100
    expect(breaker.admit('k')).toBe('probe')
    breaker.released('k')
    expect([breaker.admit('k'), breaker.admit('k')]).toStrictEqual(['probe', 'open'])
    now = 200
    expect(breaker.admit('k')).toBe('probe')
  })

  it('follows what other processes saw, without telling it again', () => {
    const breaker = make()
    breaker.follow({ key: 'k', state: 'open', atMs: 0, waitMs: 50, failures: 1 })
    expect(breaker.admit('k')).toBe('open')
    now = 50
    expect(breaker.admit('k')).toBe('probe')
    breaker.follow({ key: 'k', state: 'closed', atMs: 50, waitMs: 0, failures: 0 })
    expect([breaker.admit('k'), told.map(({ state }) => state)]).toStrictEqual(['closed', ['half_open']])
  })
})
