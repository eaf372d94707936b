/**
 * Rows F12 to F15 of firsthand's faults over a whole instance: what its payment provider says twice, late, never and
 * falsely; kill -9 between the provider's answer and its record, the provider included; top-ups; credits that end.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { organization } from '../../src/commands/firsthand/organization.ts'
import { wallet, walletIdOf } from '../../src/commands/firsthand/wallet.ts'
import { systemContext } from '../http/api.ts'
import { type Buyer, postJob } from '../http/firsthand/buyers.ts'
import { moduleUrl, startOwner } from '../support/owner-process.ts'
import { paymentStandInAt } from '../support/payments.ts'
import { temporaryDirectory } from '../support/services.ts'
import { startReceiver } from '../support/webhook-receiver.ts'
import { momentsOf } from './crashes.ts'
import { type FirsthandHouse, openFirsthandHouse } from './firsthand-house.ts'

const SWEEP_AGE_MS = 1_000
/** For a start beside it, on a machine that does other things too. */
const RESTART_MAX_MS = 240_000
const wait = { timeout: 60_000, interval: 20 }
const eventually = <T>(look: () => Promise<T>) => vi.waitFor(look, wait)
/** Each takes some seconds on a machine of its own. */
vi.setConfig({ testTimeout: 90_000 })
let house: FirsthandHouse

beforeAll(async () => {
  house = await openFirsthandHouse({
    FIRSTHAND_PURCHASE_SWEEP_AGE_MS: String(SWEEP_AGE_MS),
    FIRSTHAND_TOP_UP_RETRY_WAITS_MS: '50,100,150',
  })
  await house.start()
}, 240_000)
afterAll(() => house.close(), 120_000)

const buy = (key: string, amount_cents: number, idempotencyKey: string = randomUUID()) =>
  house.buy('POST', '/v1/billing/credits/purchase', {
    ...{ key, body: { amount_cents }, headers: { 'idempotency-key': idempotencyKey } },
  })
const save = (key: string, body: object) => house.buy('PATCH', '/v1/organization/settings', { key, body })
const balanceOf = async (key: string): Promise<number> =>
  (await house.buy('GET', '/v1/billing/credits', { key })).body.balance_cents
const amounts = async (key: string): Promise<string[]> => {
  const { body } = await house.buy('GET', '/v1/billing/transactions?limit=100', { key })
  return body.data.map(({ type, amount_cents }: { type: string; amount_cents: number }) => `${type} ${amount_cents}`)
}
const isPaidUp = (key: string, cents: number) => eventually(async () => expect(await balanceOf(key)).toBe(cents))
const walletOf = ({ organizationId }: Buyer) =>
  `firsthand.wallet-${walletIdOf({ organizationId, environment: 'live' })}`
const topUpsOf = async (buyer: Buyer) =>
  (await house.eventsOf(walletOf(buyer))).map(({ name }) => name).filter((name) => name.startsWith('AutoTopUp'))
const customerOf = async ({ organizationId }: Buyer): Promise<string> => {
  const state = await house.bus.current(organization, organizationId)
  return (state.status !== 'absent' && state.payments.live?.customerId) || 'none'
}
/** What the provider has of the buyer, newest first. */
const provided = async (buyer: Buyer, what: 'checkout/sessions' | 'charges') => {
  const { body } = await house.standIn().ask('GET', `/v1/${what}`, { customer: await customerOf(buyer) })
  return body.data as { id: string; amount: number; amount_total: number }[]
}
const charged = async (buyer: Buyer) => (await provided(buyer, 'charges')).map(({ amount }) => amount)

const deliver = async ({ body, signature }: { body: string; signature: string }) => {
  const headers = { 'stripe-signature': signature, 'content-type': 'application/json' }
  return (await fetch(`${house.url()}/firsthand/stripe/webhook`, { method: 'POST', headers, body })).status
}
const eventOf = (session: object, type = 'checkout.session.completed') => ({
  ...{ id: `evt_${randomUUID()}`, object: 'event', type, data: { object: session } },
})
const sessionOf = async (id: string) => (await house.standIn().ask('GET', `/v1/checkout/sessions/${id}`)).body

