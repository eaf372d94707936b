/** Where there is no payment provider: which instances have none, and what they answer to buyers and to Stripe. */
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config.ts'
import type { AppEnv } from '../../../src/http/environment.ts'
import { paymentRoutes } from '../../../src/http/firsthand/billing/stripe-webhook.ts'
import { orUnavailable } from '../../../src/http/firsthand/billing/unavailable.ts'
import { defaultServerOptions, startServer } from '../../../src/http/server.ts'
import { openPayments, type PaymentsOf, STRIPE_WEBHOOK_PATH } from '../../../src/processes/firsthand/payment-access.ts'
import { firsthandSettings } from '../../../src/processes/firsthand/settings.ts'
import type { Services } from '../../../src/services/backing-services.ts'
import { exchangeOf, sharedRuntime } from '../exchange.ts'

/** Of an instance with this environment; its stand-in would listen nowhere. */
const opened = (environment: Record<string, string>, eventStore: 'external' | 'embedded'): Promise<PaymentsOf> => {
  const account = { secretKey: 'sk_live_x', webhookSecret: 'whsec_x' }
  const standIn = { url: 'http://127.0.0.1:9', keys: { live: account, test: account }, close: async () => undefined }
  const services = { eventStore: { kind: eventStore, url: '' }, stripeStandIn: async () => standIn }
  return openPayments({
    config: loadConfig(environment),
    services: services as unknown as Services,
    settings: (schema) => schema.parse(environment),
  })
}

describe('a payment provider', () => {
  it.each([
    ['none, with an event store of one’s own', {}, 'external', 'Purchases need STRIPE_SECRET_KEY'],
    ['the stand-in, in an instance of one process', {}, 'embedded', undefined],
    ['the stand-in, where it was asked for', { STRIPE_STAND_IN: 'on' }, 'external', undefined],
    ['none for roles apart', { STRIPE_STAND_IN: 'on', ROLES: 'api' }, 'external', 'serves one process'],
    ['Stripe', { STRIPE_SECRET_KEY: 'sk_live_1' }, 'external', undefined],
    [
      'none for live, with a key for tests alone',
      { STRIPE_TEST_SECRET_KEY: 'sk_test_1' },
      'external',
      'STRIPE_SECRET_KEY is not set',
    ],
  ] as const)('is %s', async (_, environment, eventStore, refusal) => {
    const payments = await opened({ ...environment }, eventStore)
    const live = () => payments('live')
    if (refusal === undefined) expect(live()).toBeDefined()
    else expect(live).toThrow(refusal)
  })

  it('that is none is 503 to buyers, with what to set', async () => {
    expect(firsthandSettings.parse({}).STRIPE_STAND_IN).toBe('auto')
    const payments = await opened({}, 'external')
    await expect(orUnavailable(async () => payments('live'))).rejects.toMatchObject({
      code: 'dependency_unavailable',
      message: expect.stringContaining('STRIPE_STAND_IN=on'),
    })
  })

  it('that is none is 503 to Stripe, which sends its event again; a forged event is 400 where there is one', async () => {
    const app = new Hono<AppEnv>()
    app.use(async (c, next) => {
      c.set('exchange', exchangeOf('req_1'))
      await next()
    })
    let payments = await opened({}, 'external')
    const parts = { bus: undefined as never, clock: () => new Date(), log: sharedRuntime().log }
    app.route('/', paymentRoutes({ ...parts, payments: (world) => payments(world) }, sharedRuntime()))
    const server = await startServer({ ...defaultServerOptions, fetch: app.fetch, host: '127.0.0.1', port: 0 })
    try {
      const send = async () => {
        const headers = { 'stripe-signature': 't=1,v1=00', 'content-type': 'application/json' }
        const url = `http://127.0.0.1:${server.port}${STRIPE_WEBHOOK_PATH}`
        const response = await fetch(url, { method: 'POST', headers, body: '{}' })
        return [response.status, ((await response.json()) as { error: { type: string } }).error.type]
      }
      expect(await send()).toStrictEqual([503, 'internal_error'])
      payments = await opened(
        { STRIPE_TEST_SECRET_KEY: 'sk_test_1', STRIPE_TEST_WEBHOOK_SECRET: 'whsec_1' },
        'external',
      )
      expect(await send()).toStrictEqual([400, 'invalid_request'])
    } finally {
      await server.stop(100)
    }
  })
})
