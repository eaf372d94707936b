/**
 * Automatic top-ups over real components, with a clock that the test moves. Rows F13 and F14 of the faults.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { organization } from '../../../src/commands/firsthand/organization.ts'
import { wallet, walletIdOf } from '../../../src/commands/firsthand/wallet.ts'
import type { WalletEvent } from '../../../src/events/firsthand/wallet.ts'
import { openCheckout } from '../../../src/processes/firsthand/purchasing.ts'
import { firsthandSettings } from '../../../src/processes/firsthand/settings.ts'
import { type DueTopUp, workTopUp } from '../../../src/processes/firsthand/top-ups.ts'
import { findDueTopUps } from '../../../src/projections/firsthand/purchase.ts'
import { type Api, startApi, systemContext } from '../../http/api.ts'
import { addBuyer, type Buyer, postJob } from '../../http/firsthand/buyers.ts'
import { eventually } from '../../projections/support.ts'
import type { PaymentStandIn } from '../../support/payments.ts'

let api: Api
let standIn: PaymentStandIn
beforeAll(async () => {
  api = await startApi()
  standIn = api.standIn!
})
afterAll(() => api.stop())

const HOUR_MS = 3_600_000
const { FIRSTHAND_TOP_UP_RETRY_WAITS_MS: WAITS_MS } = firsthandSettings.parse({})
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const later = (hours: number): string => new Date(Date.now() + hours * HOUR_MS + 1_000).toISOString()

/** Does what is due by then. */
const work = (due: DueTopUp, at: string) =>
  workTopUp({ bus: api.bus, log, payments: standIn.payments('live'), waitsMs: WAITS_MS }, due, {
    ...systemContext(),
    at,
  })

const settings = (key: string, body: object) => api.buy('PATCH', '/v1/organization/settings', { key, body })
const ON = { auto_top_up_enabled: true, auto_top_up_threshold_cents: 500, auto_top_up_amount_cents: 2_500 }

async function eventsOf({ organizationId }: Buyer): Promise<WalletEvent[]> {
  const events: WalletEvent[] = []
  const stream = `firsthand.wallet-${walletIdOf({ organizationId, environment: 'live' })}`
  for await (const { type, data } of api.store.readStream<WalletEvent>(stream)) {
    events.push({ type, data } as unknown as WalletEvent)
  }
  return events
}
const namesOf = async (buyer: Buyer) =>
  (await eventsOf(buyer)).map(({ type }) => type.split('.')[1]).filter((name) => name?.startsWith('AutoTopUp'))

async function dueOf(buyer: Buyer): Promise<DueTopUp> {
  const due = (await eventsOf(buyer)).findLast(({ type }) => type === 'firsthand.AutoTopUpDue.v1')
  if (due?.type !== 'firsthand.AutoTopUpDue.v1') throw new Error('no top-up is due')
  return due.data
}
/** Those of the buyer, as Stripe shows them, newest first. */
const chargesOf = async ({ organizationId }: Buyer) => {
  const state = await api.bus.current(organization, organizationId)
  const customer = state.status === 'absent' ? undefined : state.payments.live?.customerId
  const { body } = await standIn.ask('GET', '/v1/charges', { customer: customer ?? 'none' })
  return body.data as { amount: number; amount_refunded: number; payment_intent: string }[]
}
const charges = async (buyer: Buyer): Promise<number[]> => (await chargesOf(buyer)).map(({ amount }) => amount)
const stateOf = ({ organizationId }: Buyer) =>
  api.bus.current(wallet, walletIdOf({ organizationId, environment: 'live' }))

/** With 1,000 credits that were bought, so that a card is known. */
async function withCard(): Promise<Buyer> {
  const buyer = await addBuyer(api)
  const { organizationId } = buyer
  const order = {
    organizationId,
    environment: 'live' as const,
    amountCents: '1000',
    successUrl: 'http://127.0.0.1/done',
  }
  const opened = await openCheckout({ bus: api.bus, log, payments: standIn.payments('live') }, order, systemContext())
  await standIn.pay(opened.checkoutUrl, 'success')
  await eventually(async () => expect((await stateOf(buyer)).balance).toBe(1_000n))
  return buyer
}