/** With 1,000 credits that were bought, so that the provider has a card. */
async function withCard(): Promise<Buyer> {
  const buyer = await house.addBuyer()
  const { body } = await buy(buyer.key, 1_000)
  await house.standIn().pay(body.checkout_url, 'success')
  await isPaidUp(buyer.key, 1_000)
  return buyer
}
const topUpAt = (auto_top_up_threshold_cents: number) => ({
  ...{ auto_top_up_enabled: true, auto_top_up_threshold_cents, auto_top_up_amount_cents: 2_500 },
})

describe.sequential('the payment provider', () => {
  it('row F12: an event twice, ten times at once and out of order credits once', async () => {
    const { key } = await house.addBuyer()
    const { body } = await buy(key, 5_000)
    await house.standIn().order('drop_events', { count: '2' })
    await house.standIn().pay(body.checkout_url, 'success')
    const session = await sessionOf(body.session_id)
    const late = eventOf({ ...session, payment_status: 'unpaid' })
    const all = [
      ...Array.from({ length: 10 }, () => eventOf(session)),
      ...[eventOf(session, 'checkout.session.async_payment_succeeded'), late],
    ]
    const signed = all.map((event) => house.standIn().signed(event))
    const statuses = await Promise.all([...signed, ...signed.slice(0, 1)].map(deliver))
    expect(new Set(statuses)).toStrictEqual(new Set([200]))
    await isPaidUp(key, 5_500)
    expect(await deliver(house.standIn().signed(late))).toBe(200)
    expect(await amounts(key)).toStrictEqual(['bonus 500', 'purchase 5000'])
  })

  it('row F12: one that is forged, changed or ten minutes old is 400 and credits nothing', async () => {
    const buyer = await house.addBuyer()
    const { body } = await buy(buyer.key, 1_000)
    // Nobody has paid: who believes one of these credits what the provider knows nothing of.
    const paid = eventOf({ ...(await sessionOf(body.session_id)), status: 'complete', payment_status: 'paid' })
    const good = house.standIn().signed(paid)
    const now = Math.floor(Date.now() / 1_000)
    for (const bad of [
      { ...good, body: good.body.replace('"livemode":true', '"livemode": true') },
      { ...good, signature: `t=${now},v1=${'0'.repeat(64)}` },
      { ...good, signature: '' },
      house.standIn().signed(paid, 'live', Date.now() - 600_000),
    ]) {
      expect(await deliver(bad)).toBe(400)
    }
    expect((await house.eventsOf(walletOf(buyer))).map(({ name }) => name)).toStrictEqual([])
  })

  it('row F12: one that is lost loses nobody’s money: the sweep asks', async () => {
    const { key } = await house.addBuyer()
    const { body } = await buy(key, 2_500)
    await house.standIn().order('drop_events', { count: '2' })
    await house.standIn().pay(body.checkout_url, 'success')
    await isPaidUp(key, 2_625)
    expect(await amounts(key)).toStrictEqual(['bonus 125', 'purchase 2500'])
  })

  it('row F13: killed with its answers half given, has kept each of them, and charges each once', async () => {
    const directory = temporaryDirectory()
    const source = `
      import { startStripeStandIn } from ${moduleUrl('embedded/stripe/server.ts')}
      const options = { directory: ${JSON.stringify(directory.path)}, target: () => undefined }
      const { url, keys } = await startStripeStandIn(options)
      console.log(JSON.stringify({ url, keys }))`
    const first = await startOwner(source)
    const at = (said: Record<string, unknown>) => paymentStandInAt(said as Parameters<typeof paymentStandInAt>[0])
    const before = at(first.said)
    const customerId = await before.payments('live').createCustomer({ key: 'c', organizationId: 'org_1', name: 'Acme' })
    const session = await before.payments('live').openCheckout({
      ...{ key: 'pur_1', purchaseId: 'pur_1', customerId, successUrl: 'http://127.0.0.1/done' },
      ...{ amountCents: 1_000n, title: '1000 credits' },
    })
    await before.pay(session.url ?? '', 'success')
    const paymentMethodId = (await before.payments('live').cardOf(customerId)) ?? ''
    const CHARGES = 30
    const charge = (standIn: typeof before, n: number) =>
      standIn.payments('live').charge({
        ...{ key: `tup_${n}`, topUpId: `tup_${n}`, customerId, paymentMethodId, amountCents: BigInt(100 + n) },
      })
    const numbers = Array.from({ length: CHARGES }, (_, n) => n)
    const asked = numbers.map((n) => charge(before, n))
    // Some are answered, some are under way, some have not arrived.
    await Promise.any(asked)
    await first.end('SIGKILL')
    const answers = await Promise.allSettled(asked)
    const second = await startOwner(source)
    const after = at(second.said)
    expect({ url: after.url }).toStrictEqual({ url: before.url })
    const again = await Promise.all(numbers.map((n) => charge(after, n)))
    for (const [n, answer] of answers.entries()) {
      if (answer.status === 'fulfilled') expect(again[n]).toStrictEqual(answer.value)
    }
    const { body } = await after.ask('GET', '/v1/charges', { customer: customerId, limit: '100' })
    const amounts = body.data.map(({ amount }: { amount: number }) => amount).sort((a: number, b: number) => a - b)
    expect(amounts).toStrictEqual([...numbers.map((n) => 100 + n), 1_000])
    await second.end('SIGKILL')
    directory.remove()
  })
})

