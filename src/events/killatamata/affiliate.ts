/**
 * Facts of affiliates. What an affiliate earns and is paid is decided in one stream, `killatamata.affiliate-<account id>`; a code is
 * one affiliate's (`killatamata.affiliateCode-<code>`); and an account is bound once (`killatamata.affiliateBinding-<account id>`).
 * Commissions are numbered as they came, and mature and are paid in that order, so that an event about many names the last one alone.
 * Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import { accountId, provider, time, usdCents, usdMicros, uuid } from './vocabulary.ts'

/** The affiliate's own account. */
const ofAffiliate = { accountId, occurredAt: time }

const profile = {
  displayName: personal(z.string()),
  contactEmail: personal(z.string()),
  countryCode: personal(z.string().nullable()),
  payoutAddress: personal(z.string().nullable()),
}

/** Of the house. What is payable is owed to the affiliate; payouts have left the house. */
export const affiliateAccount = z.enum(['affiliate_expense', 'affiliate_payable', 'affiliate_payouts'])
export type AffiliateAccount = z.infer<typeof affiliateAccount>
const postings = z.array(z.object({ account: affiliateAccount, side: z.enum(['debit', 'credit']), usdMicros }))

const ordinal = z.int().nonnegative()

export const standing = z.object({
  pendingMicros: usdMicros,
  availableMicros: usdMicros,
  /** What went back after it was requested or paid: the next commissions make up for it first. */
  owedMicros: usdMicros,
  requestedMicros: usdMicros,
  paidMicros: usdMicros,
  reversedMicros: usdMicros,
  /** Deposits that brought commission, less what of them went back. */
  depositsUsdCents: usdCents,
  payingAccounts: ordinal,
  /** The number of the last commission that is so, 0 for none. */
  maturedThrough: ordinal,
  requestedThrough: ordinal,
  paidThrough: ordinal,
  /** When the next commission can be paid; null: none is pending. */
  nextMaturesAt: time.nullable(),
})
export type Standing = z.infer<typeof standing>
const moved = { ...ofAffiliate, after: standing }

const ofPayout = { ...moved, payoutRequestId: z.string(), usdMicros }

export const affiliateEvents = {
  'killatamata.AffiliateApplied.v1': z.object({
    ...ofAffiliate,
    affiliateId: z.string(),
    ...profile,
    termsVersion: z.string().nullable(),
    status: z.enum(['active', 'pending']),
  }),
  'killatamata.AffiliateApproved.v1': z.object(ofAffiliate),
  /** The whole profile as it is from now on. */
  'killatamata.AffiliateUpdated.v1': z.object({ ...ofAffiliate, ...profile }),
  'killatamata.CommissionEarned.v1': z.object({
    ...moved,
    commissionId: z.string(),
    number: z.int().positive(),
    depositId: z.string(),
    provider,
    /** Whose deposit, so that no one can tell who that is. */
    customer: uuid,
    depositMicros: usdMicros,
    commissionBasisPoints: z.int().positive(),
    usdMicros,
    availableAt: time,
    postings,
  }),
  /** Those behind the last one that had matured, up to this number. */
  'killatamata.CommissionMatured.v1': z.object({ ...moved, throughNumber: z.int().positive(), usdMicros }),
  /** Money of the deposit went back, in all so much of it, and takes its part of the commission with it. */
  'killatamata.CommissionReversed.v1': z.object({
    ...moved,
    commissionId: z.string(),
    depositId: z.string(),
    depositReversedMicros: usdMicros,
    usdMicros,
    /** Of the commission, what is left. */
    leftMicros: usdMicros,
    postings,
  }),
  /** Of all that can be paid. */
  'killatamata.PayoutRequested.v1': z.object({ ...ofPayout, note: personal(z.string().nullable()) }),
  'killatamata.PayoutPaid.v1': z.object({ ...ofPayout, payoutId: z.string(), reference: z.string(), postings }),
  'killatamata.PayoutRejected.v1': z.object({ ...ofPayout, reason: z.string() }),
}
export type AffiliateEvent = EventOf<typeof affiliateEvents>

const ofCode = { ...ofAffiliate, code: z.string().regex(/^[A-Z0-9]{4,32}$/) }

export const affiliateCodeEvents = {
  'killatamata.ReferralCodeIssued.v1': z.object(ofCode),
  /** Links that were followed, in all. */
  'killatamata.ReferralCaptured.v1': z.object({ ...ofCode, clicks: z.int().positive() }),
  /** Accounts that are bound, in all. */
  'killatamata.ReferralCounted.v1': z.object({ ...ofCode, signups: z.int().positive() }),
}
export type AffiliateCodeEvent = EventOf<typeof affiliateCodeEvents>

export const affiliateBindingEvents = {
  /** Deposits of the account bring commission from now on, under these terms. */
  'killatamata.ReferralBound.v1': z.object({
    accountId,
    affiliateAccountId: accountId,
    code: ofCode.code,
    /** Of each deposit, in hundredths of a percent. */
    commissionBasisPoints: z.int().positive(),
    commissionUntil: time,
    /** When the link was followed; null: nobody has said so. */
    capturedAt: time.nullable(),
    occurredAt: time,
  }),
}
export type AffiliateBindingEvent = EventOf<typeof affiliateBindingEvents>
