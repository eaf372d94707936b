/** Payments by Stripe's own library, with Stripe or with the stand-in of this house: only the address differs. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Stripe } from 'stripe'
import { z } from 'zod'
import {
  type Charged,
  type ChargeOrder,
  type CheckoutOrder,
  ForgedPaymentEvent,
  type PaymentEvent,
  type PaymentSession,
  type Payments,
  PaymentsUnavailable,
  type ReversedBy,
} from './payments.ts'

export interface StripeAccess {
  secretKey: string
  /** Undefined: no event can be verified, so none is taken. */
  webhookSecret: string | undefined
  /** `http://127.0.0.1:40123` of a stand-in; undefined: Stripe itself. */
  url: string | undefined
}

/** One send, and how often a send without an answer is repeated under its key. */
const TIMEOUT_MS = 10_000
const RETRIES_MAX = 2
/** An event that was signed longer ago is refused: it may be a recorded one. */
const EVENT_AGE_MAX_S = 300
/** Of the header with the signatures: while a secret is replaced there are two. */
const SIGNATURE_MAX_LENGTH = 1_024
/** A page has no more. Ten top-ups are made a day. */
const PAYMENTS_LOOKED_AT = 100
const CURRENCY = 'usd'
const FORGED = 'the event is not signed with our secret, or was signed too long ago'

const require = createRequire(import.meta.url)
/** Its two hundred files are a third of what a start loads, so that the first question loads them. */
const library = (): typeof Stripe => require('stripe')

export function createStripePayments({ secretKey, webhookSecret, url }: StripeAccess): Payments {
  const place = url === undefined ? undefined : new URL(url)
  let made: Stripe | undefined
  const stripe = () => {
    made ??= new (library())(secretKey, {
      ...{ maxNetworkRetries: RETRIES_MAX, timeout: TIMEOUT_MS, telemetry: false },
      ...(place && { protocol: place.protocol === 'http:' ? 'http' : 'https', host: place.hostname, port: place.port }),
    })
    return made
  }

  return {
    createCustomer: ({ key, organizationId, name }) =>
      asked(async () => {
        const order = { name, metadata: { organization_id: organizationId } }
        return (await stripe().customers.create(order, { idempotencyKey: key })).id
      }),
    openCheckout: (order) =>
      asked(async () =>
        sessionOf(await stripe().checkout.sessions.create(checkoutOf(order), { idempotencyKey: order.key })),
      ),
    findSession: (sessionId) => found(async () => sessionOf(await stripe().checkout.sessions.retrieve(sessionId))),
    originOf: (paymentIntentId) =>
      found(async () => {
        const { data } = await stripe().checkout.sessions.list({ payment_intent: paymentIntentId, limit: 1 })
        if (data[0]) return { session: sessionOf(data[0]) }
        const { metadata } = await stripe().paymentIntents.retrieve(paymentIntentId)
        const topUpId = metadata.top_up_id
        return topUpId === undefined ? undefined : { topUpId }
      }),
    cardOf: (customerId) =>
      found(
        async () => (await stripe().customers.listPaymentMethods(customerId, { type: 'card', limit: 1 })).data[0]?.id,
      ),
    charge: (order) => charge(stripe(), order),
    maySign: (signature, now) => webhookSecret !== undefined && isRecent(signature, now),
    readEvent(body, signature, now) {
      if (webhookSecret === undefined) throw new ForgedPaymentEvent('no secret is known that events are signed with')
      // Before the library is loaded, and before the body is text: a forged one costs no more than its digest.
      if (!isSigned(body, signature, webhookSecret)) throw new ForgedPaymentEvent(FORGED)
      return eventOf(verified(stripe(), Buffer.from(body), signature, webhookSecret, now) ?? {})
    },
  }
}