describe.sequential('credits', () => {
  it('row F14: 50 jobs cross the threshold at once: one top-up; a job that is refused buys nothing', async () => {
    const buyer = await withCard()
    await save(buyer.key, topUpAt(500))
    const refused = await postJob(house, buyer.key, { files_needed: 2, price_per_file_cents: 1_000 })
    expect([refused.status, await topUpsOf(buyer)]).toStrictEqual([402, []])
    const one = { files_needed: 1, price_per_file_cents: 20 }
    const answers = await Promise.all(Array.from({ length: 50 }, () => postJob(house, buyer.key, one)))
    expect(new Set(answers.map(({ status }) => status))).toStrictEqual(new Set([201]))
    await isPaidUp(buyer.key, 2_625)
    expect(await topUpsOf(buyer)).toStrictEqual(['AutoTopUpDue', 'AutoTopUpSettled'])
    expect(await charged(buyer)).toStrictEqual([2_500, 1_000])
  })

  it.each(momentsOf(['card_declined', 'authentication_required']))(
    'row F14: a card with %s is tried again three times, then the setting is off, and it is told',
    async (code) => {
      const buyer = await withCard()
      const receiver = await startReceiver()
      await house.buy('POST', '/v1/webhook_endpoints', { key: buyer.key, body: { url: receiver.url } })
      await house.standIn().order('decline_next', { code, count: '4' })
      await save(buyer.key, topUpAt(5_000))
      await eventually(async () => expect(await topUpsOf(buyer)).toStrictEqual(['AutoTopUpDue', 'AutoTopUpFailed']))
      const [, failed] = (await house.eventsOf(walletOf(buyer))).filter(({ name }) => name.startsWith('AutoTopUp'))
      expect(failed?.data).toMatchObject({ attempts: 4, reason: code })
      await eventually(async () => {
        const { body } = await house.buy('GET', '/v1/organization/settings', { key: buyer.key })
        expect(body).toMatchObject({ auto_top_up_enabled: false, auto_top_up_threshold_cents: 5_000 })
      })
      expect(await charged(buyer)).toStrictEqual([1_000])
      await eventually(async () => expect(receiver.received).toHaveLength(1))
      expect(receiver.received[0]?.event).toMatchObject({ type: 'billing.auto_top_up_failed' })
      await receiver.close()
    },
  )

  it('row F15: a lot that ends before the hold is never spent, swept or not, and expires once', async () => {
    const one = { files_needed: 1, price_per_file_cents: 20 }
    const race = async () => {
      const buyer = await house.addBuyer()
      const of = { organizationId: buyer.organizationId, environment: 'live' as const }
      // Granted an hour ago and ended a second ago: every look shows it until somebody books its end.
      const [at, endsAt] = [3_600_000, 1_000].map((ago) => new Date(Date.now() - ago).toISOString()) as [string, string]
      const ended = {
        kind: 'grant',
        credits: 'bonus',
        amountCents: 500n,
        endsAt,
        reason: null,
        wallet: of,
        at,
      } as const
      const { events } = await house.bus.handle(wallet, walletIdOf(of), ended, systemContext())
      const [granted] = events
      const lotId = granted?.type === 'firsthand.CreditsGranted.v1' ? granted.data.transactionId : 'none'
      await house.grant(buyer.organizationId, 100)
      // Jobs and sweep come at once. 100 cents are five jobs; with those that ended they would be all eight.
      const answers = await Promise.all(Array.from({ length: 8 }, () => postJob(house, buyer.key, one)))
      const statuses = answers.map(({ status }) => status).sort()
      expect(statuses).toStrictEqual([201, 201, 201, 201, 201, 402, 402, 402])
      await isPaidUp(buyer.key, 0)
      const story = await house.eventsOf(walletOf(buyer))
      const expired = story
        .filter(({ name }) => name === 'CreditsExpired')
        .map(({ data }) => [data.lotId, data.amountCents])
      expect(expired).toStrictEqual([[lotId, '500']])
      const spent = story
        .filter(({ name }) => name === 'EscrowHeld')
        .flatMap(({ data }) => data.parts as { lotId: string }[])
      expect(spent.map((part: { lotId: string }) => part.lotId)).not.toContain(lotId)
      expect(await amounts(buyer.key)).toContain('expiration -500')
    }
    await Promise.all(Array.from({ length: 5 }, race))
  })
})

