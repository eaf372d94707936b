import { type Context, Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { respondJson } from '../../src/http/answers.ts'
import { createBounds } from '../../src/http/bounds.ts'
import { createCallers } from '../../src/http/callers.ts'
import { clientAddress } from '../../src/http/client-address.ts'
import { idempotencyKey } from '../../src/http/command.ts'
import { POSITION_HEADER, readAtLeast, type Waiter, waitForReadModels } from '../../src/http/consistency.ts'
import { refuse } from '../../src/http/context.ts'
import { createSealer } from '../../src/http/cursor.ts'
import { type AppEnv, defaultHttpLimits } from '../../src/http/environment.ts'
import { Problem, rootErrors } from '../../src/http/errors.ts'
import { createWindow, refuseBeyond } from '../../src/http/rate-limit.ts'
import { exchangeOf, quietRuntime, testSealer } from './exchange.ts'

describe('a window', () => {
  it('counts a key for a minute from its first use, and starts anew', () => {
    let now = 1_000
    const window = createWindow({ keysMax: 10, nowMs: () => now })
    expect(window.add('a')).toStrictEqual({ count: 1, resetMs: 60_000 })
    now += 59_999
    expect(window.add('a')).toStrictEqual({ count: 2, resetMs: 1 })
    expect(window.add('b')).toStrictEqual({ count: 1, resetMs: 60_000 })
    now += 1
    expect(window.add('a')).toStrictEqual({ count: 1, resetMs: 60_000 })
  })

  it('remembers no more keys than it may, and forgets the longest unused first', () => {
    const window = createWindow({ keysMax: 2, nowMs: () => 0 })
    window.add('a')
    window.add('b')
    window.add('a')
    window.add('c')
    expect([window.add('a').count, window.add('b').count]).toStrictEqual([3, 1])
  })

  it('does not grow longer where its clock goes back', () => {
    let now = 100_000
    const window = createWindow({ keysMax: 2, nowMs: () => now })
    window.add('a')
    now = 0
    expect(window.add('a')).toStrictEqual({ count: 1, resetMs: 60_000 })
  })
})

it('a refusal comes at once, and late to who insists', () => {
  const late = [61, 160, 161].map((count) => refuseBeyond(60, { count, resetMs: 5_000 }, 'Too many.')?.lateMs)
  expect(late).toStrictEqual([0, 0, 1_000])
})

describe('the client address', () => {
  const addressOf = async (remoteAddress: string | undefined, forwarded?: string, trustProxy = false) => {
    const app = new Hono<AppEnv>().get('/', (c) => c.text(clientAddress(c, trustProxy)))
    const incoming = { socket: { remoteAddress } }
    const headers: Record<string, string> = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
    return (await app.request('/', { headers }, remoteAddress === undefined ? {} : { incoming })).text()
  }

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    [undefined, 'unknown'],
  ])('of %s counts as %s', async (address, counted) => expect(await addressOf(address)).toBe(counted))

  it('is taken from x-forwarded-for behind a trusted proxy alone, and there from its last entry', async () => {
    expect(await addressOf('192.0.2.7', '198.51.100.1, 203.0.113.9')).toBe('192.0.2.7')
    expect(await addressOf('192.0.2.7', '198.51.100.1, 203.0.113.9', true)).toBe('203.0.113.9')
    expect(await addressOf('192.0.2.7', undefined, true)).toBe('192.0.2.7')
  })
})

describe('bodies in flight', () => {
  const limits = { ...defaultHttpLimits, bodiesInFlightMaxBytes: 100, bodiesInFlightPerAddressMaxBytes: 60 }
  const bounds = createBounds(limits, () => 0, createCallers(false))
  const hold = (remoteAddress: string, headers: Record<string, string>) => {
    const header = (name: string) => headers[name]
    const c = { req: { header }, env: { incoming: { socket: { remoteAddress } } } }
    return bounds.holdBody(c as unknown as Context<AppEnv>, 50)
  }

  it('are bounded by address and in all, and give their room back', () => {
    const first = hold('192.0.2.1', { 'content-length': '40' })
    expect(() => hold('192.0.2.1', { 'content-length': '21' })).toThrow(/This address has too many bodies/)
    const second = hold('192.0.2.1', { 'content-length': '20' })
    const third = hold('192.0.2.2', { 'content-length': '40' })
    expect(() => hold('192.0.2.3', { 'content-length': '1' })).toThrow(/This process has too many bodies/)
    for (const release of [first, third]) release?.()
    // Of one that does not say its length, the operation's bound counts.
    const chunked = hold('192.0.2.3', { 'transfer-encoding': 'chunked' })
    expect(() => hold('192.0.2.3', { 'content-length': '11' })).toThrow(Problem)
    for (const release of [second, chunked]) release?.()
    // One alone is taken as its own limit has it, and a request without a body is not counted.
    const alone = hold('192.0.2.1', { 'content-length': '1000' })
    expect(hold('192.0.2.1', {})).toBeUndefined()
    alone?.()
  })
})