/** When it was signed, and the signatures, by the scheme of Stripe's header: `t=<seconds>,v1=<SHA-256 in hex>,…`. */
function signaturesIn(header: string): { signedS: string; signatures: string[] } | undefined {
  if (header.length > SIGNATURE_MAX_LENGTH) return undefined
  const parts = header.split(',').map((part) => part.trim())
  const [signedS] = parts.flatMap((part) => /^t=(\d{1,12})$/.exec(part)?.[1] ?? [])
  const signatures = parts.flatMap((part) => /^v1=([0-9a-f]{64})$/i.exec(part)?.[1] ?? [])
  return signedS === undefined || signatures.length === 0 ? undefined : { signedS, signatures }
}

function isRecent(header: string, now: Date): boolean {
  const { signedS } = signaturesIn(header) ?? {}
  return signedS !== undefined && now.getTime() / 1_000 - Number(signedS) <= EVENT_AGE_MAX_S + 1
}

/** Whether one of the signatures is that of the body by this secret: HMAC-SHA-256 over `<seconds>.<body>`. */
function isSigned(body: Uint8Array, header: string, secret: string): boolean {
  const { signedS, signatures } = signaturesIn(header) ?? { signedS: '', signatures: [] }
  const expected = createHmac('sha256', secret).update(`${signedS}.`).update(body).digest()
  return signatures.some((signature) => timingSafeEqual(expected, Buffer.from(signature, 'hex')))
}

/** The session of a customer keeps his card for later, and its payment says what it is for. */
function checkoutOf(order: CheckoutOrder) {
  const { customerId, email, amountCents, title, successUrl, cancelUrl = successUrl, purchaseId } = order
  const metadata = { purchase_id: purchaseId }
  const price_data = { currency: CURRENCY, unit_amount: Number(amountCents), product_data: { name: title } }
  return {
    ...{ mode: 'payment' as const, client_reference_id: purchaseId, metadata },
    ...(customerId !== undefined && { customer: customerId }),
    ...(email !== undefined && { customer_email: email }),
    line_items: [{ quantity: 1, price_data }],
    payment_intent_data: {
      ...(customerId !== undefined && { setup_future_usage: 'off_session' as const }),
      metadata,
    },
    ...{ success_url: successUrl, cancel_url: cancelUrl },
  }
}

async function charge(stripe: Stripe, order: ChargeOrder): Promise<Charged> {
  const { key, customerId, paymentMethodId, amountCents, topUpId, isLate } = order
  try {
    const create = () =>
      stripe.paymentIntents.create(
        {
          ...{ amount: Number(amountCents), currency: CURRENCY, customer: customerId, payment_method: paymentMethodId },
          ...{ off_session: true, confirm: true, metadata: { top_up_id: topUpId } },
        },
        { idempotencyKey: key },
      )
    const intent = (isLate && (await earlierPayment(stripe, order))) || (await create())
    if (intent.status === 'succeeded') return { as: 'paid', paymentIntentId: intent.id }
    if (intent.status === 'processing') throw new PaymentsUnavailable(`${intent.id} is being processed`)
    return { as: 'declined', reason: intent.status }
  } catch (error) {
    // The card's answer is final for this attempt; so is a customer or a card that is not there any more.
    if (error instanceof library().errors.StripeCardError)
      return { as: 'declined', reason: error.code ?? 'card_declined' }
    if (error instanceof library().errors.StripeInvalidRequestError)
      return { as: 'declined', reason: error.code ?? 'invalid' }
    throw unavailable(error)
  }
}

/** The payment of the top-up that was made under a key which the provider has forgotten, among the customer's newest. */
async function earlierPayment(stripe: Stripe, { customerId, topUpId }: ChargeOrder) {
  const { data } = await stripe.paymentIntents.list({ customer: customerId, limit: PAYMENTS_LOOKED_AT })
  return data.find(
    ({ metadata, status }) => metadata.top_up_id === topUpId && (status === 'succeeded' || status === 'processing'),
  )
}

