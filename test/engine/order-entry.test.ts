import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStream } from '../../src/embedded/stream.ts'
import type { MessageStream } from '../../src/gateway/stream.ts'
import { temporaryDirectory } from '../support/services.ts'
import { commandOf, openingOf } from './examples.ts'
import { orderEntryClient, recordEvents, sendCommand, startTestEngine } from './harness.ts'

const directory = temporaryDirectory()
let stream: MessageStream
let events: ReturnType<typeof recordEvents>
let running: Awaited<ReturnType<typeof startTestEngine>>
let accountId: string

async function openAccount(id: string = randomUUID()): Promise<string> {
  const opening = openingOf(id)
  await sendCommand(stream, opening)
  await events.decisionOf(opening.commandId)
  return id
}

beforeAll(async () => {
  stream = openStream({ file: join(directory.path, 'stream.db') })
  events = recordEvents(stream)
  running = await startTestEngine({ directory: join(directory.path, 'engine'), stream }, { accountsPageMax: 3 })
  accountId = await openAccount()
})
afterAll(async () => {
  await running.engine.close()
  await events.stop()
  await stream.close()
  directory.remove()
})

const market = { symbol: 'EURUSD', side: 'buy', quantity: '0.10' } as const
const waiting = { ...market, orderType: 'limit', limitPrice: '1.05000' } as const
const place = (facts: object) => running.entry.order({ accountId, ...facts })

describe('the token', () => {
  test.each(['GET /accounts', 'GET /prices', 'POST /orders', 'DELETE /orders/x', 'GET /nothing'])(
    'is asked for by %s',
    async (route) => {
      const [method, path] = route.split(' ') as [string, string]
      const stranger = orderEntryClient(running.engine.url, 'another token of that length...!')
      const { status, body, headers } = await stranger.request(method, path)
      expect([status, body.code]).toEqual([401, 'unauthorized'])
      expect(headers.get('www-authenticate')).toBe('Bearer')
      expect(headers.get('content-type')).toBe('application/problem+json')
    },
  )

  test('is not needed to ask whether the engine is well', async () => {
    const response = await fetch(`${running.engine.url}/healthz`)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      status: 'ok',
      streamUp: true,
      commands: { decided: expect.any(Number) },
    })
  })

  test('must not be short', async () => {
    const orderEntry = { host: '127.0.0.1', port: 0, token: 'short' }
    const starting = startTestEngine({ directory: join(directory.path, 'other'), stream }, { orderEntry })
    await expect(starting).rejects.toThrow('at least 16 characters')
  })
})

describe('placing an order', () => {
  test('answers with what became of it, in strings', async () => {
    const { status, body } = await place({ ...market, takeProfit: '1.2', clientOrderId: 'first-of-the-day' })
    expect(status).toBe(201)
    expect(body).toEqual({
      replayed: false,
      order: {
        orderId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        accountId,
        clientOrderId: 'first-of-the-day',
        symbol: 'EURUSD',
        side: 'buy',
        orderType: 'market',
        quantity: '0.1',
        limitPrice: null,
        stopPrice: null,
        takeProfit: '1.20000',
        stopLoss: null,
        timeInForce: 'ioc',
        source: 'trader',
        status: 'filled',
        filledQuantity: '0.1',
        averageFillPrice: '1.10000',
        reasonCode: null,
        reason: null,
        placedAt: expect.stringMatching(/Z$/),
      },
    })
  })

  test('under a client order id that was used gives the original order, however often and at once', async () => {
    const clientOrderId = randomUUID()
    const order = { ...market, clientOrderId }
    const answers = await Promise.all(Array.from({ length: 20 }, () => place(order)))
    expect(answers.map((answer) => answer.status).sort()).toEqual([...Array(19).fill(200), 201])
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body.order))).size).toBe(1)
    expect((await place({ ...order, quantity: '0.100' })).body.replayed).toBe(true)
  })

  test('under a client order id that stands for another order is a conflict', async () => {
    const clientOrderId = randomUUID()
    await place({ ...market, clientOrderId })
    const { status, body } = await place({ ...market, clientOrderId, quantity: '0.20' })
    expect([status, body.code]).toEqual([409, 'client_order_id_reused'])
  })

  test('of another account may use the same client order id', async () => {
    const other = await openAccount()
    await place({ ...market, clientOrderId: 'shared' })
    expect((await place({ ...market, accountId: other, clientOrderId: 'shared' })).status).toBe(201)
  })

  test('that the engine rejects says why, and so does its repetition', async () => {
    const order = { ...market, symbol: 'ACME', clientOrderId: randomUUID() }
    const { status, body } = await place(order)
    expect(status).toBe(422)
    expect(body).toMatchObject({ code: 'unknown_symbol', replayed: false, order: { status: 'rejected' } })
    expect(body.detail).toContain('choose one of EURUSD')
    expect(await place(order)).toMatchObject({ status: 422, body: { replayed: true, order: body.order } })
  })

  test('names the account by the beginning of its id where that fits one only', async () => {
    const one = await openAccount('abcd1111-0000-4000-8000-000000000001')
    await openAccount('abcd2222-0000-4000-8000-000000000002')
    expect((await place({ ...market, accountId: 'ABCD1' })).body.order.accountId).toBe(one)
    expect((await place({ ...market, accountId: 'abcd' })).body.code).toBe('ambiguous_account')
    expect((await place({ ...market, accountId: 'abc' })).body.code).toBe('account_not_found')
    expect((await place({ ...market, accountId: randomUUID() })).body.code).toBe('account_not_found')
    expect((await place({ ...market, accountId: "' OR 1=1 --" })).body.code).toBe('account_not_found')
  })

  test.each([
    ['a number as quantity', { quantity: 0.1 }, '/quantity'],
    ['a number as price', { takeProfit: 1.2 }, '/takeProfit'],
    ['a negative quantity', { quantity: '-1' }, '/quantity'],
    ['zero', { quantity: '0.00' }, '/quantity'],
    ['an exponent', { quantity: '1e2' }, '/quantity'],
    ['no side', { side: undefined }, '/side'],
    ['an unknown side', { side: 'long' }, '/side'],
    ['a limit order without limit', { orderType: 'limit' }, '/limitPrice'],
    ['a market order with a stop', { stopPrice: '1.0' }, '/stopPrice'],
    ['a NUL in the client order id', { clientOrderId: 'a\u0000b' }, '/clientOrderId'],
    ['a long client order id', { clientOrderId: 'x'.repeat(65) }, '/clientOrderId'],
    ['a symbol of another alphabet', { symbol: 'ЕURUSD' }, '/symbol'],
    ['fields that do not exist', { stopprice: '1.0' }, '/'],
  ])('with %s is refused before it reaches the account', async (_case, facts, pointer) => {
    const { sequence } = (await running.entry.get(`/accounts/${accountId}`)).body
    const { status, body } = await place({ ...market, ...facts })
    expect([status, body.code]).toEqual([400, 'invalid_request'])
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer)
    expect((await running.entry.get(`/accounts/${accountId}`)).body.sequence).toBe(sequence)
  })

  test('that is not JSON, not UTF-8, too large or of another type is refused', async () => {
    const { request } = running.entry
    expect((await request('POST', '/orders', '{"a":')).body.code).toBe('malformed_json')
    expect((await request('POST', '/orders', '[]', { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await request('POST', '/orders', JSON.stringify({ symbol: 'x'.repeat(20_000) }))).status).toBe(413)
    expect((await request('POST', '/orders', '['.repeat(10_000))).status).toBe(400)
    const headers = { authorization: `Bearer token-of-the-traders-of-this-test`, 'content-type': 'application/json' }
    const body = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])
    const response = await fetch(`${running.engine.url}/orders`, { method: 'POST', headers, body })
    expect(response.status).toBe(400)
  })
})

