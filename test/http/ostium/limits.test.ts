/** The rate limit of an address. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { paperMarket, type ServedOstium, startOstium } from './serving.ts'

const TRADER = '0x742d35Cc6634C0532925a3b844Bc9e7595f5bE21'

let now = 1_000
let served: ServedOstium
beforeAll(async () => {
  served = await startOstium({ market: paperMarket, nowMs: () => now, limits: { trustProxy: true } })
})
afterAll(() => served.stop())

const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
const rates = ({ headers }: { headers: Headers }) =>
  ['limit', 'remaining', 'reset'].map((part) => headers.get(`x-ratelimit-${part}`))

it('is a hundred a minute, whatever becomes of the requests; the next is refused with all there is to know', async () => {
  const asked = from('203.0.113.1')
  const first = await served.ask('POST', '/v1/exchange/open', { ...asked, trader: TRADER, raw: '{' })
  expect([first.status, ...rates(first)]).toStrictEqual([400, '100', '99', '60'])
  const bad = await served.ask('POST', '/v1/exchange/open', { ...asked, trader: TRADER, key: 'bsvc_x', raw: '{}' })
  expect([bad.status, ...rates(bad)]).toStrictEqual([401, '100', '98', '60'])
  const nowhere = await served.ask('GET', '/v1/nowhere', asked)
  expect([nowhere.status, ...rates(nowhere)]).toStrictEqual([404, '100', '97', '60'])
  const none = await served.ask('GET', '/v1/balance/usdc', asked)
  expect([none.status, ...rates(none)]).toStrictEqual([400, '100', '96', '60'])
  for (let n = 4; n < 100; n++) await served.ask('GET', '/v1/balance/usdc', asked)
  now += 10_000
  const refused = await served.ask('GET', '/v1/agent/pending', { ...asked, trader: TRADER })
  expect([refused.status, refused.body]).toMatchObject([
    429,
    { code: 429, errorCode: 'RATE_LIMIT_EXCEEDED', details: { limit: 100, windowMs: 60_000, retryAfter: 50 } },
  ])
  expect([refused.headers.get('retry-after'), ...rates(refused)]).toStrictEqual(['50', '100', '0', '50'])
  now += 50_000
  expect((await served.ask('GET', '/v1/balance/usdc', asked)).status).toBe(400)
})

it('does not count what says that the service is there, and names no limit on it', async () => {
  const asked = from('203.0.113.2')
  for (const path of ['/v1/health', '/v1/exchange/health', '/openapi', '/openapi.yaml']) {
    const answer = await served.ask('GET', path, asked)
    expect([path, answer.status, ...rates(answer)]).toStrictEqual([path, 200, null, null, null])
  }
  expect(rates(await served.ask('GET', '/v1/nowhere', asked))[1]).toBe('99')
})

it('is each address’s own, an IPv6 network’s included', async () => {
  expect(rates(await served.ask('GET', '/v1/nowhere', from('2001:db8::1')))[1]).toBe('99')
  expect(rates(await served.ask('GET', '/v1/nowhere', from('2001:db8::2')))[1]).toBe('98')
  expect(rates(await served.ask('GET', '/v1/nowhere', from('203.0.113.9')))[1]).toBe('99')
})

it('may leave addresses out, or be none', async () => {
  const env = { OSTIUM_RATE_LIMIT_EXEMPT: '203.0.113.7, 203.0.113.8', OSTIUM_RATE_LIMIT_PER_MINUTE_MAX: '1' }
  const exempting = await startOstium({ market: paperMarket, env, limits: { trustProxy: true } })
  try {
    const statusOf = async (address: string) => (await exempting.ask('GET', '/v1/balance/usdc', from(address))).status
    expect([await statusOf('203.0.113.8'), await statusOf('203.0.113.8')]).toStrictEqual([400, 400])
    expect([await statusOf('203.0.113.9'), await statusOf('203.0.113.9')]).toStrictEqual([400, 429])
  } finally {
    await exempting.stop()
  }
})
