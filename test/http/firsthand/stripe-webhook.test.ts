/** What the address for Stripe's events does to those who are not Stripe. */
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { ForgedPaymentEvent } from '../../../src/adapters/payments/payments.ts'
import type { AppEnv, HttpLimits } from '../../../src/http/environment.ts'
import { paymentRoutes } from '../../../src/http/firsthand/billing/stripe-webhook.ts'
import { exchangeOf, sharedRuntime } from '../exchange.ts'

type Parts = Parameters<typeof paymentRoutes>[0]

function addressWith(payments: Parts['payments'], limits: Partial<HttpLimits> = {}) {
  const runtime = sharedRuntime(limits)
  const parts = { payments, clock: () => new Date() } as Parts
  const app = new Hono<AppEnv>()
  app.use((c, next) => {
    c.set('exchange', exchangeOf('req_1'))
    return next()
  })
  app.route('/', paymentRoutes(parts, runtime))
  const url = '/firsthand/stripe/webhook'
  const incoming = { headers: {}, socket: { remoteAddress: '192.0.2.1' }, url }
  const send = (headers: Record<string, string> = {}, body: string | ReadableStream = '{}') =>
    app.request(
      url,
      {
        ...{ method: 'POST', body, duplex: 'half' },
        headers: { 'stripe-signature': 't=1,v1=0', ...headers },
      } as RequestInit,
      { incoming },
    )
  return { runtime, send, isKnown: () => runtime.callers.of(incoming as never).isKnown }
}

const forged = {
  maySign: (signature: string) => signature !== '',
  readEvent() {
    throw new ForgedPaymentEvent('the signature is not ours')
  },
} as unknown as ReturnType<Parts['payments']>

describe('an event', () => {
  it('that is signed makes its sender known on the connection, until one comes there that is not', async () => {
    let payments = { ...forged, readEvent: () => ({ kind: 'other' }) } as typeof forged
    const { send, isKnown } = addressWith(() => payments)
    const signed = await send()
    expect([signed.status, isKnown()]).toStrictEqual([200, true])
    payments = forged
    const madeUp = await send()
    expect([madeUp.status, isKnown()]).toStrictEqual([400, false])
  })

  it('that is not signed is 429 where its address has sent many', async () => {
    const { send } = addressWith(() => forged, { authFailuresPerMinuteMax: 2 })
    const answers = [await send(), await send(), await send()]
    expect(answers.map(({ status }) => status)).toStrictEqual([400, 400, 429])
    expect(Number(answers[2]?.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('whose header is no signature of now is refused, and counted, before its body is read', async () => {
    const { send } = addressWith(() => forged, { authFailuresPerMinuteMax: 1 })
    let isRead = false
    const pull = () => {
      isRead = true
    }
    const unsigned = { 'stripe-signature': '' }
    expect((await send(unsigned, new ReadableStream({ pull }, { highWaterMark: 0 }))).status).toBe(400)
    expect([(await send(unsigned)).status, isRead]).toStrictEqual([429, false])
  })

  it('is not read, however it is signed, once its address has made up so many signatures', async () => {
    const { send } = addressWith(() => forged, { authFailuresPerMinuteMax: 1 })
    let isRead = false
    const pull = () => {
      isRead = true
    }
    expect((await send()).status).toBe(400)
    expect([(await send({}, new ReadableStream({ pull }, { highWaterMark: 0 }))).status, isRead]).toStrictEqual([
      429,
      false,
    ])
  })

  it('is not read where too much is held already, and gives its room back', async () => {
    const { runtime, send } = addressWith(() => forged, { bodiesInFlightMaxBytes: 1 })
    const request = { req: { header: () => '2' }, env: {} }
    const release = runtime.bounds.holdBody(request as never, 2)
    expect((await send({ 'content-length': '2' })).status).toBe(429)
    release?.()
    expect((await send({ 'content-length': '2' })).status).toBe(400)
  })
})