describe('cancelling an order', () => {
  test('ends it, once', async () => {
    const { orderId } = (await place(waiting)).body.order
    const { status, body } = await running.entry.cancel(orderId)
    expect(status).toBe(200)
    expect(body.order).toMatchObject({ orderId, status: 'cancelled' })
    expect((await running.entry.cancel(orderId)).body).toMatchObject({ status: 409, code: 'order_not_working' })
  })

  test('that is unknown, or was never working, says so', async () => {
    expect((await running.entry.cancel(randomUUID())).body.code).toBe('order_not_found')
    const rejected = (await place({ ...market, symbol: 'ACME' })).body.order.orderId
    expect((await running.entry.cancel(rejected)).body.code).toBe('order_not_found')
    const filled = (await place(market)).body.order.orderId
    expect((await running.entry.cancel(filled)).body.code).toBe('order_not_working')
  })

  test('does not take a command id for an order', async () => {
    const id = await openAccount()
    await place({ ...market, accountId: id })
    const closing = commandOf('close_all', id, 2, { reason: null })
    await sendCommand(stream, closing)
    await events.decisionOf(closing.commandId)
    expect((await running.entry.cancel(closing.commandId)).body.code).toBe('order_not_found')
  })
})

describe('reading', () => {
  test('an account shows its figures, positions and working orders', async () => {
    const id = await openAccount()
    await place({ ...market, accountId: id, quantity: '1' })
    await place({ ...waiting, accountId: id })
    const { body } = await running.entry.get(`/accounts/${id}`)
    expect(body).toMatchObject({
      accountId: id,
      tradingStatus: 'active',
      balance: '99996.50',
      equity: '99986.50',
      marginUsed: '1100.00',
      freeMargin: '98886.50',
      positions: [{ symbol: 'EURUSD', side: 'long', quantity: '1', markPrice: '1.09990', unrealizedPnl: '-10.00' }],
      orders: [{ symbol: 'EURUSD', orderType: 'limit', limitPrice: '1.05000', filledQuantity: '0' }],
    })
  })

  test('accounts come in pages that together hold each once', async () => {
    for (let at = 0; at < 4; at++) await openAccount()
    const seen: string[] = []
    for (let after: string | null = ''; after !== null; ) {
      const { body } = await running.entry.get(`/accounts?limit=3&after=${after}`)
      expect(body.accounts.length).toBeLessThanOrEqual(3)
      seen.push(...body.accounts.map((account: { accountId: string }) => account.accountId))
      after = body.next
    }
    expect(seen.length).toBeGreaterThanOrEqual(5)
    expect(seen).toEqual([...new Set(seen)].sort())
    expect((await running.entry.get('/accounts?limit=4')).status).toBe(400)
    expect((await running.entry.get('/accounts?page=4')).status).toBe(400)
  })

  test('prices come for every symbol that has one', async () => {
    const { body } = await running.entry.get('/prices')
    expect(body.prices.map((price: { symbol: string }) => price.symbol).sort()).toEqual([
      'BTCUSD',
      'EURUSD',
      'GBPUSD',
      'USDJPY',
      'XAUUSD',
    ])
    expect(body.prices[0]).toMatchObject({ symbol: 'EURUSD', bid: '1.09990', ask: '1.10000' })
  })

  test('what is not there is a problem document', async () => {
    expect((await running.entry.get('/positions')).body).toMatchObject({ status: 404, code: 'not_found' })
    expect((await running.entry.get(`/accounts/${randomUUID()}`)).body.code).toBe('account_not_found')
  })
})
