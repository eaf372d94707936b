import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyEvent } from '../../../src/events/event.ts'
import { type DataOf, example, uuidOf } from '../../support/examples.ts'
import { type Api, startApi } from '../api.ts'
import { testSealer } from '../exchange.ts'
import { accountRequest, type TestOperator } from './serving.ts'

let api: Api
let acme: TestOperator
let accountId: string
let attemptId: string
/** Of the engine's last event. */
let position: bigint

/** The n-th order, at minute n of the day. */
const orderAt = (n: number): Partial<DataOf<'noctant.EngineOrderPlaced.v1'>> => ({
  orderId: uuidOf(`order ${n}`),
  occurredAt: new Date(Date.UTC(2026, 2, 2, 10, n)).toISOString(),
})
const tradeAt = (n: number): Partial<DataOf<'noctant.EngineTradeClosed.v1'>> => ({
  tradeId: uuidOf(`trade ${n}`),
  // Two trades close at each moment: the id decides between them.
  occurredAt: new Date(Date.UTC(2026, 2, 2, 12, Math.floor(n / 2))).toISOString(),
})

beforeAll(async () => {
  api = await startApi()
  acme = await api.addOperator()
  await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'trader-1' } })
  const { body } = await api.call('POST', '/v1/accounts', { key: acme.key, body: accountRequest('a') })
  accountId = body.account.account_id
  attemptId = body.account.current_program_account_attempt_id
  let sequence = 0
  const next = () => ({ accountId, sequence: ++sequence })
  const reported: AnyEvent[] = [
    example('noctant.EngineAccountOpened.v1', next()),
    ...[1, 2, 3, 4, 5].map((n) => example('noctant.EngineOrderPlaced.v1', { ...next(), ...orderAt(n) })),
    example('noctant.EngineOrderFilled.v1', {
      ...next(),
      orderId: uuidOf('order 1'),
      occurredAt: '2026-03-02T11:00:00.000Z',
    }),
    example('noctant.EngineOrderCancelled.v1', {
      ...next(),
      orderId: uuidOf('order 2'),
      occurredAt: '2026-03-02T11:00:01.000Z',
    }),
    example('noctant.EnginePositionChanged.v1', next()),
    ...[1, 2, 3, 4, 5].map((n) => example('noctant.EngineTradeClosed.v1', { ...next(), ...tradeAt(n) })),
    example('noctant.EngineAccountMarked.v1', next()),
  ]
  const actor = { kind: 'engine', id: 'test' } as const
  const cause = { $correlationId: 'test', $causationId: 'test', actor, commandId: 'test' }
  const events = reported.map((event) => ({ id: randomUUID(), event, cause }))
  ;({ position } = await api.store.append(`noctant.engine-${accountId}`, undefined, '', events))
})
afterAll(() => api.stop())

/** Reads what stands at the engine's last event, or later. */
const read = (what: string, query = '') =>
  api.call('GET', `/v1/accounts/by-external-id/${what}?external_account_id=a${query}`, {
    key: acme.key,
    headers: { 'x-opslog-position': testSealer.sealPosition(position) },
  })

const ordersOf = async (query: string) =>
  (await read('orders', query)).body.orders.map(({ order_id }: { order_id: string }) => order_id)
const numbered = (what: string, ...numbers: number[]) => numbers.map((n) => uuidOf(`${what} ${n}`))

describe('the summary', () => {
  it('is what the engine last stated, decimals as text', async () => {
    const { body } = await read('summary')
    expect(body.summary).toMatchObject({
      external_account_id: 'a',
      balance: '100000.00',
      equity: '100002.50',
      margin_used: '108.25',
      margin_level: '92380.60',
      trading_status: 'active',
      version: 15,
    })
  })
})

describe('positions', () => {
  it('are the open ones', async () => {
    const { body } = await read('positions')
    expect(body.count).toBe(1)
    expect(body.positions[0]).toMatchObject({
      symbol: 'EURUSD',
      side: 'long',
      quantity: '10000',
      unrealized_pnl: '2.50',
    })
  })
})