describe('answers', () => {
  const limits = {
    ...defaultHttpLimits,
    answersUnreadMaxBytes: 100,
    answersUnreadInAllMaxBytes: 180,
    answerTakenMaxMs: 1,
  }
  const bounds = createBounds(limits, () => 0, createCallers(false))
  const sent = (remoteAddress: string, writableLength = 0, outgoing = {}) =>
    ({
      env: { incoming: { headers: {}, socket: { remoteAddress } }, outgoing: { writableLength, ...outgoing } },
    }) as never

  it('that are not taken are counted for the caller, who is refused beyond a bound until they are', () => {
    expect(bounds.holdAnswer(sent('192.0.2.1'))).toBeUndefined()
    const releases = [60, 40].map((bytes) => bounds.holdAnswer(sent('192.0.2.1', bytes)))
    expect(bounds.leavesUnread(sent('192.0.2.1'))).toMatchObject({ code: 'rate_limit_exceeded' })
    expect(bounds.leavesUnread(sent('192.0.2.2'))).toBeUndefined()
    releases[0]?.()
    expect(bounds.leavesUnread(sent('192.0.2.1'))).toBeUndefined()
    releases[1]?.()
  })

  it('of all callers have a bound too, beyond which each has an equal part, and who takes them is served', () => {
    const callers = ['192.0.2.1', '192.0.2.2', '192.0.2.3']
    const releases = [90, 70, 30].map((bytes, index) => bounds.holdAnswer(sent(callers[index] ?? '', bytes)))
    const isRefused = () => callers.map((caller) => bounds.leavesUnread(sent(caller)) !== undefined)
    expect(isRefused()).toStrictEqual([true, true, false])
    expect(bounds.leavesUnread(sent('192.0.2.4'))).toBeUndefined()
    releases[2]?.()
    expect(isRefused()).toStrictEqual([false, false, false])
    for (const release of releases.slice(0, 2)) release?.()
  })

  it('are not made for a client that has gone', () => {
    expect(bounds.leavesUnread(sent('192.0.2.1', 0, { destroyed: true }))).toBeDefined()
  })

  it('that are whole are to be taken in time, else their client is cut off; others come as they are taken', async () => {
    const cut = Promise.withResolvers<void>()
    bounds.holdAnswer(sent('192.0.2.1', 1, { destroy: () => cut.reject(new Error('not whole')) }))
    bounds.holdAnswer(sent('192.0.2.1', 1, { writableEnded: true, destroy: () => cut.resolve() }))
    await cut.promise
  })
})

describe('a caller', () => {
  const from = (authorization?: string) =>
    ({ headers: { ...(authorization && { authorization }) }, socket: { remoteAddress: '192.0.2.1' } }) as never

  it('is the tenant of a credential that was found to be good, until it is not, and else the address', () => {
    const callers = createCallers(false)
    expect(callers.of(from('Bearer one')).name).toBe('192.0.2.1')
    callers.learn(from('Bearer one'), 'acme')
    callers.learn(from(), 'acme')
    const known = [from('Bearer one'), from('Bearer two'), from()].map((request) => callers.of(request).name)
    expect(known).toStrictEqual(['acme', '192.0.2.1', '192.0.2.1'])
    callers.forget(from('Bearer one'))
    expect(callers.of(from('Bearer one')).name).toBe('192.0.2.1')
  })

  it('who signs bodies is known by the connection, at that address alone, until one is refused there', () => {
    const callers = createCallers(false)
    const connection = () => ({ remoteAddress: '192.0.2.1' })
    const [own, another] = [connection(), connection()]
    const on = (socket: object, url = '/events') => ({ headers: {}, socket, url }) as never
    callers.vouch(on(own), 'payments')
    expect(callers.of(on(own))).toStrictEqual({ name: 'payments', isKnown: true })
    const others = [on(own, '/else'), on(another)].map((request) => callers.of(request))
    expect(others).toStrictEqual(Array(2).fill({ name: '192.0.2.1', isKnown: false }))
    callers.forget(on(own))
    expect(callers.of(on(own)).isKnown).toBe(false)
  })
})

