/** Providers of payments as killatamata sees them: each opens a page on which a package is paid, and says what became of it. */
import type { Charge, Charges } from '../../adapters/payments/coinbase.ts'
import type { PaymentSession, Payments, ReversedBy } from '../../adapters/payments/payments.ts'

export interface ShopOrder {
  checkoutId: string
  usdCents: bigint
  title: string
  successUrl: string | undefined
  cancelUrl: string | undefined
  /** Filled in for the buyer, where the provider can. */
  email: string | undefined
  /** It was asked for before, and its answer may have been lost. */
  isRepeat: boolean
}

export interface ShopPage {
  providerId: string
  checkoutUrl: string
  expiresAt: string
}

/** What the provider says of a session or a charge. */
export interface ShopPayment {
  providerId: string
  isPaid: boolean
  /** It will never be paid. */
  hasEnded: boolean
  usdCents: bigint
  currency: string
  paymentIntentId: string | null
  /** The id of ours that it was opened with. It is looked up, not believed. */
  checkoutId: string | null
}

export type ShopEvent =
  | { kind: 'payment'; payment: ShopPayment }
  | { kind: 'reversed'; paymentIntentId: string; by: ReversedBy }
  | { kind: 'other' }

export interface Shop {
  open(order: ShopOrder): Promise<ShopPage>
  /** Undefined: the provider does not know it. */
  find(providerId: string): Promise<ShopPayment | undefined>
  /** What a payment that went back was for; undefined: nothing of ours. */
  originOf(paymentIntentId: string): Promise<ShopPayment | undefined>
  /** Throws ForgedPaymentEvent. */
  readEvent(body: Uint8Array, signature: string, now: Date): ShopEvent
}

export function stripeShop(payments: Payments, defaultUrl: () => string): Shop {
  return {
    async open({ checkoutId, usdCents, title, successUrl = defaultUrl(), cancelUrl, email }) {
      const { sessionId, url, expiresAtS } = await payments.openCheckout({
        ...{ key: checkoutId, purchaseId: checkoutId, amountCents: usdCents, title, successUrl },
        ...(cancelUrl !== undefined && { cancelUrl }),
        ...(email !== undefined && { email }),
      })
      // A session of before whose page is closed: whoever asks again learns that by what became of it.
      return { providerId: sessionId, checkoutUrl: url ?? successUrl, expiresAt: timeOf(expiresAtS) }
    },
    async find(providerId) {
      const session = await payments.findSession(providerId)
      return session && paymentOf(session)
    },
    async originOf(paymentIntentId) {
      const origin = await payments.originOf(paymentIntentId)
      return origin && 'session' in origin ? paymentOf(origin.session) : undefined
    },
    readEvent(body, signature, now) {
      const event = payments.readEvent(body, signature, now)
      if (event.kind === 'session') return { kind: 'payment', payment: paymentOf(event.session) }
      if (event.kind === 'sessionFailed') {
        return { kind: 'payment', payment: { ...paymentOf(event.session), isPaid: false, hasEnded: true } }
      }
      return event
    },
  }
}

const timeOf = (seconds: number): string => new Date(seconds * 1_000).toISOString()

const paymentOf = (session: PaymentSession): ShopPayment => ({
  ...{ providerId: session.sessionId, isPaid: session.isPaid, hasEnded: session.status === 'expired' },
  ...{ usdCents: session.amountCents, currency: session.currency, paymentIntentId: session.paymentIntentId },
  checkoutId: session.purchaseId,
})

export function coinbaseShop(charges: Charges): Shop {
  return {
    async open({ checkoutId, usdCents: amountCents, title, successUrl: redirectUrl, cancelUrl, isRepeat }) {
      const charge = await charges.create({ checkoutId, amountCents, title, redirectUrl, cancelUrl, isRepeat })
      return { providerId: charge.chargeId, checkoutUrl: charge.url, expiresAt: charge.expiresAt }
    },
    async find(providerId) {
      const charge = await charges.find(providerId)
      return charge && paidBy(charge)
    },
    // Nothing goes back by itself: a charge that is paid stays paid.
    originOf: async () => undefined,
    readEvent(body, signature) {
      const charge = charges.readEvent(body, signature)
      return charge ? { kind: 'payment', payment: paidBy(charge) } : { kind: 'other' }
    },
  }
}

const paidBy = ({ chargeId, amountCents, isPaid, hasEnded, currency, checkoutId }: Charge): ShopPayment => ({
  ...{ providerId: chargeId, isPaid, hasEnded: hasEnded && !isPaid, usdCents: amountCents, currency },
  ...{ paymentIntentId: null, checkoutId },
})
