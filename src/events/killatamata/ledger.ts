/**
 * The money of one account. Stream `killatamata.ledger-<account id>`, and `killatamata.ledger-<account id>.<period>` from the second
 * period on: a stream that has become long is closed, and the next one begins with what it left. Every event that moves money carries
 * its postings, which sum to zero, and the balances right after. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { accountId, provider, time, usdMicros } from './vocabulary.ts'

/** Three accounts of the customer's, and those of the house. */
export const ledgerAccount = z.enum([
  ...['available', 'held', 'owed'],
  ...['stripe_clearing', 'coinbase_clearing', 'x402_treasury', 'media_revenue', 'refunds'],
] as const)
export type LedgerAccount = z.infer<typeof ledgerAccount>

/** A debit takes from the account, a credit gives to it. */
export const posting = z.object({ account: ledgerAccount, side: z.enum(['debit', 'credit']), usdMicros })
export type Posting = z.infer<typeof posting>

export const balances = z.object({ availableMicros: usdMicros, heldMicros: usdMicros, owedMicros: usdMicros })
export type Balances = z.infer<typeof balances>

const ofLedger = {
  accountId,
  period: z.int().positive(),
  occurredAt: time,
}
const moved = { ...ofLedger, postings: z.array(posting), after: balances }

export const openHold = z.object({ holdId: z.string(), jobId: z.string(), usdMicros, placedAt: time })
export type OpenHold = z.infer<typeof openHold>

export const knownDeposit = z.object({
  depositId: z.string(),
  usdMicros,
  /** Of it, what went back. */
  reversedMicros: usdMicros,
  creditedAt: time,
})
export type KnownDeposit = z.infer<typeof knownDeposit>

/** What a period leaves to the next one. */
const carried = { balances, holds: z.array(openHold), deposits: z.array(knownDeposit) }

export const releaseReason = z.enum(['job_failed', 'job_abandoned'])
export type ReleaseReason = z.infer<typeof releaseReason>

export const ledgerEvents = {
  /** The first event of every period but the first one. */
  'killatamata.LedgerPeriodOpened.v1': z.object({ ...ofLedger, ...carried }),
  /** What is owed is paid first. The id of the deposit follows from the settlement's. */
  'killatamata.DepositCredited.v1': z.object({
    ...moved,
    depositId: z.string(),
    settlementId: z.string(),
    provider,
    usdMicros,
  }),
  'killatamata.HoldPlaced.v1': z.object({ ...moved, holdId: z.string(), jobId: z.string(), usdMicros }),
  /** What was captured is at most what was held; the rest is free again. */
  'killatamata.HoldCaptured.v1': z.object({
    ...moved,
    holdId: z.string(),
    jobId: z.string(),
    capturedMicros: usdMicros,
    releasedMicros: usdMicros,
  }),
  'killatamata.HoldReleased.v1': z.object({
    ...moved,
    holdId: z.string(),
    jobId: z.string(),
    usdMicros,
    reason: releaseReason,
  }),
  /** Money of a deposit went back: taken from what can be spent as far as there is, and owed beyond. */
  'killatamata.DepositReversed.v1': z.object({
    ...moved,
    depositId: z.string(),
    cause: z.enum(['refund', 'dispute']),
    usdMicros,
    /** All that went back so far, of the deposit, which was so much and came then. */
    reversedMicros: usdMicros,
    depositMicros: usdMicros,
    creditedAt: time,
  }),
  /** The last event of a period. */
  'killatamata.LedgerPeriodClosed.v1': z.object({ ...ofLedger, ...carried }),
}
export type LedgerEvent = EventOf<typeof ledgerEvents>