describe('an idempotency key', () => {
  it.each(['a', 'x'.repeat(255), 'order:2026/03-02#7', 'schlüssel', '注文'])('may be "%s"', (key) =>
    expect(idempotencyKey(key)).toBe(key),
  )

  it.each(['', 'x'.repeat(256), 'a b', 'a\n', '\u0007', '\u200b', '\u00a0'])('may not be %j', (key) =>
    expect(() => idempotencyKey(key)).toThrow(Problem),
  )
})

describe('reading one’s writes', () => {
  const asked: { position: bigint; timeoutMs: number }[] = []
  const waiterAt = (current: bigint): Waiter => ({
    current: () => current,
    waitFor: async (position, timeoutMs) => {
      asked.push({ position, timeoutMs })
      return position <= current
    },
  })
  const app = (waiter: Waiter) => {
    const api = new Hono<AppEnv>()
    api.onError((error, c) => refuse(c.get('exchange'), error, rootErrors, quietRuntime()))
    const consistency = { waiter, waitMs: 250, sealer: testSealer }
    const atLeast = readAtLeast(consistency)
    api.use((c, next) => {
      c.set('exchange', exchangeOf('id'))
      return next()
    })
    const answer = (c: Context<AppEnv>) => respondJson(c.get('exchange'), 200, {}, 'application/json')
    api.get('/', async (c) => {
      await atLeast(c.get('exchange'), c.req.header(POSITION_HEADER))
      return answer(c)
    })
    api.post('/:written', async (c) => {
      const written = c.req.param('written')
      const reached = written === 'nothing' ? undefined : BigInt(written)
      await waitForReadModels(c.get('exchange'), reached, consistency)
      return answer(c)
    })
    return api
  }
  const position = (value: bigint) => ({ headers: { 'x-opslog-position': testSealer.sealPosition(value) } })
  const positionOf = ({ headers }: Response) => testSealer.openPosition(headers.get('x-opslog-position') ?? '')

  it('a read waits for the position that it names, and names its own', async () => {
    const answer = await app(waiterAt(9_007_199_254_740_995n)).request('/', position(9_007_199_254_740_993n))
    expect([answer.status, positionOf(answer)]).toStrictEqual([200, 9_007_199_254_740_995n])
    expect(asked.at(-1)).toStrictEqual({ position: 9_007_199_254_740_993n, timeoutMs: 250 })
  })

  it('a read of what does not come in time is answered with 503 and Retry-After', async () => {
    const answer = await app(waiterAt(6n)).request('/', position(7n))
    expect([answer.status, answer.headers.get('retry-after')]).toStrictEqual([503, '1'])
    expect(await answer.json()).toMatchObject({ code: 'read_model_behind' })
  })

  it('a write is answered also where the read models do not come that far in time', async () => {
    const answer = await app(waiterAt(6n)).request('/7', { method: 'POST' })
    expect([answer.status, positionOf(answer)]).toStrictEqual([200, 7n])
    expect(answer.headers.get('x-opslog-read-models')).toBe('behind')
  })

  it('a position says nothing of the log, and is another text each time', async () => {
    const asks = Array.from({ length: 3 }, () => app(waiterAt(6n)).request('/', position(5n)))
    const texts = (await Promise.all(asks)).map(({ headers }) => headers.get('x-opslog-position') ?? '')
    expect(new Set(texts).size).toBe(3)
    for (const text of texts) expect(Buffer.from(text, 'base64url').readBigUInt64BE()).not.toBe(6n)
    expect(new Set([...texts, testSealer.sealPosition(2n ** 63n - 1n)].map(({ length }) => length)).size).toBe(1)
  })

  it('a position is good on every process of the installation, and a changed one is refused', async () => {
    const sealed = createSealer(() => [Buffer.alloc(32, 9), Buffer.alloc(32, 7)]).sealPosition(5n)
    const elsewhere = createSealer(() => [Buffer.alloc(32, 7), Buffer.alloc(32, 9)])
    expect(elsewhere.openPosition(sealed)).toBe(5n)
    const changed = [...sealed].map(
      (letter, at) => sealed.slice(0, at) + (letter === 'A' ? 'B' : 'A') + sealed.slice(at + 1),
    )
    for (const text of [...changed, `${sealed}A`, `${sealed}=`, '5', `${'0'.repeat(18)}5`]) {
      expect(elsewhere.openPosition(text), text).toBeUndefined()
    }
    const headers = { 'x-opslog-position': '5' }
    expect((await app(waiterAt(6n)).request('/', { headers })).status).toBe(400)
  })

  it('a write that wrote nothing names where the read models stand', async () => {
    const answer = await app(waiterAt(6n)).request('/nothing', { method: 'POST' })
    expect(positionOf(answer)).toBe(6n)
  })
})
