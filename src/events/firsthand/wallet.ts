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