describe('a balance that falls below the threshold', () => {
  it('buys once, however many jobs cross it at once, and a refused job buys nothing (F14)', async () => {
    const buyer = await withCard()
    await settings(buyer.key, ON)
    expect((await postJob(api, buyer.key, { files_needed: 2, price_per_file_cents: 1_000 })).status).toBe(402)
    expect(await namesOf(buyer)).toEqual([])
    const one = { files_needed: 1, price_per_file_cents: 20 }
    const answers = await Promise.all(Array.from({ length: 50 }, () => postJob(api, buyer.key, one)))
    expect(answers.every(({ status }) => status === 201)).toBe(true)
    expect(await namesOf(buyer)).toEqual(['AutoTopUpDue'])
    const due = await dueOf(buyer)
    await eventually(async () => {
      const rows = await findDueTopUps(api.db, later(0), 1_000)
      expect(rows.map(({ top_up_id }) => top_up_id)).toContain(due.topUpId)
    })
    await Promise.all([work(due, later(0)), work(due, later(0))])
    await work(due, later(0))
    expect(await charges(buyer)).toEqual([2_500, 1_000])
    expect((await stateOf(buyer)).balance).toBe(2_625n)
    expect(await namesOf(buyer)).toEqual(['AutoTopUpDue', 'AutoTopUpSettled'])
    await eventually(async () => {
      const { body } = await api.buy('GET', '/v1/billing/transactions?limit=2', { key: buyer.key })
      const shown = body.data.map((each: { type: string; amount_cents: number }) => [each.type, each.amount_cents])
      expect(shown).toEqual([
        ['bonus', 125],
        ['purchase', 2_500],
      ])
    })
    await eventually(async () => {
      const rows = await findDueTopUps(api.db, later(100), 1_000)
      expect(rows.map(({ top_up_id }) => top_up_id)).not.toContain(due.topUpId)
    })
  })

  it('was below when the settings were saved: that counts, once', async () => {
    const buyer = await withCard()
    const wanted = { ...ON, auto_top_up_threshold_cents: 5_000 }
    await settings(buyer.key, wanted)
    await settings(buyer.key, wanted)
    expect(await namesOf(buyer)).toEqual(['AutoTopUpDue'])
    await work(await dueOf(buyer), later(0))
    // Still below: only a balance that has been up again buys anew.
    await postJob(api, buyer.key, { files_needed: 1, price_per_file_cents: 20 })
    expect(await namesOf(buyer)).toEqual(['AutoTopUpDue', 'AutoTopUpSettled'])
  })

  it('buys ten times a day at most', async () => {
    const buyer = await withCard()
    await settings(buyer.key, { ...ON, auto_top_up_amount_cents: 500, auto_top_up_threshold_cents: 1_000 })
    for (let times = 0; times < 12; times++) {
      await postJob(api, buyer.key, { files_needed: 1, price_per_file_cents: 500 })
      const names = await namesOf(buyer)
      if (names.at(-1) !== 'AutoTopUpDue') break
      await work(await dueOf(buyer), later(0))
    }
    expect((await namesOf(buyer)).filter((name) => name === 'AutoTopUpDue')).toHaveLength(10)
  })
})

