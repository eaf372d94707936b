/** Transactions that are handed out unsigned: whose request it is, what is refused, what is recorded. No chain answers here. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBuilds } from '../../../src/projections/ostium/build.ts'
import { eventually } from '../../projections/support.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Answer, paperMarket, type ServedOstium, startOstium } from './serving.ts'

const TRADER = '0x742d35Cc6634C0532925a3b844Bc9e7595f5bE21'
/** Its checksum is another: the contract's own example fails the check. */
const CHECKSUMMED = '0x742D35CC6634c0532925A3b844BC9E7595F5BE21'
const { trading } = paperMarket.contracts

let served: ServedOstium
beforeAll(async () => {
  served = await startOstium({ market: paperMarket, env: { OSTIUM_RATE_LIMIT_PER_MINUTE_MAX: '0' } })
})
afterAll(() => served.stop())

const order = { a: 0, b: true, t: 'market', p: '42500.00', s: '100', l: '10', tp: '45000.00', sl: '40000.00' }
const open = (more: object = {}, asked: Parameters<ServedOstium['post']>[3] = {}) =>
  served.post('/v1/exchange/open', TRADER, { open: { ...order, ...more }, sp: 0.25 }, asked)
const codeOf = ({ status, body }: Answer) => [status, body.errorCode]
const faultsOf = ({ body }: Answer) => body.details?.validationErrors

/** The checksum, by the library and not by us. */
const { getAddress } = await import('viem')
const checksum = getAddress(TRADER.toLowerCase())

describe('an open', () => {
  it('is one transaction, from the trader, to the trading contract', async () => {
    const { status, body } = await open()
    expect(status).toBe(200)
    expect(body.transactions).toStrictEqual([
      { to: trading, data: expect.stringMatching(/^0x742088c0[0-9a-f]{832}$/), value: '0', from: checksum },
    ])
  })

  it('names every fault at once, each by its path', async () => {
    const answer = await served.post('/v1/exchange/open', TRADER, {
      open: { a: -1, b: 'yes', t: 'now', p: '1e3', s: '4.999999', l: '0.99', tp: null },
      bd: { b: `0x${'0'.repeat(40)}`, f: 0.1 },
      sp: 101,
    })
    expect(codeOf(answer)).toStrictEqual([400, 'VALIDATION_ERROR'])
    const places = ['bd.b', 'open.a', 'open.b', 'open.l', 'open.p', 'open.s', 'open.t', 'open.tp', 'sp']
    expect(Object.keys(faultsOf(answer)).toSorted()).toStrictEqual(places)
    expect(answer.body.code).toBe(400)
  })

  it.each([
    ['a long position whose levels are changed over', { tp: '40000', sl: '45000' }, ['open.sl', 'open.tp']],
    ['a take-profit at the price', { tp: '42500' }, ['open.tp']],
    ['a short position with the levels of a long one', { b: false }, ['open.sl', 'open.tp']],
    ['more places than a price has', { p: `1.${'0'.repeat(19)}` }, ['open.p']],
    ['more places than USDC has', { s: '100.0000000' }, ['open.s']],
    ['more places than leverage has', { l: '10.001' }, ['open.l']],
    ['a pair that no word holds', { a: 65_536 }, ['open.a']],
    ['a price that no word holds', { p: '9'.repeat(60) }, ['open.p']],
    ['more leverage than there is', { l: '100.01' }, ['open.l']],
  ])('is refused for %s', async (_why, more, places) => {
    const answer = await open(more)
    expect(codeOf(answer)).toStrictEqual([400, 'VALIDATION_ERROR'])
    expect(Object.keys(faultsOf(answer)).toSorted()).toStrictEqual(places)
  })

  it('compares only the levels that are set, and takes any that are', async () => {
    expect((await open({ tp: '0', sl: undefined })).status).toBe(200)
    expect((await open({ b: false, tp: '40000', sl: '0' })).status).toBe(200)
  })

  it('reads percentages from their digits', async () => {
    const sent = (sp: string) =>
      served.ask('POST', '/v1/exchange/open', { trader: TRADER, raw: `{"open":${JSON.stringify(order)},"sp":${sp}}` })
    expect((await sent('0.29')).body.transactions[0].data.slice(-4)).toBe('001d')
    expect((await sent('2.9e-1')).body.transactions[0].data.slice(-4)).toBe('001d')
    expect((await sent('0.29000000000000000000')).body.transactions[0].data.slice(-4)).toBe('001d')
    for (const sp of ['0.291', '0.2900000000000000000001', '100.01', '-0.01', '"0.25"', 'null'])
      expect(codeOf(await sent(sp))).toStrictEqual([400, 'VALIDATION_ERROR'])
  })

  it('takes members that it does not know, and says so', async () => {
    const answer = await served.post('/v1/exchange/open', TRADER, { open: order, memo: 'mine' })
    expect([answer.status, answer.headers.get('x-opslog-ignored-members')]).toStrictEqual([200, '/memo'])
  })
})

