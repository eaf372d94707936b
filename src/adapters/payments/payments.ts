/**
 * Payments as the rest of the house sees them: customers, sessions in which a buyer pays on the provider's page, charges of a
 * kept card, and the provider's signed events. Amounts are whole cents. Every write carries a key of ours, under which the
 * provider executes it once.
 */

export interface PaymentSession {
  sessionId: string
  /** The page to pay on; null once the session has ended. */
  url: string | null
  status: 'open' | 'complete' | 'expired'
  isPaid: boolean
  amountCents: bigint
  /** ISO 4217 in lower case. */
  currency: string
  paymentIntentId: string | null
  /** The id of ours that the checkout was opened with; null: it is nobody's of this house. */
  purchaseId: string | null
  /** Until when it can be paid, in seconds since 1970. */
  expiresAtS: number
}

export interface CheckoutOrder {
  key: string
  /** Whose card is kept for later; undefined: nobody's. */
  customerId?: string
  /** Filled in for the buyer. */
  email?: string
  amountCents: bigint
  /** What the buyer reads on the page. */
  title: string
  /** Where the buyer goes afterwards, and where without paying; default: the same. */
  successUrl: string
  cancelUrl?: string
  purchaseId: string
}

export interface ChargeOrder {
  key: string
  customerId: string
  paymentMethodId: string
  amountCents: bigint
  topUpId: string
  /** It was asked for so long ago (KEYS_KNOWN_MS) that its key may be forgotten: a payment of the top-up is looked for first. */
  isLate?: boolean
}

/** For so long at least a provider knows a key. Stripe's are good for 24 hours; the half of it leaves room for other clocks. */
export const KEYS_KNOWN_MS = 43_200_000

/** A charge that is declined stays so under its key. */
export type Charged = { as: 'paid'; paymentIntentId: string } | { as: 'declined'; reason: string }

export type ReversedBy =
  | { cause: 'refund'; refundedCents: bigint }
  | { cause: 'dispute'; disputeId: string; disputedCents: bigint }

/** What an event of the provider says that concerns us. */
export type PaymentEvent =
  | { kind: 'session'; session: PaymentSession }
  | { kind: 'sessionFailed'; session: PaymentSession }
  /** So much of a payment went back: by refunds all that they have given so far, by a dispute what it takes by itself. */
  | { kind: 'reversed'; paymentIntentId: string; by: ReversedBy }
  | { kind: 'other' }

export interface Payments {
  createCustomer(order: { key: string; organizationId: string; name: string }): Promise<string>
  openCheckout(order: CheckoutOrder): Promise<PaymentSession>
  /** Undefined: the provider does not know it. */
  findSession(sessionId: string): Promise<PaymentSession | undefined>
  /** What a payment was for: a session, or a top-up; undefined: neither. */
  originOf(paymentIntentId: string): Promise<{ session: PaymentSession } | { topUpId: string } | undefined>
  /** The card that the customer used last; undefined: none is kept. */
  cardOf(customerId: string): Promise<string | undefined>
  charge(order: ChargeOrder): Promise<Charged>
  /** Whether a signature of this text can be good at this time, whatever is signed: what is asked before a body is read. */
  maySign(signature: string, now: Date): boolean
  /** `body` as it came. Throws ForgedPaymentEvent. */
  readEvent(body: Uint8Array, signature: string, now: Date): PaymentEvent
}

/** The provider does not answer, or cannot at present; the request may have had its effect, and is to be sent again. */
export class PaymentsUnavailable extends Error {
  override name = 'PaymentsUnavailable'
}

/** The event is not signed with our secret, or was signed too long ago. */
export class ForgedPaymentEvent extends Error {
  override name = 'ForgedPaymentEvent'
}
