/** The stand-in for Stripe, asked by Stripe's own library: what it answers, sends and keeps. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startStripeStandIn } from '../../src/embedded/stripe/server.ts'
import { type PaymentStandIn, startPaymentStandIn } from '../support/payments.ts'
import { temporaryDirectory } from '../support/services.ts'

const received: { type: string; signature: string; body: string }[] = []
let answer = 200
const listener = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  const signature = String(request.headers['stripe-signature'])
  if (answer === 200) received.push({ type: JSON.parse(body).type, signature, body })
  response.writeHead(answer).end()
})
let standIn: PaymentStandIn

beforeAll(async () => {
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  standIn = await startPaymentStandIn(() => `http://127.0.0.1:${(listener.address() as AddressInfo).port}/hook`)
})
afterAll(async () => {
  await standIn.close()
  listener.close()
})
beforeEach(() => {
  received.length = 0
  answer = 200
})

const live = () => standIn.payments('live')
let serial = 0
const newCustomer = () => live().createCustomer({ key: `customer ${++serial}`, organizationId: 'org_1', name: 'Acme' })
async function newSession(key = `purchase ${++serial}`) {
  const customerId = await newCustomer()
  const successUrl = 'http://127.0.0.1:1/done'
  const order = { key, customerId, amountCents: 5_000n, title: '5000 credits', successUrl, purchaseId: key }
  return { customerId, order, session: await live().openCheckout(order) }
}
const types = () => received.map(({ type }) => type)

describe('a checkout', () => {
  it('is paid once, however often the form is sent, and says so by a signed event', async () => {
    const { session } = await newSession()
    expect(session).toMatchObject({ status: 'open', isPaid: false, amountCents: 5_000n, currency: 'usd' })
    for (let times = 0; times < 2; times++) {
      expect(await standIn.pay(session.url!, 'success')).toEqual({ status: 303, to: 'http://127.0.0.1:1/done' })
    }
    await vi.waitFor(() => expect(types()).toContain('payment_intent.succeeded'), { timeout: 5_000 })
    expect(types()).toEqual(['checkout.session.completed', 'payment_intent.succeeded'])
    const { body, signature } = received[0]!
    const event = live().readEvent(Buffer.from(body), signature, new Date())
    expect(event).toMatchObject({ kind: 'session', session: { sessionId: session.sessionId, isPaid: true } })
    expect(await live().findSession(session.sessionId)).toMatchObject({ status: 'complete', isPaid: true })
    const { body: charges } = await standIn.ask('GET', '/v1/charges', { customer: charged(body).customer })
    expect(charges.data).toHaveLength(1)
  })
  const charged = (body: string) => JSON.parse(body).data.object

  it('whose card is declined stays open', async () => {
    const { session } = await newSession()
    const declined = await standIn.pay(session.url!, 'decline')
    expect(declined).toEqual({ status: 303, to: `${session.url}?declined` })
    expect(await (await fetch(declined.to!)).text()).toContain('was declined')
    expect(await live().findSession(session.sessionId)).toMatchObject({ status: 'open', isPaid: false })
  })

  it('paid by a method that takes its time is completed first and paid later', async () => {
    const { session } = await newSession()
    await standIn.pay(session.url!, 'late')
    await vi.waitFor(() => expect(types()).toContain('checkout.session.async_payment_succeeded'), { timeout: 5_000 })
    const [completed, succeeded] = received
      .filter(({ type }) => type.startsWith('checkout.'))
      .map(({ body }) => charged(body).payment_status)
    expect([completed, succeeded]).toEqual(['unpaid', 'paid'])
  })

  it('is one under one key, and another request under the key is refused', async () => {
    const { order, session } = await newSession()
    expect(await live().openCheckout(order)).toEqual(session)
    await expect(live().openCheckout({ ...order, amountCents: 1_000n })).rejects.toThrow('same parameters')
  })

  it('ends when its time is over or when it is ended, and cannot be paid then', async () => {
    const { session } = await newSession()
    const ended = await standIn.ask('POST', `/v1/checkout/sessions/${session.sessionId}/expire`)
    expect(ended.body.status).toBe('expired')
    await standIn.pay(session.url!, 'success')
    expect(await live().findSession(session.sessionId)).toMatchObject({ status: 'expired', isPaid: false })
    await vi.waitFor(() => expect(types()).toEqual(['checkout.session.expired']), { timeout: 5_000 })
  })
})

describe('a kept card', () => {
  it('is charged without the customer, once for each key, and declined where that was ordered', async () => {
    const { customerId, session } = await newSession()
    await standIn.pay(session.url!, 'success')
    const paymentMethodId = await live().cardOf(customerId)
    const order = { key: 'tup_1', customerId, paymentMethodId: paymentMethodId!, amountCents: 2_500n, topUpId: 'tup_1' }
    await standIn.order('decline_next')
    const declined = await live().charge(order)
    expect(declined).toEqual({ as: 'declined', reason: 'card_declined' })
    // Stripe keeps the refusal under its key too.
    expect(await live().charge(order)).toEqual(declined)
    const paid = await live().charge({ ...order, key: 'tup_1:2' })
    expect(paid.as).toBe('paid')
    expect(await live().charge({ ...order, key: 'tup_1:2' })).toEqual(paid)
    // Under a key that is forgotten, a payment of the top-up is found; one that was declined is none.
    expect(await live().charge({ ...order, key: 'tup_1 forgotten', isLate: true })).toEqual(paid)
    if (paid.as === 'paid') expect(await live().originOf(paid.paymentIntentId)).toEqual({ topUpId: 'tup_1' })
    const { body } = await standIn.ask('GET', '/v1/charges', { customer: customerId })
    expect(body.data.map(({ amount }: { amount: number }) => amount)).toEqual([2_500, 5_000])
  })
})

describe('events', () => {
  it('that are not taken are sent again; one that is to be lost is not sent', async () => {
    answer = 500
    const { session } = await newSession()
    await standIn.order('drop_events')
    await standIn.pay(session.url!, 'success')
    answer = 200
    await vi.waitFor(() => expect(types()).toEqual(['payment_intent.succeeded']), { timeout: 10_000 })
  })

  it('tell of refunds and disputes', async () => {
    const { session } = await newSession()
    await standIn.pay(session.url!, 'success')
    const { paymentIntentId } = (await live().findSession(session.sessionId))!
    await standIn.order('refund', { payment_intent: paymentIntentId!, amount: '2000' })
    await standIn.order('refund', { payment_intent: paymentIntentId!, amount: '1000' })
    await standIn.order('dispute', { payment_intent: paymentIntentId! })
    await vi.waitFor(() => expect(types()).toContain('charge.dispute.created'), { timeout: 5_000 })
    const told = received
      .filter(({ type }) => type.startsWith('charge.'))
      .map(({ body, signature }) => live().readEvent(Buffer.from(body), signature, new Date()))
    const reversed = { kind: 'reversed', paymentIntentId }
    expect(told).toEqual([
      { ...reversed, by: { cause: 'refund', refundedCents: 2_000n } },
      { ...reversed, by: { cause: 'refund', refundedCents: 3_000n } },
      { ...reversed, by: { cause: 'dispute', disputeId: expect.stringMatching(/^dp_/), disputedCents: 5_000n } },
    ])
    expect(await live().originOf(paymentIntentId!)).toMatchObject({ session: { sessionId: session.sessionId } })
  })

  it('that are forged, changed or old are refused', () => {
    const event = { id: 'evt_1', object: 'event', type: 'charge.succeeded', data: { object: {} } }
    const { body, signature } = standIn.signed(event)
    const read = (text: string, by: string, now = new Date()) => live().readEvent(Buffer.from(text), by, now)
    expect(read(body, signature)).toEqual({ kind: 'other' })
    for (const [text, by] of [
      [`${body} `, signature],
      [body, standIn.signed(event, 'test').signature],
      [body, ''],
      [body, standIn.signed(event, 'live', Date.now() - 301_000).signature],
    ] as const) {
      expect(() => read(text, by)).toThrow('not signed with our secret')
    }
  })
})

describe('events that are signed', () => {
  const read = (event: unknown) => {
    const { body, signature } = standIn.signed(event as object)
    return live().readEvent(Buffer.from(body), signature, new Date())
  }
  const told = (type: string, object?: unknown) => ({ id: 'evt_1', object: 'event', type, data: { object } })

  it.each([
    ['nothing', null],
    ['no data', { type: 'checkout.session.completed' }],
    ['no session', told('checkout.session.completed', null)],
    ['no id', told('checkout.session.async_payment_succeeded', { payment_status: 'paid' })],
    ['no whole amount', told('checkout.session.completed', { id: 'cs_1', payment_status: 'paid', amount_total: 5.5 })],
    ['no refund', told('charge.refunded', {})],
    ['no payment', told('charge.refunded', { amount_refunded: 5 })],
    ['no dispute', told('charge.dispute.created', {})],
  ])('and say %s concern nobody', (_, event) => {
    expect(read(event)).toStrictEqual({ kind: 'other' })
  })

  it('say what they have of a session', () => {
    const object = { id: 'cs_1', payment_status: 'paid', amount_total: 500, currency: 'usd' }
    expect(read(told('checkout.session.completed', object))).toMatchObject({
      kind: 'session',
      session: { sessionId: 'cs_1', isPaid: true, amountCents: 500n, paymentIntentId: null, purchaseId: null },
    })
  })
})

describe('its doors', () => {
  it('open to the key of the account alone, and to one world each', async () => {
    const headers = { authorization: 'Bearer sk_live_of_somebody' }
    expect((await fetch(`${standIn.url}/v1/customers`, { method: 'POST', headers })).status).toBe(401)
    expect((await fetch(`${standIn.url}/v1/customers`, { method: 'POST' })).status).toBe(401)
    const { session } = await newSession()
    expect(await standIn.payments('test').findSession(session.sessionId)).toBeUndefined()
    expect((await fetch(`${standIn.url}/c/pay/cs_live_guessed`)).status).toBe(404)
  })

  it('open to what the own user orders, without a key where the kernel tells whose the connection is', async () => {
    const response = await fetch(`${standIn.url}/_test/decline_next`, {
      method: 'POST',
      body: new URLSearchParams({ count: '0' }),
    })
    expect(response.status).toBe(process.platform === 'linux' ? 200 : 401)
  })

  it('are closed to what another user orders', async () => {
    const { getuid } = process
    // It is another one's as soon as this process is.
    const other = vi.spyOn(process, 'getuid').mockImplementation(() => (getuid?.() ?? 0) + 1)
    const body = new URLSearchParams({ count: '1' })
    const response = await fetch(`${standIn.url}/_test/decline_next`, { method: 'POST', body })
    other.mockRestore()
    expect(response.status).toBe(401)
  })
})

describe('its state', () => {
  it('is there after it was ended in mid work, with its address, its keys and what is still to be sent', async () => {
    const directory = temporaryDirectory()
    let target: string | undefined
    const first = await startStripeStandIn({ directory: directory.path, target: () => target })
    const form = { authorization: `Bearer ${first.keys.live.secretKey}` }
    const made = await fetch(`${first.url}/v1/customers`, { method: 'POST', headers: form, body: 'name=Acme' })
    const { id } = (await made.json()) as { id: string }
    await first.close()
    const second = await startStripeStandIn({ directory: directory.path, target: () => target })
    expect({ url: second.url, keys: second.keys }).toEqual({ url: first.url, keys: first.keys })
    const found = await fetch(`${second.url}/v1/customers/${id}`, { headers: form })
    expect(await found.json()).toMatchObject({ id, name: 'Acme' })
    await second.close()
    directory.remove()
  })
})