describe('closes, cancels and changes', () => {
  it('are a transaction each, in their order, and all or nothing', async () => {
    const closes = [7, 3, 5].map((t) => ({ a: 0, t, p: '43000', r: 50 }))
    const { body } = await served.post('/v1/exchange/close', TRADER, { closes })
    const indices = body.transactions.map(({ data }: { data: string }) => Number(`0x${data.slice(10 + 64, 10 + 128)}`))
    expect(indices).toStrictEqual([7, 3, 5])
    const spoilt = await served.post('/v1/exchange/close', TRADER, {
      closes: [...closes, { a: 0, t: 0, p: '0', r: 0.5 }],
    })
    expect(Object.keys(faultsOf(spoilt)).toSorted()).toStrictEqual(['closes.3.p', 'closes.3.r'])
    const cancels = [
      { t: 'limit', a: 1, i: 2, o: null },
      { t: 'open', o: 0, a: 70_000, i: 'none' },
      { t: 'close', o: 1, a: 3 },
    ]
    const cancelled = await served.post('/v1/exchange/cancel', TRADER, { cancels })
    const selectors = cancelled.body.transactions.map(({ data }: { data: string }) => data.slice(0, 10))
    expect(selectors).toStrictEqual(['0xc444e746', '0x876d3abd', '0x3f21ea62'])
  })

  it.each([
    ['close', { closes: [] }, ['closes']],
    [
      'cancel',
      {
        cancels: [
          { t: 'limit', a: 1 },
          { t: 'open', a: 1, i: 1 },
        ],
      },
      ['cancels.0.i', 'cancels.1.o'],
    ],
    ['cancel', { cancels: [{ t: 'limit', a: 65_536 }, { t: 'close' }] }, ['cancels.0.a', 'cancels.0.i', 'cancels.1.o']],
    ['cancel', { cancels: [{ t: 'open', o: 9_007_199_254_740_992 }] }, ['cancels.0.o']],
    ['modify', { a: '0', i: 0 }, ['a', 'tp', 'sl']],
    ['modify', { a: 0, i: 256, tp: '1', sl: '2' }, ['i', 'tp', 'sl']],
    ['modify', { a: 0, i: 0, tp: '-1' }, ['tp']],
    ['modify', { a: 0, i: 0, tp: '', sl: '2' }, ['tp']],
    ['modify', { a: 0, i: 0, p: '0' }, ['p']],
    ['cancel', { cancels: Array.from({ length: 101 }, () => ({ t: 'open', o: 1 })) }, ['cancels']],
  ])('%s is refused where something is missing or too much', async (operation, body, places) => {
    const answer = await served.post(`/v1/exchange/${operation}`, TRADER, body)
    expect(codeOf(answer)).toStrictEqual([400, 'VALIDATION_ERROR'])
    expect(Object.keys(faultsOf(answer))).toStrictEqual(places)
  })
})

describe('a change', () => {
  const modify = (body: object) => served.post('/v1/exchange/modify', TRADER, { a: 0, i: 1, ...body })

  it('of an order with both levels needs no chain; with one left out it does', async () => {
    expect((await modify({ p: '41000', tp: '46000', sl: '38000' })).status).toBe(200)
    const answer = await modify({ p: '41000', tp: '46000' })
    expect(codeOf(answer)).toStrictEqual([503, 'SERVICE_UNAVAILABLE'])
    expect(answer.headers.get('retry-after')).toBe('1')
  })

  it('of a position is one level', async () => {
    expect((await modify({ tp: '46000' })).body.transactions[0].data.slice(0, 10)).toBe('0xbe9267be')
    expect((await modify({ sl: '0' })).body.transactions[0].data.slice(0, 10)).toBe('0xe2441c04')
    for (const body of [{}, { tp: '1', sl: '2' }])
      expect(codeOf(await modify(body))).toStrictEqual([400, 'VALIDATION_ERROR'])
  })

  it('of collateral goes one way or the other, and nowhere by nothing', async () => {
    const margin = (amount: string) => served.post('/v1/exchange/margin', TRADER, { a: 0, i: 0, amount })
    expect((await margin('50.00')).body.transactions[0].data.slice(0, 10)).toBe('0x0a21b1a1')
    expect((await margin('-50.00')).body.transactions[0].data.slice(0, 10)).toBe('0x56ac637e')
    for (const amount of ['0', '-0.0', '0.0000001']) expect((await margin(amount)).status).toBe(400)
  })
})

