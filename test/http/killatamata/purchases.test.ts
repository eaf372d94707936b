/** Credit that is bought on providers' pages: checkouts, claims, what providers tell, and what is credited of it. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'

let served: ServedKillatamata
let ada: Customer

beforeAll(async () => {
  served = await startKillatamata({
    processes: ['killatamata-settlements'],
    env: { SETTLEMENT_SWEEP_INTERVAL_MS: '100', SETTLEMENT_SWEEP_AGE_MS: '300', WEBHOOK_ALLOW_PRIVATE: 'true' },
  })
  ada = await served.customer('ada')
}, 60_000)
afterAll(() => served.stop())

const balance = async ({ key }: Customer = ada) => (await served.get('balance', key)).body
const checkout = async (packageCode = 'builder_2000', { key }: Customer = ada) => {
  const { body } = await served.post('checkout/stripe', { packageCode }, key)
  return body.sessionId as string
}
const pay = (sessionId: string, order: object = {}) => served.order(`/control/stripe/sessions/${sessionId}/pay`, order)
const claim = (sessionId: string, { key }: Customer = ada) => served.post('claim/stripe', { sessionId }, key)
const credited = (micros: number, who = ada) =>
  vi.waitFor(async () => expect((await balance(who)).usdBalanceMicros).toBe(micros), { timeout: 10_000, interval: 20 })

describe('packages', () => {
  it('are listed, the cheapest first, for as much credit as they cost', async () => {
    const { body } = await served.get('packages')
    expect(body.packages.map(({ code }: { code: string }) => code)).toStrictEqual([
      ...['starter_500', 'builder_2000', 'studio_10000', 'scale_50000'],
    ])
    for (const { usdCents, creditUsdMicros } of body.packages) expect(creditUsdMicros).toBe(usdCents * 10_000)
  })
})

describe('a purchase by card', () => {
  it('is opened, paid, told of three times and claimed, and credited once', async () => {
    const { usdBalanceMicros: before } = await balance()
    const opened = await served.post('checkout/stripe', { packageCode: 'builder_2000' }, ada.key)
    expect(opened).toMatchObject({
      status: 201,
      body: { ok: true, provider: 'stripe', packageCode: 'builder_2000', usdCents: 2_000, affiliate: null },
    })
    const { sessionId } = opened.body
    expect(await claim(sessionId)).toMatchObject({ status: 409, body: { code: 'checkout_unpaid' } })
    const paid = await pay(sessionId, { times: 3 })
    expect(paid).toMatchObject({
      session: { id: sessionId, payment_status: 'paid' },
      event: { type: 'checkout.session.completed', data: { object: { id: sessionId } } },
      deliveries: [200, 200, 200],
    })
    const first = await claim(sessionId)
    expect(first).toMatchObject({
      status: 200,
      body: { provider: 'stripe', sessionId, chargeId: null, packageCode: 'builder_2000', depositUsdCents: 2_000 },
    })
    expect(await claim(sessionId)).toStrictEqual({ ...first, headers: expect.anything() })
    await credited(before + 20_000_000)
  })

  it('is credited once by 25 events and 25 claims at the same moment', async () => {
    const { usdBalanceMicros: before } = await balance()
    const sessionId = await checkout()
    await pay(sessionId, { deliver: false })
    const events = Array.from({ length: 25 }, () => pay(sessionId, { times: 1 }))
    const claims = Array.from({ length: 25 }, () => claim(sessionId))
    const answers = await Promise.all(claims)
    const told = (await Promise.all(events)).flatMap(({ deliveries }) => deliveries)
    expect(answers.map(({ status, body }) => [status, body.depositUsdCents])).toStrictEqual(
      Array(25).fill([200, 2_000]),
    )
    expect(told).toStrictEqual(Array(25).fill(200))
    await credited(before + 20_000_000)
  })

  it('whose event is lost is credited without a claim', async () => {
    const carl = await served.customer('carl')
    const sessionId = await checkout('starter_500', carl)
    await pay(sessionId, { deliver: false })
    await credited(5_000_000, carl)
  })

  it('is another account’s as little as one that nobody has opened', async () => {
    const sessionId = await checkout()
    await pay(sessionId, { deliver: false })
    const ben = await served.customer('ben')
    for (const id of [sessionId, 'cs_test_none']) {
      expect(await claim(id, ben)).toMatchObject({ status: 404, body: { code: 'checkout_not_found' } })
    }
  })

  it('that went back after it was spent is owed, and the next one pays it first', async () => {
    const dora = await served.customer('dora')
    const sessionId = await checkout('starter_500', dora)
    await pay(sessionId)
    await credited(5_000_000, dora)
    const context = served.contextOf
    await served.parts.ledgers.hold(
      dora.accountId,
      [{ holdId: 'hold_1', jobId: 'job_1', usdMicros: 4_000_000n }],
      context('hold'),
    )
    await served.parts.ledgers.capture(dora.accountId, 'hold_1', 4_000_000n, context('capture'))
    const refund = `/control/stripe/sessions/${sessionId}/refund`
    expect(await served.order(refund, { times: 2 })).toMatchObject({
      event: { type: 'charge.refunded' },
      deliveries: [200, 200],
    })
    await vi.waitFor(async () =>
      expect(await balance(dora)).toMatchObject({ usdBalanceMicros: 0, usdOwedMicros: 4_000_000 }),
    )
    const more = [{ holdId: 'hold_2', jobId: 'job_2', usdMicros: 1n }]
    await expect(served.parts.ledgers.hold(dora.accountId, more, context('more'))).rejects.toMatchObject({
      code: 'insufficient_balance',
    })
    await pay(await checkout('starter_500', dora))
    await vi.waitFor(async () =>
      expect(await balance(dora)).toMatchObject({ usdBalanceMicros: 1_000_000, usdOwedMicros: 0 }),
    )
  })

  it('refuses packages, codes and addresses that are none', async () => {
    const ask = (body: object) => served.post('checkout/stripe', body, ada.key)
    expect(await ask({ packageCode: 'none' })).toMatchObject({ status: 404, body: { code: 'package_not_found' } })
    expect(await ask({ packageCode: 'starter_500', affiliateCode: 'NOBODY' })).toMatchObject({
      ...{ status: 404, body: { code: 'affiliate_code_not_found' } },
    })
    for (const successUrl of ['http://example.com/', 'https://ada:secret@example.com/', 'javascript:alert(1)']) {
      expect((await ask({ packageCode: 'starter_500', successUrl })).status).toBe(400)
    }
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
      expect((await ask({ packageCode: 'starter_500', successUrl: `http://${host}:3000/done` })).status).toBe(201)
    }
  })

  it('is opened once for one idempotency key, and refused for another request under it', async () => {
    const headers = { 'x-idempotency-key': 'order-7' }
    const ask = (packageCode: string) => served.post('checkout/stripe', { packageCode }, ada.key, headers)
    const first = await ask('starter_500')
    const again = await ask('starter_500')
    expect([again.body.sessionId, again.headers.get('idempotency-replayed')]).toStrictEqual([
      first.body.sessionId,
      'true',
    ])
    expect(await ask('builder_2000')).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } })
  })
})

describe('a purchase by a charge', () => {
  it('is credited when it is confirmed, and not before', async () => {
    const eve = await served.customer('eve')
    const { body } = await served.post('checkout/crypto', { packageCode: 'starter_500' }, eve.key)
    expect(body).toMatchObject({ ok: true, provider: 'coinbase', usdCents: 500 })
    const tell = (order: object) => served.order(`/control/coinbase/charges/${body.chargeId}/confirm`, order)
    await tell({ type: 'charge:pending' })
    expect((await balance(eve)).usdBalanceMicros).toBe(0)
    const told = await tell({ times: 2 })
    expect(told).toMatchObject({ charge: { id: body.chargeId }, event: { event: { type: 'charge:confirmed' } } })
    await credited(5_000_000, eve)
    expect(await served.post('claim/crypto', { chargeId: body.chargeId }, eve.key)).toMatchObject({
      ...{ status: 200, body: { sessionId: null, chargeId: body.chargeId, depositUsdCents: 500 } },
    })
  })
})

describe('an event of a provider', () => {
  it('that is signed makes its sender known, so that nobody without a key is in its way; a made-up one does not', async () => {
    const vouch = vi.spyOn(served.callers, 'vouch')
    const headers = { 'stripe-signature': 't=1,v1=00' }
    await served.ask('POST', '/api/v1/webhooks/stripe', { raw: '{"type":"x"}', headers })
    expect(vouch).not.toHaveBeenCalled()
    await pay(await checkout('starter_500', await served.customer('fay')), { times: 1 })
    expect(vouch.mock.calls.map(([, name]) => name)).toStrictEqual(['killatamata stripe'])
    vouch.mockRestore()
  })

  it.each([
    ['stripe', 'stripe-signature', 't=1,v1=00'],
    ['crypto', 'x-cc-webhook-signature', '00'],
  ])('of %s is refused without its signature', async (provider, header, signature) => {
    const post = (headers: Record<string, string>) =>
      served.ask('POST', `/api/v1/webhooks/${provider}`, { raw: '{"type":"x"}', headers })
    for (const headers of [{}, { [header]: signature }]) {
      expect(await post(headers as Record<string, string>)).toMatchObject({
        status: 400,
        body: { code: 'signature_invalid' },
      })
    }
  })
})