describe.sequential('kill -9 between the provider’s answer and its record', () => {
  it.each(momentsOf(['payments.after-customer', 'payments.after-checkout']))(
    'row F13: at %s opens one session for one customer, and credits one payment',
    { timeout: RESTART_MAX_MS },
    async (at) => {
      const buyer = await house.addBuyer()
      const idempotencyKey = randomUUID()
      await house.dies({ at, about: at.endsWith('customer') ? buyer.organizationId : '' }, () =>
        buy(buyer.key, 5_000, idempotencyKey),
      )
      await house.start()
      const { status, body } = await buy(buyer.key, 5_000, idempotencyKey)
      expect(status).toBe(200)
      expect((await provided(buyer, 'checkout/sessions')).map(({ id }) => id)).toStrictEqual([body.session_id])
      expect((await sessionOf(body.session_id)).customer).toBe(await customerOf(buyer))
      await house.standIn().pay(body.checkout_url, 'success')
      await isPaidUp(buyer.key, 5_500)
      expect(await amounts(buyer.key)).toStrictEqual(['bonus 500', 'purchase 5000'])
      expect(await charged(buyer)).toStrictEqual([5_000])
    },
  )

  it('row F13: at payments.after-charge charges the card once, and credits the top-up once', {
    timeout: RESTART_MAX_MS,
  }, async () => {
    const buyer = await withCard()
    await house.dies({ at: 'payments.after-charge' }, () => save(buyer.key, topUpAt(5_000)))
    await house.start()
    await isPaidUp(buyer.key, 3_625)
    expect(await topUpsOf(buyer)).toStrictEqual(['AutoTopUpDue', 'AutoTopUpSettled'])
    expect(await charged(buyer)).toStrictEqual([2_500, 1_000])
    expect(await amounts(buyer.key)).toStrictEqual(['bonus 125', 'purchase 2500', 'purchase 1000'])
  })
})