describe('a trader', () => {
  const ask = (asked: Parameters<ServedOstium['ask']>[2], path = '/v1/exchange/open') =>
    served.ask('POST', path, { body: { open: order }, ...asked })

  it('is named by header or query, in any case, and the header goes first', async () => {
    const inQuery = `/v1/exchange/open?address=${TRADER.toUpperCase().replace('0X', '0x')}`
    const answers = [
      await ask({ trader: TRADER }),
      await ask({ trader: CHECKSUMMED }),
      await ask({}, inQuery),
      await ask({ trader: TRADER }, '/v1/exchange/open?address=nonsense'),
    ]
    expect(answers.map(({ status, body }) => [status, body.transactions?.[0]?.from])).toStrictEqual(
      answers.map(() => [200, checksum]),
    )
    expect(codeOf(await ask({ trader: 'nonsense' }, inQuery))).toStrictEqual([400, 'INVALID_ADDRESS'])
  })

  it.each([
    ['nobody', undefined, 'INVALID_REQUEST'],
    ['the zero address', `0x${'0'.repeat(40)}`, 'INVALID_ADDRESS'],
    ['one digit too few', TRADER.slice(0, -1), 'INVALID_ADDRESS'],
    ['nothing', '', 'INVALID_ADDRESS'],
    ['two at once', `${TRADER}, ${TRADER}`, 'INVALID_ADDRESS'],
  ])('that is %s is refused before the body is read', async (_who, trader, code) => {
    const headers: Record<string, string> = trader === undefined ? {} : { 'x-trader-address': trader }
    expect(codeOf(await ask({ headers, raw: '{' }))).toStrictEqual([400, code])
  })

  it('whose address stands twice in the query is refused', async () => {
    const twice = `/v1/exchange/open?address=${TRADER}&address=${CHECKSUMMED}`
    expect(codeOf(await ask({}, twice))).toStrictEqual([400, 'INVALID_ADDRESS'])
  })

  it('with a key that is none learns nothing about it', async () => {
    const answer = await ask({ trader: TRADER, key: 'bsvc_nothing' })
    expect([answer.status, answer.body]).toMatchObject([
      401,
      { error: 'The API key is unknown, mistyped or revoked.', code: 401, errorCode: 'UNAUTHORIZED' },
    ])
    expect(answer.headers.get('www-authenticate')).toMatch(/^ApiKey realm="ostium"/)
  })
})

describe('what goes with every request', () => {
  it('is its id: a UUID comes back, anything else is replaced, and nothing is refused for it', async () => {
    const id = randomUUID()
    const given = await open({}, { headers: { 'x-request-id': id } })
    expect(given.headers.get('x-request-id')).toBe(id)
    const own = await open({}, { headers: { 'x-request-id': 'mine' } })
    expect([own.status, own.headers.get('x-request-id')]).toMatchObject([200, expect.stringMatching(/^[0-9a-f-]{36}$/)])
    const refused = await served.ask('POST', '/v1/exchange/open', { headers: { 'x-request-id': id } })
    expect([refused.status, refused.headers.get('x-request-id')]).toStrictEqual([400, id])
  })

  it.each([
    ['no JSON', { raw: '{' }, 400],
    ['no object', { raw: '7' }, 400],
    ['no body', { raw: '' }, 400],
    ['a name twice', { raw: '{"a":1,"a":2}' }, 400],
    ['another type', { raw: '{}', headers: { 'content-type': 'application/xml' } }, 415],
    ['more than a mebibyte', { raw: `{"a":"${'x'.repeat(1_048_600)}"}` }, 413],
  ])('is a body: %s is refused', async (_what, asked, status) => {
    const answer = await served.ask('POST', '/v1/exchange/open', { trader: TRADER, ...asked })
    expect(codeOf(answer)).toStrictEqual([status, 'INVALID_REQUEST'])
  })

  it('may be JSON as plain text', async () => {
    const asked = { raw: JSON.stringify({ open: order }), headers: { 'content-type': 'text/plain' } }
    expect((await served.ask('POST', '/v1/exchange/open', { trader: TRADER, ...asked })).status).toBe(200)
  })

  it('is refused at addresses and by methods that there are not', async () => {
    expect(codeOf(await served.get('/v1/nowhere'))).toStrictEqual([404, 'NOT_FOUND'])
    const answer = await served.get('/v1/exchange/open')
    expect([...codeOf(answer), answer.headers.get('allow')]).toStrictEqual([405, 'INVALID_REQUEST', 'POST'])
  })
})

