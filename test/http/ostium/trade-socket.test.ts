/** The trade socket: the same as the POSTs, in order, within bounds. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { findBuilds } from '../../../src/projections/ostium/build.ts'
import { eventually } from '../../projections/support.ts'
import { eventsOf } from '../../support/event-store.ts'
import { paperMarket, type ServedOstium, startOstium } from './serving.ts'

const TRADER = '0x742d35Cc6634C0532925a3b844Bc9e7595f5bE21'
const open = { a: 0, b: true, t: 'market', p: '42500.00', s: '100', l: '10' }
const headers = { 'X-Trader-Address': TRADER }

let served: ServedOstium
beforeAll(async () => {
  served = await startOstium({ market: paperMarket, env: { OSTIUM_RATE_LIMIT_PER_MINUTE_MAX: '0' } })
})
afterAll(() => served.stop())

type Opened = Awaited<ReturnType<ServedOstium['socket']>>
const connect = () => served.socket('/v1/exchange/ws')
const until = ({ messages }: Opened, count: number) =>
  eventually(() => {
    expect(messages.length).toBeGreaterThanOrEqual(count)
    return messages
  })

async function asked(message: unknown) {
  const opened = await connect()
  opened.send(message)
  const [reply] = await until(opened, 1)
  opened.socket.terminate()
  return reply
}

it('answers each action as its POST does', async () => {
  const bodies = {
    open: { open },
    close: { closes: [{ a: 0, t: 0, p: '43000', r: 100 }] },
    cancel: { cancels: [{ t: 'limit', a: 0, i: 1 }] },
    modify: { a: 0, i: 0, tp: '46000' },
    margin: { a: 0, i: 0, amount: '-5' },
  }
  for (const [action, payload] of Object.entries(bodies)) {
    const posted = await served.post(`/v1/exchange/${action}`, TRADER, payload)
    expect(await asked({ id: action, action, headers, payload })).toStrictEqual({
      id: action,
      ok: true,
      data: posted.body,
    })
  }
  const health = await asked({ action: 'health' })
  expect(health).toMatchObject({ ok: true, data: { status: 'healthy', endpoint: 'exchange' } })
  expect('id' in health).toBe(false)
})

it('records that it came by socket, under the caller’s id', async () => {
  const trader = `0x${'4'.repeat(40)}`
  const requestId = randomUUID()
  await asked({ action: 'open', headers: { 'x-trader-address': trader, 'X-REQUEST-ID': requestId }, payload: { open } })
  const [row] = await eventually(async () => {
    const rows = await findBuilds(served.db, 31_337, trader, 10)
    expect(rows).toHaveLength(1)
    return rows
  })
  expect(row).toMatchObject({ channel: 'ws', operation: 'open' })
  const [event] = await eventsOf(served.store, `ostium.build-${row?.build_id}`)
  expect(event?.metadata).toMatchObject({ actor: { kind: 'caller', id: 'public' }, requestId })
})

it('shares its keys with the POSTs', async () => {
  const key = randomUUID()
  const posted = await served.post('/v1/exchange/open', TRADER, { open }, { headers: { 'idempotency-key': key } })
  const before = await served.store.head()
  const keyed = { ...headers, 'Idempotency-Key': key }
  expect(await asked({ action: 'open', headers: keyed, payload: { open } })).toStrictEqual({
    ok: true,
    data: posted.body,
  })
  expect((await served.store.head())?.position).toBe(before?.position)
  const other = await asked({ action: 'open', headers: keyed, payload: { open: { ...open, l: '11' } } })
  expect(other).toMatchObject({ ok: false, error: { code: 400, errorCode: 'INVALID_REQUEST' } })
})

describe('is refused', () => {
  const payload = { open }
  it.each([
    ['no object', 7, 400, 'INVALID_REQUEST'],
    ['a list', [], 400, 'INVALID_REQUEST'],
    ['an id that is no text', { id: 7, action: 'health' }, 400, 'INVALID_REQUEST'],
    ['a long id', { id: 'x'.repeat(129), action: 'health' }, 400, 'INVALID_REQUEST'],
    ['no action', { headers, payload }, 400, 'INVALID_ACTION'],
    ['an action of the language', { action: 'constructor', headers, payload }, 400, 'INVALID_ACTION'],
    ['no headers', { action: 'open', payload }, 400, 'INVALID_REQUEST'],
    ['no payload', { action: 'open', headers }, 400, 'INVALID_REQUEST'],
    [
      'a header that is no text',
      { action: 'open', headers: { ...headers, 'x-api-key': 7 }, payload },
      400,
      'INVALID_REQUEST',
    ],
    [
      'a header twice',
      { action: 'open', headers: { ...headers, 'x-trader-address': TRADER }, payload },
      400,
      'INVALID_REQUEST',
    ],
    ['no trader', { action: 'open', headers: {}, payload }, 400, 'INVALID_REQUEST'],
    [
      'a trader that is none',
      { action: 'open', headers: { 'x-trader-address': '0x1' }, payload },
      400,
      'INVALID_ADDRESS',
    ],
    ['a key that is none', { action: 'open', headers: { ...headers, 'x-api-key': 'k' }, payload }, 401, 'UNAUTHORIZED'],
    [
      'a payload that does not fit',
      { action: 'open', headers, payload: { open: { ...open, p: '0' } } },
      400,
      'VALIDATION_ERROR',
    ],
    ['a payload that is nothing', { action: 'open', headers, payload: null }, 400, 'INVALID_REQUEST'],
  ])('%s', async (_what, message, code, errorCode) => {
    expect(await asked(message)).toMatchObject({ ok: false, error: { message: expect.any(String), code, errorCode } })
  })

  it('with the path of what is wrong, and the id that it is about', async () => {
    const reply = await asked({ id: 'mine', action: 'open', headers, payload: { open: { ...open, p: '0' } } })
    expect(reply).toMatchObject({
      id: 'mine',
      error: { details: { validationErrors: { 'open.p': [expect.any(String)] } } },
    })
  })

  it('what is no JSON, and what is bytes; the connection stays', async () => {
    const opened = await connect()
    opened.socket.send('{')
    opened.socket.send(Buffer.from('{"action":"health"}'))
    opened.send({ action: 'health' })
    const messages = await until(opened, 3)
    expect(messages.map(({ ok, error }) => [ok, error?.errorCode])).toStrictEqual([
      [false, 'INVALID_REQUEST'],
      [false, 'INVALID_REQUEST'],
      [true, undefined],
    ])
    opened.socket.terminate()
  })
})

it('replies in the order of the messages, however many come at once', async () => {
  const opened = await connect()
  for (let n = 0; n < 400; n++) {
    const payload = n % 3 === 0 ? { open } : { open: { ...open, p: '0' } }
    opened.send({ id: String(n), action: n % 5 === 0 ? 'health' : 'open', headers, payload })
  }
  const messages = await until(opened, 400)
  expect(messages.map(({ id }) => id)).toStrictEqual(Array.from({ length: 400 }, (_, n) => String(n)))
  opened.socket.terminate()
})

it('takes messages under one key in their order: the first is carried out, and the others are its repeats', async () => {
  const opened = await connect()
  const keyed = { ...headers, 'Idempotency-Key': randomUUID() }
  const sizes = ['100', '200', '100', '300']
  for (const [n, s] of sizes.entries()) {
    opened.send({ id: String(n), action: 'open', headers: keyed, payload: { open: { ...open, s } } })
    opened.send({ id: `beside ${n}`, action: 'open', headers, payload: { open } })
  }
  const messages = await until(opened, 2 * sizes.length)
  expect(messages.map(({ id }) => id)).toStrictEqual(sizes.flatMap((_, n) => [String(n), `beside ${n}`]))
  expect(messages.map(({ ok }) => ok)).toStrictEqual([true, true, false, true, true, true, false, true])
  expect(messages[4]?.data).toStrictEqual(messages[0]?.data)
  opened.socket.terminate()
})

it('has as many messages a minute as an address has requests; those beyond are refused, and it stays', async () => {
  const small = await startOstium({ market: paperMarket })
  try {
    const opened = await small.socket('/v1/exchange/ws')
    for (let n = 0; n < 102; n++) opened.send({ id: String(n), action: 'health' })
    const messages = await until(opened, 102)
    expect(messages.slice(0, 100).every(({ ok }) => ok)).toBe(true)
    expect(messages.slice(100)).toMatchObject([
      { id: '100', ok: false, error: { code: 429, errorCode: 'RATE_LIMIT_EXCEEDED', details: { limit: 100 } } },
      { id: '101', ok: false },
    ])
    expect(opened.socket.readyState).toBe(WebSocket.OPEN)
    opened.socket.terminate()
  } finally {
    await small.stop()
  }
})

it('ends where a message is larger than 64 KiB', async () => {
  const { socket } = await connect()
  socket.send('x'.repeat(65_537))
  expect((await once(socket, 'close'))[0]).toBe(1009)
})

it('asks for an upgrade, and has a bound on sockets', async () => {
  const plain = await served.get('/v1/exchange/ws')
  expect([plain.status, plain.body.errorCode, plain.headers.get('upgrade')]).toStrictEqual([
    426,
    'UPGRADE_REQUIRED',
    'websocket',
  ])
  const small = await startOstium({ market: paperMarket, env: { OSTIUM_SOCKETS_PER_ADDRESS_MAX: '2' } })
  try {
    const opened = [await small.socket('/v1/exchange/ws'), await small.socket('/v1/market/stream')]
    const third = new WebSocket(`ws://127.0.0.1:${small.port}/ostium/v1/exchange/ws`)
    const [, response] = await once(third, 'unexpected-response')
    expect(response.statusCode).toBe(503)
    opened[0]?.socket.close()
    await eventually(async () => {
      const again = await small.socket('/v1/exchange/ws')
      again.socket.terminate()
    })
    for (const { socket } of opened) socket.terminate()
  } finally {
    await small.stop()
  }
})