describe('a card that is declined (F14)', () => {
  it.each(['card_declined', 'authentication_required'])(
    'with %s is tried again after 1, 6 and 24 hours; then the setting is off, and it is told',
    async (code) => {
      const buyer = await withCard()
      await settings(buyer.key, { ...ON, auto_top_up_threshold_cents: 5_000 })
      const due = await dueOf(buyer)
      await standIn.order('decline_next', { code, count: '4' })
      let hours = 0
      await work(due, later(hours))
      for (const wait of [1, 6, 24]) {
        // Too early: the provider is not asked.
        await work(due, later(hours + wait - 0.1))
        expect(await namesOf(buyer)).toEqual(['AutoTopUpDue'])
        hours += wait + 0.01
        await work(due, later(hours))
      }
      expect(await namesOf(buyer)).toEqual(['AutoTopUpDue', 'AutoTopUpFailed'])
      expect((await eventsOf(buyer)).at(-1)?.data).toMatchObject({ attempts: 4, reason: code, amountCents: '2500' })
      await eventually(async () => {
        const { body } = await api.buy('GET', '/v1/organization/settings', { key: buyer.key })
        expect(body).toMatchObject({ auto_top_up_enabled: false, auto_top_up_threshold_cents: 5_000 })
      })
      expect(await charges(buyer)).toEqual([1_000])
      // Switched on again, it is tried anew.
      await settings(buyer.key, { auto_top_up_enabled: true })
      await work(await dueOf(buyer), later(hours))
      expect(await charges(buyer)).toEqual([2_500, 1_000])
    },
  )

  it('is not tried again where the setting was switched off meanwhile', async () => {
    const buyer = await withCard()
    await settings(buyer.key, { ...ON, auto_top_up_threshold_cents: 5_000 })
    await standIn.order('decline_next')
    const due = await dueOf(buyer)
    await work(due, later(0))
    await settings(buyer.key, { auto_top_up_enabled: false })
    await work(due, later(2))
    expect(await namesOf(buyer)).toEqual(['AutoTopUpDue', 'AutoTopUpCancelled'])
    expect(await charges(buyer)).toEqual([1_000])
  })
})

/** An event of the provider, as it is sent to the API; the answer's status. */
async function deliver(type: string, object: object): Promise<number> {
  const { body, signature } = standIn.signed({ id: `evt_${randomUUID()}`, object: 'event', type, data: { object } })
  const headers = { 'stripe-signature': signature, 'content-type': 'application/json' }
  return (await fetch(`${api.url}/firsthand/stripe/webhook`, { method: 'POST', headers, body })).status
}

describe('a charge whose answer is lost (F13)', () => {
  it('and that is refunded before it is recorded is taken back as soon as it is', async () => {
    const buyer = await withCard()
    await settings(buyer.key, { ...ON, auto_top_up_threshold_cents: 5_000 })
    const due = await dueOf(buyer)
    await standIn.order('lose_answers', { count: '3' })
    await expect(work(due, later(0))).rejects.toThrow('the payment provider')
    const charge = (await chargesOf(buyer))[0]!
    await standIn.order('drop_events')
    await standIn.order('refund', { payment_intent: charge.payment_intent })
    const refunded = (await chargesOf(buyer))[0]!
    expect(refunded.amount_refunded).toBe(2_500)
    expect(await deliver('charge.refunded', refunded)).toBe(503)
    await work(due, later(0))
    expect((await stateOf(buyer)).balance).toBe(3_625n)
    expect(await deliver('charge.refunded', refunded)).toBe(200)
    expect((await stateOf(buyer)).balance).toBe(1_000n)
  })

  it('is asked for again under its own key, and charges once', async () => {
    const buyer = await withCard()
    await settings(buyer.key, { ...ON, auto_top_up_threshold_cents: 5_000 })
    const due = await dueOf(buyer)
    await standIn.order('lose_answers', { count: '3' })
    await expect(work(due, later(0))).rejects.toThrow('the payment provider')
    expect(await namesOf(buyer)).toEqual(['AutoTopUpDue'])
    // A refusal that waits for the next attempt is not what this one gets.
    await standIn.order('decline_next')
    await work(due, later(0))
    await standIn.order('decline_next', { count: '0' })
    expect(await charges(buyer)).toEqual([2_500, 1_000])
    expect((await stateOf(buyer)).balance).toBe(3_625n)
  })

  it('is found a day later, when the provider has forgotten the key, and charges once', async () => {
    const buyer = await withCard()
    await settings(buyer.key, { ...ON, auto_top_up_threshold_cents: 5_000 })
    const due = await dueOf(buyer)
    await standIn.order('lose_answers', { count: '3' })
    await expect(work(due, later(0))).rejects.toThrow('the payment provider')
    await standIn.order('forget_keys')
    await work(due, later(25))
    expect(await charges(buyer)).toEqual([2_500, 1_000])
    expect((await stateOf(buyer)).balance).toBe(3_625n)
    expect(await namesOf(buyer)).toEqual(['AutoTopUpDue', 'AutoTopUpSettled'])
  })
})