describe('an Idempotency-Key', () => {
  it('answers as the first time, for ever, and is refused for another body', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const first = await open({}, { headers })
    const again = await open({}, { headers })
    expect(again.body).toStrictEqual(first.body)
    expect([first, again].map((each) => each.headers.get('idempotency-replayed'))).toStrictEqual([null, 'true'])
    expect(codeOf(await open({ l: '11' }, { headers }))).toStrictEqual([400, 'INVALID_REQUEST'])
    const other = await served.post('/v1/exchange/open', `0x${'1'.repeat(40)}`, { open: order }, { headers })
    expect([other.status, other.headers.get('idempotency-replayed')]).toStrictEqual([200, null])
  })

  it('of which a hundred come at once has one effect', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const trader = `0x${'2'.repeat(40)}`
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => served.post('/v1/exchange/open', trader, { open: order }, { headers })),
    )
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
    await eventually(async () => expect(await findBuilds(served.db, 31_337, trader, 10)).toHaveLength(1))
  })

  it('is visible ASCII', async () => {
    for (const key of ['with space', 'ä', 'x'.repeat(256)])
      expect(codeOf(await open({}, { headers: { 'idempotency-key': key } }))).toStrictEqual([400, 'INVALID_REQUEST'])
  })

  it('that is sent twice is refused', async () => {
    const body = JSON.stringify({ open: order })
    const lines = [
      'POST /ostium/v1/exchange/open HTTP/1.1',
      'host: x',
      `x-trader-address: ${TRADER}`,
      'connection: close',
    ]
    const rest = ['content-type: application/json', `content-length: ${body.length}`, 'idempotency-key: a']
    const socket = connect(served.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (data) => {
      answer += data.toString()
    })
    socket.write(`${[...lines, ...rest, 'idempotency-key: b'].join('\r\n')}\r\n\r\n${body}`)
    await once(socket, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*INVALID_REQUEST/s)
  })
})

describe('what was handed out', () => {
  it('is in the log before it is answered, as somebody’s whom nobody knows, and in the read model', async () => {
    const requestId = randomUUID()
    const trader = `0x${'3'.repeat(40)}`
    const asked = { headers: { 'x-request-id': requestId } }
    const { body } = await served.post('/v1/exchange/open', trader, { open: order }, asked)
    const [row] = await eventually(async () => {
      const rows = await findBuilds(served.db, 31_337, trader, 10)
      expect(rows).toHaveLength(1)
      return rows
    })
    expect(row).toMatchObject({ operation: 'open', channel: 'http', transactions: body.transactions, trader })
    const [event] = await eventsOf(served.store, `ostium.build-${row?.build_id}`)
    expect(event?.data).toMatchObject({ chainId: 31_337, trader, transactions: body.transactions })
    expect(event?.metadata).toMatchObject({ actor: { kind: 'caller', id: 'public' }, requestId })
    expect(JSON.stringify([event?.data, event?.metadata])).not.toContain('127.0.0.1')
  })

  it('is nothing where the request is refused', async () => {
    const before = await served.store.head()
    await open({ p: '0' })
    await served.post('/v1/exchange/modify', TRADER, { a: 0, i: 0, p: '1', tp: '2' })
    expect((await served.store.head())?.position).toBe(before?.position)
  })
})

describe('what only says that something is there', () => {
  it('answers whatever the chain does', async () => {
    const { body } = await served.get('/v1/health')
    expect(body).toStrictEqual({
      status: 'healthy',
      service: 'builder-service',
      version: 'v1',
      timestamp: expect.any(String),
    })
    expect((await served.get('/v1/exchange/health')).body).toMatchObject({ endpoint: 'exchange', status: 'healthy' })
  })

  it('is the document, as JSON and as YAML', async () => {
    const { parse } = await import('yaml')
    const [plain, json, yaml] = [
      await served.get('/openapi'),
      await served.get('/openapi.json'),
      await served.get('/openapi.yaml'),
    ]
    expect(plain.body).toStrictEqual(json.body)
    expect(parse(yaml.body)).toStrictEqual(json.body)
    expect(yaml.headers.get('content-type')).toBe('text/yaml; charset=utf-8')
    expect(json.body.components.securitySchemes.traderAddress).toMatchObject({ type: 'apiKey', in: 'header' })
  })

  it('is the chain, in readiness', async () => {
    const ready = (await (await fetch(`${served.url}/readyz`)).json()) as { dependencies: Record<string, unknown> }
    expect(ready.dependencies['ostium-chain']).toMatchObject({ chain_id: 31_337, up: expect.any(Boolean) })
  })
})
