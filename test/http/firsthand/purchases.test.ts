/**
 * Credits bought over HTTP, with the stand-in for Stripe behind it: once for each session, whatever happens to the events, and
 * taken back where the money goes back. Rows F12 and F13 of the faults.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { purchase } from '../../../src/commands/firsthand/purchase.ts'
import { createSessionSweep } from '../../../src/processes/firsthand/payments.ts'
import { findUnsettledPurchases } from '../../../src/projections/firsthand/purchase.ts'
import { eventually } from '../../projections/support.ts'
import type { PaymentStandIn } from '../../support/payments.ts'
import { type Api, startApi } from '../api.ts'
import { addBuyer, addKey, type Buyer, grant, postJob } from './buyers.ts'

let api: Api
let standIn: PaymentStandIn
beforeAll(async () => {
  api = await startApi()
  standIn = api.standIn!
})
afterAll(() => api.stop())

const buy = (key: string, amount_cents: number, idempotencyKey: string = randomUUID()) =>
  api.buy('POST', '/v1/billing/credits/purchase', {
    key,
    body: { amount_cents },
    headers: { 'idempotency-key': idempotencyKey },
  })
const balanceOf = async (key: string): Promise<number> =>
  (await api.buy('GET', '/v1/billing/credits', { key })).body.balance_cents
const transactionsOf = async (key: string): Promise<{ type: string; amount_cents: number; expires_at: string }[]> =>
  (await api.buy('GET', '/v1/billing/transactions?limit=100', { key })).body.data
const amounts = async (key: string) =>
  (await transactionsOf(key)).map(({ type, amount_cents }) => `${type} ${amount_cents}`)
const isPaidUp = (key: string, cents: number) => eventually(async () => expect(await balanceOf(key)).toBe(cents))

const deliver = async ({ body, signature }: { body: string; signature: string }) => {
  const headers = { 'stripe-signature': signature, 'content-type': 'application/json' }
  const response = await fetch(`${api.url}/firsthand/stripe/webhook`, { method: 'POST', headers, body })
  return { status: response.status, body: (await response.json()) as { error?: { type: string } } }
}
const completed = (session: object, type = 'checkout.session.completed') => ({
  ...{ id: `evt_${randomUUID()}`, object: 'event', type, data: { object: session } },
})
const sessionOf = async (id: string) => (await standIn.ask('GET', `/v1/checkout/sessions/${id}`)).body

/** A paid session of which no event has been sent. */
async function paidUnseen(buyer: Buyer, cents: number): Promise<string> {
  const { body } = await buy(buyer.key, cents)
  await standIn.order('drop_events', { count: '2' })
  await standIn.pay(body.checkout_url, 'success')
  return body.session_id
}

describe('a pack', () => {
  it.each([
    [1_000, []],
    [2_500, ['bonus 125']],
    [25_000, ['bonus 5000']],
  ])('of %i is paid on the page and comes as lots of 12 months', async (cents, bonus) => {
    const { key } = await addBuyer(api)
    const { status, body } = await buy(key, cents)
    expect(status).toBe(200)
    expect(await balanceOf(key)).toBe(0)
    expect((await standIn.pay(body.checkout_url, 'success')).to).toBe(`${api.url}/firsthand/checkout/done`)
    await eventually(async () => expect(await amounts(key)).toEqual([...bonus, `purchase ${cents}`]))
    const [newest] = await transactionsOf(key)
    const days = (Date.parse(newest?.expires_at ?? '') - Date.now()) / 86_400_000
    expect(days > 364 && days < 366.1).toBe(true)
    expect(await (await fetch(`${api.url}/firsthand/checkout/done`)).text()).toContain('Thank you')
  })

  it('has one of five prices', async () => {
    const { key } = await addBuyer(api)
    expect((await buy(key, 1_001)).status).toBe(422)
  })

  it('is declined and paid then, or paid late, once', async () => {
    const { key } = await addBuyer(api)
    const { body } = await buy(key, 1_000)
    await standIn.pay(body.checkout_url, 'decline')
    await standIn.pay(body.checkout_url, 'late')
    await standIn.pay(body.checkout_url, 'success')
    await isPaidUp(key, 1_000)
    expect(await amounts(key)).toEqual(['purchase 1000'])
  })

  it('bought with a key of the test world fills the test balance', async () => {
    const buyer = await addBuyer(api)
    const test = await addKey(api, buyer.organizationId, { environment: 'test' })
    const { body } = await buy(test.key, 1_000)
    await standIn.pay(body.checkout_url, 'success')
    await isPaidUp(test.key, 1_000)
    expect(await balanceOf(buyer.key)).toBe(0)
  })
})