describe('orders', () => {
  it('come newest first, with the attempt that they belong to', async () => {
    const { body } = await read('orders')
    expect(body.orders.map(({ order_id }: { order_id: string }) => order_id)).toStrictEqual(
      numbered('order', 5, 4, 3, 2, 1),
    )
    expect(body.orders[0]).toMatchObject({
      program_account_attempt_id: attemptId,
      org_id: acme.orgId,
      status: 'working',
    })
    expect(body).toMatchObject({ count: 5, next_cursor: null })
  })

  it('come page by page, none twice and none left out', async () => {
    const first = (await read('orders', '&limit=2')).body
    const second = (await read('orders', `&limit=2&${new URLSearchParams(first.next_cursor)}`)).body
    const third = (await read('orders', `&limit=2&${new URLSearchParams(second.next_cursor)}`)).body
    const all = [first, second, third].flatMap(({ orders }) =>
      orders.map(({ order_id }: { order_id: string }) => order_id),
    )
    expect(all).toStrictEqual(numbered('order', 5, 4, 3, 2, 1))
    expect(third.next_cursor).toBeNull()
  })

  it('are filtered by status', async () => {
    expect(await ordersOf('&status=filled')).toStrictEqual(numbered('order', 1))
    expect(await ordersOf('&status=cancelled')).toStrictEqual(numbered('order', 2))
    expect(await ordersOf('&status=working')).toStrictEqual(numbered('order', 5, 4, 3))
  })

  it.each([
    ['', 5],
    ['&execution_scope=current', 5],
    ['&execution_scope=all_attempts', 5],
  ])('with %s are those of the one attempt there is', async (query, count) => {
    expect((await read('orders', query)).body.count).toBe(count)
  })

  it('of an attempt are found by its id; of another they are not', async () => {
    expect((await read('orders', `&execution_scope=attempt&attempt_id=${attemptId}`)).body.count).toBe(5)
    const answer = await read('orders', `&execution_scope=attempt&attempt_id=${randomUUID()}`)
    expect([answer.status, answer.body.code]).toStrictEqual([404, 'attempt_not_found'])
  })

  it.each([
    ['&execution_scope=attempt', 'query/attempt_id'],
    [`&attempt_id=${randomUUID()}`, 'query/attempt_id'],
    ['&execution_scope=attempt&attempt_id=1', 'query/attempt_id'],
    ['&execution_scope=everything', 'query/execution_scope'],
    ['&status=', 'query/status'],
    ['&status=lost', 'query/status'],
    ['&limit=0', 'query/limit'],
    ['&before_created_at=2026-01-01T00:00:00Z', 'query/before_order_id'],
    [`&before_order_id=${randomUUID()}`, 'query/before_created_at'],
  ])('with %s are refused with 400', async (query, pointer) => {
    const answer = await read('orders', query)
    expect(answer.status).toBe(400)
    expect(answer.body.errors).toMatchObject([{ pointer }])
  })
})

describe('trades', () => {
  it('come last closed first, page by page, also where several closed at the same moment', async () => {
    const seen: { trade_id: string; closed_at: string }[] = []
    let query = '&limit=1'
    for (let page = 0; page < 6; page++) {
      const { body } = await read('trades', query)
      seen.push(...body.trades)
      if (body.next_cursor === null) break
      query = `&limit=1&${new URLSearchParams(body.next_cursor)}`
    }
    expect(seen.map(({ trade_id }) => trade_id).toSorted()).toStrictEqual(numbered('trade', 1, 2, 3, 4, 5).toSorted())
    expect(seen.map(({ closed_at }) => closed_at)).toStrictEqual(
      seen
        .map(({ closed_at }) => closed_at)
        .toSorted()
        .toReversed(),
    )
  })

  it('carry their figures as text', async () => {
    const { body } = await read('trades', '&limit=1')
    expect(body.trades[0]).toMatchObject({
      gross_pnl: '10.00',
      commission: '0.70',
      net_pnl: '9.30',
      is_profitable: true,
      program_account_attempt_id: attemptId,
    })
  })

  it.each([
    ['&execution_scope=attempt', 'query/attempt_id'],
    ['&limit=201', 'query/limit'],
    ['&before_closed_at=2026-01-01T00:00:00Z', 'query/before_trade_id'],
    [`&before_trade_id=${randomUUID()}`, 'query/before_closed_at'],
  ])('with %s are refused with 400', async (query, pointer) => {
    const answer = await read('trades', query)
    expect(answer.status).toBe(400)
    expect(answer.body.errors).toMatchObject([{ pointer }])
  })
})