/** What is read of a thing that is or has an id. */
const reference = z.union([z.string(), z.object({ id: z.string() })]).nullish()
const cents = z.int().nonnegative()
/** Longer ones are no ids of Stripe's. */
const ID_LENGTH_MAX = 255
const sessionRead = z.object({
  id: z.string().min(1).max(ID_LENGTH_MAX),
  ...{ url: z.string().nullish(), status: z.string().nullish(), payment_status: z.string() },
  ...{ amount_total: cents.nullish(), currency: z.string().nullish(), payment_intent: reference },
  metadata: z.record(z.string(), z.unknown()).nullish(),
  expires_at: z.int().default(0),
})
const refundedCharge = z.object({ payment_intent: reference, amount_refunded: cents })
const dispute = z.object({ id: z.string(), payment_intent: reference, amount: cents })

function sessionOf(session: z.output<typeof sessionRead>): PaymentSession {
  const { id: sessionId, url, status, payment_status, amount_total, currency, payment_intent, metadata } = session
  const purchaseId = metadata?.purchase_id
  return {
    ...{ sessionId, url: url ?? null, isPaid: payment_status === 'paid' },
    status: status === 'complete' ? 'complete' : status === 'expired' ? 'expired' : 'open',
    ...{ amountCents: BigInt(amount_total ?? 0), currency: currency ?? '' },
    ...{
      paymentIntentId: idOf(payment_intent),
      // Not the client reference: whoever pays by a payment link names any.
      purchaseId: typeof purchaseId === 'string' ? purchaseId : null,
      expiresAtS: session.expires_at,
    },
  }
}

const idOf = (value: z.output<typeof reference>): string | null =>
  (typeof value === 'object' ? value?.id : value) ?? null

function verified(stripe: Stripe, body: Buffer, signature: string, secret: string, now: Date): Stripe.Event | null {
  try {
    return stripe.webhooks.constructEvent(body, signature, secret, EVENT_AGE_MAX_S, undefined, now.getTime())
  } catch (error) {
    if (error instanceof library().errors.StripeSignatureVerificationError || error instanceof SyntaxError) {
      throw new ForgedPaymentEvent(FORGED, { cause: error })
    }
    throw error
  }
}

/** An event without what its type promises is signed all the same, and about nothing that concerns us. */
function eventOf({ type, data }: Partial<Stripe.Event>): PaymentEvent {
  switch (type) {
    case 'checkout.session.completed':
    case 'checkout.session.async_payment_succeeded':
    case 'checkout.session.expired':
    case 'checkout.session.async_payment_failed': {
      const told = sessionRead.safeParse(data?.object)
      if (!told.success) return OTHER
      const kind = type === 'checkout.session.async_payment_failed' ? 'sessionFailed' : 'session'
      return { kind, session: sessionOf(told.data) }
    }
    case 'charge.refunded': {
      const told = refundedCharge.safeParse(data?.object)
      if (!told.success) return OTHER
      const { payment_intent, amount_refunded } = told.data
      return reversed(idOf(payment_intent), { cause: 'refund', refundedCents: BigInt(amount_refunded) })
    }
    case 'charge.dispute.created': {
      const told = dispute.safeParse(data?.object)
      if (!told.success) return OTHER
      const { id: disputeId, payment_intent, amount } = told.data
      return reversed(idOf(payment_intent), { cause: 'dispute', disputeId, disputedCents: BigInt(amount) })
    }
    default:
      return OTHER
  }
}

const OTHER: PaymentEvent = { kind: 'other' }
const reversed = (paymentIntentId: string | null, by: ReversedBy): PaymentEvent =>
  paymentIntentId === null ? OTHER : { kind: 'reversed', paymentIntentId, by }

async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw unavailable(error)
  }
}

/** Undefined where the provider knows no such thing. */
async function found<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof library().errors.StripeInvalidRequestError && error.statusCode === 404) return undefined
    throw unavailable(error)
  }
}

/** Also where the provider does not take our key: people have to see to it, and the request is to be sent again then. */
function unavailable(error: unknown): unknown {
  const { StripeError, StripeInvalidRequestError } = library().errors
  if (!(error instanceof StripeError) || error instanceof StripeInvalidRequestError) return error
  return new PaymentsUnavailable(`the payment provider: ${error.message}`, { cause: error })
}