describe('the same request', () => {
  it('opens one session, also a hundred times at once, and another pack under its key is refused', async () => {
    const { key } = await addBuyer(api)
    const answers = await Promise.all(Array.from({ length: 100 }, () => buy(key, 1_000, 'pack-1')))
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.session_id} ${body.checkout_url}`)).size).toBe(1)
    expect(answers[0]?.status).toBe(200)
    expect((await buy(key, 2_500, 'pack-1')).status).toBe(409)
  })

  it('finds the session that the provider made where the answer got lost (F13)', async () => {
    const { key } = await addBuyer(api)
    await buy(key, 1_000)
    // The library sends it again by itself; with all of its sends lost the request is 503.
    await standIn.order('lose_answers', { count: '3' })
    const lost = await buy(key, 2_500, 'pack-2')
    expect(lost.status).toBe(503)
    const { status, body } = await buy(key, 2_500, 'pack-2')
    expect(status).toBe(200)
    const { customer } = await sessionOf(body.session_id)
    const { body: sessions } = await standIn.ask('GET', '/v1/checkout/sessions', { customer })
    expect(sessions.data.map(({ amount_total }: { amount_total: number }) => amount_total)).toEqual([2_500, 1_000])
  })
})

describe('an event of the provider (F12)', () => {
  it('that comes again, ten times at once, and out of order credits once', async () => {
    const buyer = await addBuyer(api)
    const id = await paidUnseen(buyer, 5_000)
    const session = await sessionOf(id)
    const late = completed({ ...session, payment_status: 'unpaid' })
    const all = [
      ...Array.from({ length: 10 }, () => completed(session)),
      completed(session, 'checkout.session.async_payment_succeeded'),
      late,
    ]
    const answers = await Promise.all(all.map((event) => deliver(standIn.signed(event))))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    await isPaidUp(buyer.key, 5_500)
    expect((await deliver(standIn.signed(late))).status).toBe(200)
    expect(await amounts(buyer.key)).toEqual(['bonus 500', 'purchase 5000'])
  })

  it('that is forged, changed or ten minutes old is 400 and has no effect', async () => {
    const buyer = await addBuyer(api)
    const session = await sessionOf(await paidUnseen(buyer, 1_000))
    const good = standIn.signed(completed(session))
    for (const bad of [
      { ...good, body: good.body.replace('"livemode":true', '"livemode": true') },
      { ...good, signature: `t=${Math.floor(Date.now() / 1_000)},v1=${'0'.repeat(64)}` },
      { ...good, signature: '' },
      standIn.signed(completed(session), 'live', Date.now() - 600_000),
    ]) {
      expect(await deliver(bad)).toMatchObject({ status: 400, body: { error: { type: 'invalid_request' } } })
    }
    expect(await balanceOf(buyer.key)).toBe(0)
  })

  it('that says another amount or currency than was recorded credits nothing, for good, and is an alarm', async () => {
    const buyer = await addBuyer(api)
    const id = await paidUnseen(buyer, 1_000)
    const session = await sessionOf(id)
    await deliver(standIn.signed(completed({ ...session, currency: 'eur' })))
    await deliver(standIn.signed(completed(session)))
    expect((await api.bus.current(purchase, id)).status).toBe('quarantined')
    expect(await balanceOf(buyer.key)).toBe(0)
    expect(api.logged.some(({ level, fields }) => level === 'error' && fields.sessionId === id)).toBe(true)
  })

  it('about a session of somebody else’s is taken and changes nothing', async () => {
    const { body: customer } = await standIn.ask('POST', '/v1/customers', { name: 'somebody' })
    const form = {
      ...{ mode: 'payment', customer: customer.id, success_url: 'https://shop.example/' },
      ...{ 'line_items[0][price_data][unit_amount]': '1000', 'line_items[0][price_data][currency]': 'usd' },
    }
    const { body: session } = await standIn.ask('POST', '/v1/checkout/sessions', form)
    expect((await deliver(standIn.signed(completed({ ...session, payment_status: 'paid' })))).status).toBe(200)
    expect((await api.bus.current(purchase, session.id)).status).toBe('absent')
  })

  it('that is lost loses nobody’s money: the sweep asks after five minutes', async () => {
    const buyer = await addBuyer(api)
    for (let n = 0; n < 3; n++) await buy(buyer.key, 1_000)
    const paid = await paidUnseen(buyer, 1_000)
    const { body: unpaid } = await buy(buyer.key, 2_500)
    await standIn.order('drop_events')
    await standIn.ask('POST', `/v1/checkout/sessions/${unpaid.session_id}/expire`)
    let now = new Date()
    const sweep = createSessionSweep({
      ...{ bus: api.bus, db: api.db, paymentsOf: (world) => standIn.payments(world), now: () => now },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      // Fewer at a time than there are: older ones, which nobody pays, hide no later one.
      limits: { intervalMs: 20, batchMax: 2, sessionAgeMs: 300_000, topUpWaitsMs: [] },
    })
    const stop = new AbortController()
    const running = sweep.run(stop.signal)
    await eventually(async () => {
      const early = await findUnsettledPurchases(api.db, new Date().toISOString(), undefined, 1_000)
      expect(early.map(({ session_id }) => session_id)).toEqual(expect.arrayContaining([paid, unpaid.session_id]))
    })
    expect(await balanceOf(buyer.key)).toBe(0)
    now = new Date(Date.now() + 301_000)
    await isPaidUp(buyer.key, 1_000)
    await eventually(async () => expect((await api.bus.current(purchase, unpaid.session_id)).status).toBe('expired'))
    stop.abort()
    await running
    expect(await amounts(buyer.key)).toEqual(['purchase 1000'])
  })
})

describe('money that goes back', () => {
  async function bought(cents: number) {
    const buyer = await addBuyer(api)
    const { body } = await buy(buyer.key, cents)
    await standIn.pay(body.checkout_url, 'success')
    await eventually(async () => expect(await balanceOf(buyer.key)).toBeGreaterThan(0))
    const { payment_intent } = await sessionOf(body.session_id)
    return { ...buyer, payment: { payment_intent: String(payment_intent) } }
  }

  it('takes back what the purchase’s own lots hold, in parts, once, the bonus in proportion', async () => {
    const { key, organizationId, payment } = await bought(5_000)
    await grant(api, organizationId, 100)
    await standIn.order('refund', { ...payment, amount: '2500' })
    await isPaidUp(key, 2_850)
    await standIn.order('refund', payment)
    // The bank takes back what was given back already: nothing more goes.
    await standIn.order('dispute', payment)
    await isPaidUp(key, 100)
    expect(await amounts(key)).toEqual([
      ...['deduction -2750', 'deduction -2750', 'free_tier 100'],
      ...['bonus 500', 'purchase 5000'],
    ])
  })

  it('is taken by a refund of a part and by a dispute of the rest, each its own', async () => {
    const { key, payment } = await bought(5_000)
    await standIn.order('refund', { ...payment, amount: '2500' })
    await isPaidUp(key, 2_750)
    await standIn.order('dispute', { ...payment, amount: '2000' })
    await isPaidUp(key, 550)
    expect(await amounts(key)).toEqual(['deduction -2200', 'deduction -2750', 'bonus 500', 'purchase 5000'])
  })

  it('is taken by a dispute of a part and by a refund of another part after it, each its own', async () => {
    const { key, payment } = await bought(5_000)
    await standIn.order('dispute', { ...payment, amount: '2000' })
    await isPaidUp(key, 3_300)
    await standIn.order('refund', { ...payment, amount: '2500' })
    await isPaidUp(key, 550)
    expect(await amounts(key)).toEqual(['deduction -2750', 'deduction -2200', 'bonus 500', 'purchase 5000'])
  })

  it('that was spent bars new jobs until it is paid', async () => {
    const { key, payment } = await bought(1_000)
    expect((await postJob(api, key, { files_needed: 4, price_per_file_cents: 200 })).status).toBe(201)
    await standIn.order('dispute', payment)
    await isPaidUp(key, 0)
    const refused = await postJob(api, key, { files_needed: 1, price_per_file_cents: 1 })
    expect([refused.status, refused.body.error.type]).toEqual([402, 'insufficient_credits'])
    const { body } = await buy(key, 1_000)
    await standIn.pay(body.checkout_url, 'success')
    await isPaidUp(key, 200)
    expect((await postJob(api, key, { files_needed: 1, price_per_file_cents: 200 })).status).toBe(201)
  })
})
