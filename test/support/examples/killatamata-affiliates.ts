/** Examples of events about affiliates: Ada has a code, Ben is bound to it, and what his deposits bring is paid. */
import type {
  AffiliateBindingEvent,
  AffiliateCodeEvent,
  AffiliateEvent,
  Standing,
} from '../../../src/events/killatamata/affiliate.ts'

export type AffiliateStoryEvent = AffiliateEvent | AffiliateCodeEvent | AffiliateBindingEvent

type Examples = { readonly [T in AffiliateStoryEvent['type']]: Extract<AffiliateStoryEvent, { type: T }>['data'] }

const tail = (n: number) => `01KJPV4G8RZ${String(n).padStart(15, '0')}`
const ADA = `acct_${tail(1)}`
const BEN = `acct_${tail(2)}`
const CODE = 'ADA2026'
const REQUEST = `prq_${tail(31)}`

const profile = {
  ...{ displayName: 'Ada', contactEmail: 'ada@example.com', countryCode: 'GB', payoutAddress: 'ada@pay.example' },
}
const stands = (amounts: Partial<Standing>): Standing => ({
  ...{ pendingMicros: '0', availableMicros: '0', owedMicros: '0', requestedMicros: '0', paidMicros: '0' },
  ...{ reversedMicros: '0', depositsUsdCents: '20000', payingAccounts: 1 },
  ...{ maturedThrough: 1, requestedThrough: 0, paidThrough: 0, nextMaturesAt: null, ...amounts },
})
const transfer = <From extends string, To extends string>(from: From, to: To, usdMicros: string) => [
  { account: from, side: 'debit' as const, usdMicros },
  { account: to, side: 'credit' as const, usdMicros },
]

/** `timeAt` is that of examples.ts. */
export function affiliateExamples(timeAt: (seconds: number) => string): Examples {
  const ofAda = (seconds: number) => ({ accountId: ADA, occurredAt: timeAt(seconds) })
  const ofCode = (seconds: number) => ({ ...ofAda(seconds), code: CODE })
  const ofPayout = (seconds: number, amounts: Partial<Standing>) => ({
    ...ofAda(seconds),
    ...{ payoutRequestId: REQUEST, usdMicros: '20000000', after: stands(amounts) },
  })
  const earned = { commissionId: `com_${tail(30)}`, depositId: `dep_${tail(6)}` }
  return {
    'killatamata.AffiliateApplied.v1': {
      ...ofAda(90),
      ...{ affiliateId: `aff_${tail(1)}`, ...profile, termsVersion: '2026-01', status: 'pending' },
    },
    'killatamata.AffiliateApproved.v1': ofAda(91),
    'killatamata.AffiliateUpdated.v1': { ...ofAda(92), ...profile, displayName: 'Ada L.' },
    'killatamata.ReferralCodeIssued.v1': ofCode(93),
    'killatamata.ReferralCaptured.v1': { ...ofCode(94), clicks: 1 },
    'killatamata.ReferralBound.v1': {
      ...{ accountId: BEN, affiliateAccountId: ADA, code: CODE, commissionBasisPoints: 1_000 },
      ...{ commissionUntil: timeAt(31_536_095), capturedAt: timeAt(94), occurredAt: timeAt(95) },
    },
    'killatamata.ReferralCounted.v1': { ...ofCode(95), signups: 1 },
    'killatamata.CommissionEarned.v1': {
      ...{ ...ofAda(96), ...earned, number: 1, provider: 'stripe', depositMicros: '200000000' },
      ...{ customer: '4b17a7a3-7a02-5c0f-8b5b-000000000030', commissionBasisPoints: 1_000, usdMicros: '20000000' },
      availableAt: timeAt(97),
      postings: transfer('affiliate_expense', 'affiliate_payable', '20000000'),
      after: stands({ pendingMicros: '20000000', maturedThrough: 0, nextMaturesAt: timeAt(97) }),
    },
    'killatamata.CommissionMatured.v1': {
      ...{ ...ofAda(97), throughNumber: 1, usdMicros: '20000000' },
      after: stands({ availableMicros: '20000000' }),
    },
    'killatamata.PayoutRequested.v1': {
      ...ofPayout(98, { requestedMicros: '20000000', requestedThrough: 1 }),
      note: 'the usual account',
    },
    'killatamata.PayoutRejected.v1': {
      ...ofPayout(99, { availableMicros: '20000000' }),
      reason: 'the address is wrong',
    },
    'killatamata.PayoutPaid.v1': {
      ...ofPayout(101, { paidMicros: '20000000', requestedThrough: 1, paidThrough: 1 }),
      ...{ payoutId: `pay_${tail(31)}`, reference: 'wire 7' },
      postings: transfer('affiliate_payable', 'affiliate_payouts', '20000000'),
    },
    'killatamata.CommissionReversed.v1': {
      ...{ ...ofAda(102), ...earned, depositReversedMicros: '50000000', usdMicros: '5000000', leftMicros: '15000000' },
      postings: transfer('affiliate_payable', 'affiliate_expense', '5000000'),
      after: stands({
        ...{ paidMicros: '20000000', reversedMicros: '5000000', owedMicros: '5000000', depositsUsdCents: '15000' },
        ...{ requestedThrough: 1, paidThrough: 1 },
      }),
    },
  }
}

/** The stream that one of these events belongs in; undefined: it is none of them. */
export function affiliateStreamOf(name: string, data: Record<string, unknown>): string | undefined {
  if (name === 'ReferralBound') return `killatamata.affiliateBinding-${data.accountId}`
  if (name.startsWith('Referral')) return `killatamata.affiliateCode-${data.code}`
  return /^(Affiliate|Commission|Payout)/.test(name) ? `killatamata.affiliate-${data.accountId}` : undefined
}
