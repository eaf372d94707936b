/**
 * Facts of credits that are bought: a checkout that is asked for (stream `firsthand.checkout-<purchase id>`), the payment
 * provider's session of it (`firsthand.purchase-<session id>`), and an automatic top-up (`firsthand.topUp-<top-up id>`). Each
 * first says what is about to be asked of the provider. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { cents, environment, time } from './vocabulary.ts'

const ofWallet = { organizationId: z.string(), environment, occurredAt: time }
const ofSession = { ...ofWallet, sessionId: z.string() }
const ofTopUp = { ...ofWallet, topUpId: z.string() }

export const checkoutEvents = {
  /** Whatever the provider is to be told, so that a second request tells it the same. */
  'firsthand.CheckoutRequested.v1': z.object({
    ...ofWallet,
    purchaseId: z.string(),
    amountCents: cents,
    successUrl: z.string(),
  }),
  'firsthand.CheckoutOpened.v1': z.object({ ...ofSession, purchaseId: z.string(), checkoutUrl: z.string() }),
}
export type CheckoutEvent = EventOf<typeof checkoutEvents>

export const purchaseEvents = {
  /** Recorded before anybody has the link. */
  'firsthand.PurchaseStarted.v1': z.object({
    ...ofSession,
    purchaseId: z.string(),
    customerId: z.string(),
    amountCents: cents,
    currency: z.string(),
  }),
  'firsthand.PurchasePaid.v1': z.object({ ...ofSession, amountCents: cents, paymentIntentId: z.string().nullable() }),
  'firsthand.PurchaseFailed.v1': z.object({ ...ofSession, reason: z.string() }),
  'firsthand.PurchaseExpired.v1': z.object(ofSession),
  /** What was paid is not what was recorded: nothing is credited, and people look at it. */
  'firsthand.PurchaseQuarantined.v1': z.object({ ...ofSession, amountCents: cents, currency: z.string() }),
  /** Money that went back; `reversedCents` is all of it so far. */
  'firsthand.PurchaseReversed.v1': z.object({
    ...ofSession,
    cause: z.enum(['refund', 'dispute']),
    amountCents: cents,
    reversedCents: cents,
  }),
}
export type PurchaseEvent = EventOf<typeof purchaseEvents>
export type PurchaseStatus = 'open' | 'paid' | 'failed' | 'expired' | 'quarantined'

export const topUpEvents = {
  /** The provider is about to be asked; attempts count from 1. */
  'firsthand.TopUpStarted.v1': z.object({
    ...ofTopUp,
    attempt: z.int().positive(),
    amountCents: cents,
    customerId: z.string().nullable(),
    paymentMethodId: z.string().nullable(),
  }),
  'firsthand.TopUpPaid.v1': z.object({ ...ofTopUp, attempt: z.int().positive(), paymentIntentId: z.string() }),
  'firsthand.TopUpDeclined.v1': z.object({
    ...ofTopUp,
    attempt: z.int().positive(),
    reason: z.string(),
    /** Null: it is not tried again. */
    nextAttemptAt: time.nullable(),
  }),
  'firsthand.TopUpReversed.v1': z.object({
    ...ofTopUp,
    cause: z.enum(['refund', 'dispute']),
    amountCents: cents,
    reversedCents: cents,
  }),
}
export type TopUpEvent = EventOf<typeof topUpEvents>
