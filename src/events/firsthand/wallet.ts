/**
 * Credits of one organization in one environment. Stream `firsthand.wallet-<org id>_<environment>`. Every event that moves
 * money says what remains, so that no reader has to add up. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { jobFacts } from './job.ts'
import { cents, environment, lotKind, time } from './vocabulary.ts'

/** A part of an amount that comes from a lot or goes into it. A lot ends at one time; what ends otherwise is another. */
const part = z.object({
  lotId: z.string(),
  kind: lotKind,
  endsAt: time,
  amountCents: cents,
  /** Of the lot, right after. */
  remainingCents: cents,
})
export type LotPart = z.infer<typeof part>

/** What credits were bought by: a session of the checkout, or a top-up. */
const purchaseSource = z.object({ kind: z.enum(['checkout', 'top_up']), id: z.string() })
export type PurchaseSource = z.infer<typeof purchaseSource>

const ofWallet = {
  organizationId: z.string(),
  environment,
  /** What can be spent, right after. */
  balanceCents: cents,
  occurredAt: time,
}
const transactionId = z.string()

export const walletEvents = {
  /** The transaction's id is the lot's too. */
  'firsthand.CreditsGranted.v1': z.object({
    ...ofWallet,
    transactionId,
    kind: lotKind.exclude(['purchase']),
    amountCents: cents,
    endsAt: time,
    reason: z.string().nullable(),
  }),
  /** Bought credits, or those that the house adds to them. The transaction's id is the lot's too. */
  'firsthand.CreditsPurchased.v1': z.object({
    ...ofWallet,
    transactionId,
    kind: lotKind.exclude(['free_tier']),
    amountCents: cents,
    endsAt: time,
    source: purchaseSource,
  }),
  /** Money of a purchase went back: what its lots still hold goes, and the rest is owed. */
  'firsthand.CreditsClawedBack.v1': z.object({
    ...ofWallet,
    /** Null: there was nothing left to take. */
    transactionId: transactionId.nullable(),
    /** Null: what was owed is paid out of credits that came in. */
    source: purchaseSource.nullable(),
    amountCents: cents,
    parts: z.array(part),
    /** Of the money of this purchase that went back, all of it so far. */
    reversedCents: cents.nullable(),
    /** By the whole wallet, right after. No job is posted while it is above 0. */
    owedCents: cents,
  }),
  /** The balance fell below the threshold: so much is to be bought by itself. */
  'firsthand.AutoTopUpDue.v1': z.object({
    ...ofWallet,
    topUpId: z.string(),
    amountCents: cents,
    thresholdCents: cents,
  }),
  /** It is paid, and the credits are there. */
  'firsthand.AutoTopUpSettled.v1': z.object({ ...ofWallet, topUpId: z.string() }),
  /** It is not wanted any more. */
  'firsthand.AutoTopUpCancelled.v1': z.object({ ...ofWallet, topUpId: z.string() }),
  /** It was declined for the last time; the setting is switched off. */
  'firsthand.AutoTopUpFailed.v1': z.object({
    ...ofWallet,
    topUpId: z.string(),
    amountCents: cents,
    attempts: z.int().nonnegative(),
    reason: z.string(),
  }),
  /** A job is paid for; in the test environment with nothing, which is no transaction. */
  'firsthand.EscrowHeld.v1': z.object({
    ...ofWallet,
    transactionId: transactionId.nullable(),
    amountCents: cents,
    parts: z.array(part),
    job: jobFacts,
  }),
  /** What a job that ended did not use. */
  'firsthand.EscrowRefunded.v1': z.object({
    ...ofWallet,
    transactionId: transactionId.nullable(),
    jobId: z.string(),
    filesApproved: z.int().nonnegative(),
    amountCents: cents,
    parts: z.array(part),
  }),
  /** A job has all of its files: what was held for it is paid out, and nothing goes back. */
  'firsthand.EscrowSettled.v1': z.object({
    ...ofWallet,
    transactionId: z.null(),
    jobId: z.string(),
    filesApproved: z.int().nonnegative(),
    /** Out of the hold: what all approved files cost. */
    paidCents: cents,
  }),
  /** What was left of a lot at its end. */
  'firsthand.CreditsExpired.v1': z.object({
    ...ofWallet,
    transactionId,
    lotId: z.string(),
    kind: lotKind,
    endsAt: time,
    amountCents: cents,
  }),
}
export type WalletEvent = EventOf<typeof walletEvents>
