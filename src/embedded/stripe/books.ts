/** What happens to money in the stand-in: sessions, payments, refunds and disputes, each with the events that Stripe sends. */
import { randomBytes } from 'node:crypto'
import { invalidRequest, StripeRefusal } from './form.ts'
import type { Kind, StripeObject, StripeStore } from './store.ts'

/** The version whose shapes the objects have. */
export const API_VERSION = '2024-06-20'
/** From "completed, not paid" to "paid", where a payment takes its time. */
const LATE_MS = 250

export type Outcome = 'success' | 'decline' | 'late' | 'late_failure'
export const OUTCOMES: readonly Outcome[] = ['success', 'decline', 'late', 'late_failure']

export type Books = ReturnType<typeof createBooks>

export function createBooks(store: StripeStore, nowMs: () => number) {
  const nowS = () => Math.floor(nowMs() / 1_000)
  const newId = (prefix: string) => `${prefix}_${randomBytes(18).toString('hex')}`
  const made = (prefix: string, object: string, livemode: boolean, members: Record<string, unknown>): StripeObject => ({
    ...{ id: newId(prefix), object, livemode, created: nowS() },
    ...members,
  })
  const require = (kind: Kind, id: string, livemode: boolean, param = 'id'): StripeObject => {
    const found = store.get(kind, id, livemode)
    if (!found) throw invalidRequest(`No such ${kind}: '${id}'`, param, 404)
    return found
  }
  const change = (kind: Kind, object: StripeObject, members: Record<string, unknown>): StripeObject =>
    store.put(kind, { ...object, ...members })

  let untold: StripeObject[] | undefined

  function emit(type: string, object: StripeObject, delayMs = 0): void {
    const { livemode } = object
    const event = made('evt', 'event', livemode, {
      type,
      api_version: API_VERSION,
      data: { object },
      pending_webhooks: 1,
    })
    untold?.push(event)
    const isLost = untold !== undefined || store.takeFault('drop_events') !== undefined
    store.addEvent(event, JSON.stringify(event), isLost ? null : nowMs() + delayMs)
  }

  /** A payment has gone through: its charge is made. */
  function succeed(begun: StripeObject): StripeObject {
    const { livemode, amount, currency, customer, metadata = {} } = begun
    const intent = { ...begun, status: 'succeeded', amount_received: amount }
    const charge = store.put(
      'charge',
      made('ch', 'charge', livemode, {
        ...{ amount, currency, customer, metadata, payment_intent: intent.id },
        ...{ amount_refunded: 0, paid: true, refunded: false, status: 'succeeded' },
      }),
    )
    return store.put('payment_intent', { ...intent, latest_charge: charge.id })
  }

  function expire(session: StripeObject): StripeObject {
    const expired = change('session', session, { status: 'expired', url: null })
    emit('checkout.session.expired', expired)
    return expired
  }

  const saveCard = (session: StripeObject): string => {
    const card = { brand: 'visa', last4: '4242', exp_month: 12, exp_year: 2030 }
    return store.put(
      'payment_method',
      made('pm', 'payment_method', session.livemode, { type: 'card', card, customer: session.customer }),
    ).id
  }

  /** The buyer's choice on the checkout page. What is paid stays paid, once. */
  function pay(session: StripeObject, outcome: Outcome): 'paid' | 'declined' {
    if (session.status !== 'open') return 'paid'
    const { livemode, amount_total, currency, customer, metadata } = session
    const isSaved = session.setup_future_usage === 'off_session'
    if (outcome === 'decline') return 'declined'
    const payment_method = saveCard(session)
    const setup_future_usage = isSaved ? 'off_session' : null
    const asked = { amount: Number(amount_total), currency, customer, metadata, payment_method, setup_future_usage }
    const begin = (status: string) =>
      store.put('payment_intent', made('pi', 'payment_intent', livemode, { ...asked, status }))
    const complete = { status: 'complete', url: null }
    if (outcome === 'success') {
      const intent = succeed(begin('processing'))
      const paid = change('session', session, { ...complete, payment_status: 'paid', payment_intent: intent.id })
      emit('checkout.session.completed', paid)
      emit('payment_intent.succeeded', intent)
      return 'paid'
    }
    const processing = begin('processing')
    const unpaid = change('session', session, { ...complete, payment_status: 'unpaid', payment_intent: processing.id })
    emit('checkout.session.completed', unpaid)
    if (outcome === 'late_failure') {
      change('payment_intent', processing, { status: 'requires_payment_method' })
      emit('checkout.session.async_payment_failed', unpaid, LATE_MS)
      return 'paid'
    }
    succeed(processing)
    const paid = change('session', unpaid, { payment_status: 'paid' })
    emit('checkout.session.async_payment_succeeded', paid, LATE_MS)
    return 'paid'
  }

  /** Without the customer at the screen. */
  function chargeOffSession(livemode: boolean, asked: Record<string, unknown> & { amount: number }): StripeObject {
    const { customer, payment_method } = asked
    require('customer', String(customer), livemode, 'customer')
    const card = store.get('payment_method', String(payment_method), livemode)
    if (card?.customer !== customer)
      throw invalidRequest(`No such PaymentMethod: '${payment_method}'`, 'payment_method')
    const refusal = store.takeFault('decline_next')
    if (refusal === undefined) {
      const intent = succeed(made('pi', 'payment_intent', livemode, asked))
      emit('payment_intent.succeeded', intent)
      return intent
    }
    const failed = { ...asked, status: 'requires_payment_method', latest_charge: null }
    const intent = store.put('payment_intent', made('pi', 'payment_intent', livemode, failed))
    emit('payment_intent.payment_failed', intent)
    throw new StripeRefusal(402, {
      ...{ type: 'card_error', code: refusal, message: 'Your card was declined.', payment_intent: intent },
      ...(refusal === 'card_declined' && { decline_code: 'generic_decline' }),
    })
  }

  const chargeOf = (paymentIntent: string, livemode: boolean): StripeObject => {
    const [charge] = store.list('charge', livemode, { payment_intent: paymentIntent }, 1)
    if (!charge) throw invalidRequest(`No such payment_intent: '${paymentIntent}'`, 'payment_intent', 404)
    return charge
  }

  /** Gives back an amount, or all that is left. */
  function refund(paymentIntent: string, livemode: boolean, amount: number | undefined): StripeObject {
    const charge = chargeOf(paymentIntent, livemode)
    const left = Number(charge.amount) - Number(charge.amount_refunded)
    const given = amount ?? left
    if (given > left || left === 0)
      throw invalidRequest(`Charge ${charge.id} has ${left} left to be refunded.`, 'amount')
    const total = Number(charge.amount_refunded) + given
    const members = { amount_refunded: total, refunded: total === charge.amount }
    emit('charge.refunded', change('charge', charge, members))
    const facts = { amount: given, charge: charge.id, payment_intent: paymentIntent, status: 'succeeded' }
    return store.put('refund', made('re', 'refund', livemode, facts))
  }

  /** The bank takes an amount of the charge back, or all of it. */
  function dispute(paymentIntent: string, livemode: boolean, amount: number | undefined): StripeObject {
    const { id: charge, amount: paid, currency } = chargeOf(paymentIntent, livemode)
    if (amount !== undefined && amount > Number(paid)) throw invalidRequest(`Charge ${charge} has ${paid}.`, 'amount')
    const facts = {
      amount: amount ?? paid,
      currency,
      charge,
      payment_intent: paymentIntent,
      reason: 'fraudulent',
      status: 'needs_response',
    }
    const disputed = store.put('dispute', made('dp', 'dispute', livemode, facts))
    emit('charge.dispute.created', disputed)
    return disputed
  }

  /** The events of what is done, which nobody is sent. */
  function untoldEventsOf(work: () => void): StripeObject[] {
    const events: StripeObject[] = []
    untold = events
    try {
      work()
    } finally {
      untold = undefined
    }
    return events
  }

  /** A session is paid, or was before; the event that says so. */
  function payUntold(id: string, livemode: boolean): { session: StripeObject; event: StripeObject | undefined } {
    const before = require('session', id, livemode)
    const events = untoldEventsOf(() => {
      if (before.status === 'open') pay(before, 'success')
      else emit('checkout.session.completed', before)
    })
    return { session: require('session', id, livemode), event: events[0] }
  }

  return {
    ...{
      nowS,
      made,
      require,
      change,
      expire,
      pay,
      payUntold,
      untoldEventsOf,
      chargeOffSession,
      refund,
      dispute,
      newId,
    },
  }
}
