/**
 * Facts of payments: a checkout that was asked for (stream `killatamata.checkout-<checkout id>`) and the settlement of a payment, by
 * what the provider calls it (`killatamata.settlement-<id of provider and its id>`). Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { accountId, checkoutProvider, time, usdCents, usdMicros, uuid } from './vocabulary.ts'

const ofCheckout = { accountId, checkoutId: z.string(), occurredAt: time }

export const checkoutEvents = {
  /** Whatever the provider is to be told, so that a second request tells it the same. */
  'killatamata.CheckoutRequested.v1': z.object({
    ...ofCheckout,
    provider: checkoutProvider,
    packageCode: z.string(),
    usdCents,
    successUrl: z.string().nullable(),
    cancelUrl: z.string().nullable(),
    /** The address of the account is told to the provider. */
    prefillsEmail: z.boolean(),
  }),
  'killatamata.CheckoutOpened.v1': z.object({
    ...ofCheckout,
    /** The provider's id of its session or charge. */
    providerId: z.string(),
    checkoutUrl: z.string(),
    expiresAt: time,
  }),
  /** The provider did not take it. */
  'killatamata.CheckoutFailed.v1': z.object({ ...ofCheckout, reason: z.string() }),
  'killatamata.CheckoutExpired.v1': z.object(ofCheckout),
}
export type CheckoutEvent = EventOf<typeof checkoutEvents>

const ofPayment = { settlementId: uuid, provider: checkoutProvider, providerId: z.string(), occurredAt: time }
const ofSettlement = { ...ofPayment, accountId }

export const settlementEvents = {
  /** A payment that is to come, and what it is for. Recorded before anybody has the link, or from the provider's metadata. */
  'killatamata.PaymentNoticed.v1': z.object({
    ...ofSettlement,
    checkoutId: z.string(),
    packageCode: z.string(),
    usdCents,
    currency: z.string(),
  }),
  /** The provider says that it is paid, as it was sold. */
  'killatamata.PaymentConfirmed.v1': z.object({
    ...ofSettlement,
    usdCents,
    /** By which refunds name it; null where the provider has none. */
    paymentIntentId: z.string().nullable(),
    /** The period of the ledger that was open then: a credit is looked for from there on. */
    period: z.int().positive(),
  }),
  /** People have looked at a payment that nobody opened here, or that is not what was sold: it is this account's. */
  'killatamata.SettlementResolved.v1': z.object({
    ...ofSettlement,
    usdCents,
    currency: z.string(),
    /** As for a payment that was confirmed. */
    period: z.int().positive(),
    /** Nothing personal. */
    reason: z.string(),
  }),
  'killatamata.SettlementCredited.v1': z.object({ ...ofSettlement, depositId: z.string(), usdMicros }),
  /** What was paid is not what was sold: nothing is credited, and people look at it. */
  'killatamata.SettlementMismatched.v1': z.object({ ...ofSettlement, usdCents, currency: z.string() }),
  /** Money that went back; `reversedCents` is all of it so far. */
  'killatamata.PaymentReversed.v1': z.object({
    ...ofSettlement,
    cause: z.enum(['refund', 'dispute']),
    usdCents,
    reversedCents: usdCents,
  }),
  /** It ended without being paid. */
  'killatamata.PaymentLapsed.v1': z.object(ofSettlement),
  /** A paid session that nobody opened here. */
  'killatamata.UnmatchedPaymentNoticed.v1': z.object({ ...ofPayment, usdCents, currency: z.string() }),
}
export type SettlementEvent = EventOf<typeof settlementEvents>
