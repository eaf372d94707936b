/** Examples of killatamata's events: a person who signs in, buys credit in three ways, spends some of it, and is forgotten. */

import type { EventOf } from '../../../src/events/event.ts'
import type { AccountEvent, ApiKeyEvent, IdentityEvent } from '../../../src/events/killatamata/account.ts'
import type { LedgerEvent, Posting } from '../../../src/events/killatamata/ledger.ts'
import type { mailEvents } from '../../../src/events/killatamata/mail.ts'
import type { CallbackEvent, MediaJobEvent } from '../../../src/events/killatamata/media.ts'
import type { CheckoutEvent, SettlementEvent } from '../../../src/events/killatamata/payment.ts'
import type { RequestKeyEvent } from '../../../src/events/killatamata/request-key.ts'
import type {
  BrowserSessionEvent,
  DeviceLinkEvent,
  EmailChallengeEvent,
  IdTokenEvent,
} from '../../../src/events/killatamata/sign-in.ts'
import type { X402PaymentEvent } from '../../../src/events/killatamata/x402.ts'
import { type AffiliateStoryEvent, affiliateExamples, affiliateStreamOf } from './killatamata-affiliates.ts'
import { type ArcadeStoryEvent, arcadeExamples, arcadeStreamOf } from './killatamata-arcade.ts'
import { type StudioStoryEvent, studioExamples, studioStreamOf } from './killatamata-studio.ts'

export type KillatamataStoryEvent =
  | AccountEvent
  | AffiliateStoryEvent
  | ApiKeyEvent
  | ArcadeStoryEvent
  | BrowserSessionEvent
  | CallbackEvent
  | CheckoutEvent
  | DeviceLinkEvent
  | EmailChallengeEvent
  | EventOf<typeof mailEvents>
  | IdentityEvent
  | IdTokenEvent
  | LedgerEvent
  | MediaJobEvent
  | RequestKeyEvent
  | SettlementEvent
  | StudioStoryEvent
  | X402PaymentEvent

type Examples = {
  readonly [T in KillatamataStoryEvent['type']]: Extract<KillatamataStoryEvent, { type: T }>['data']
}

const id = (n: number) => `4b17a7a3-7a02-5c0f-8b5b-${String(n).padStart(12, '0')}`
const tail = (n: number) => `01KJPV4G8RZ${String(n).padStart(15, '0')}`
const hash = (digit: string) => digit.repeat(64)
const ACCOUNT = `acct_${tail(1)}`
const DEPOSIT = `dep_${tail(6)}`
const JOB = `job_${tail(7)}`
const CHECKOUT = id(20)
/** A picture that is worked on, and one that is only named. */
const PREPARED = {
  ...{
    task: 'image.edit' as const,
    effectiveInput: { prompt: 'bluer', width: 288, height: 192, outputFormat: 'webp' },
  },
  adjustments: [
    {
      ...{ field: 'sourceImage', reason: 'snapped_to_multiple_of_32' },
      ...{ requested: { width: 300, height: 200 }, effective: { width: 288, height: 192 } },
    },
  ],
  sources: [
    {
      ...{ kind: 'object' as const, field: 'sourceImage', index: 0, objectKey: `media/inputs/${hash('a')}` },
      ...{ sha256: hash('a'), mimeType: 'image/png', sizeBytes: 4_000, measures: { width: 300, height: 200 } },
    },
    { kind: 'address' as const, field: 'referenceImages', index: 0, url: 'https://example.com/frame.webp' },
  ],
  stagedInputCount: 1,
  pricing: {
    ...{ priceVersion: '2026-11-01', unit: 'pixels', quantity: 55_296, unitUsdMicros: 30_000, unitSize: 1_048_576 },
    ...{ minimumUsdMicros: 0, multipliers: [], billedAt: 'submit' as const, details: {} },
  },
  ...{ holdUsdMicros: '1583', estimatedDurationS: 2, estimate: { basis: 'default' as const, samples: 0 } },
  ...{ outputNames: ['image.webp'], callbackUrl: 'https://example.com/hooks/media' },
}
const AUTHORIZATION = {
  ...{ network: 'eip155:84532', asset: '0x5FbDB2315678afecb367f032d93F642f64180aa3' },
  ...{ from: '0x742D35Cc6634C0532925a3b844Bc9e7595f5bE21', to: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' },
  ...{ value: '5000000', validAfterS: '0', validBeforeS: '1772442300', nonce: `0x${hash('b')}` },
  signature: `0x${'5c'.repeat(65)}`,
}

const key = (n: number) => ({
  ...{ keyId: `key_${tail(n)}`, textId: `0000KillaExample${n}`, keyHash: hash(String(n)) },
  ...{ keyPrefix: `kt_0000Kil${n}`, label: 'laptop' },
})

/** Money that went from the first account to the others, in micro-dollars. */
const moved = (from: Posting['account'], to: Partial<Record<Posting['account'], number>>): Posting[] => [
  { account: from, side: 'debit', usdMicros: String(Object.values(to).reduce((sum, part) => sum + part, 0)) },
  ...Object.entries(to).map(([account, part]) => ({
    ...{ account: account as Posting['account'], side: 'credit' as const, usdMicros: String(part) },
  })),
]
const after = (availableMicros: number, heldMicros: number) => ({
  ...{ availableMicros: String(availableMicros), heldMicros: String(heldMicros), owedMicros: '0' },
})

/** `timeAt` is that of examples.ts, which imports this file. */
export function killatamataExamples(timeAt: (seconds: number) => string): Examples {
  const ofAccount = (seconds: number) => ({ accountId: ACCOUNT, occurredAt: timeAt(seconds) })
  const ofChallenge = (seconds: number) => ({ ...ofAccount(seconds), identityId: id(1), codeId: id(2) })
  const ofMail = (seconds: number) => ({ mailId: id(3), ownerId: null, occurredAt: timeAt(seconds) })
  const ofLink = (seconds: number) => ({ linkId: id(6), occurredAt: timeAt(seconds) })
  const ofSession = (seconds: number) => ({ ...ofAccount(seconds), sessionId: id(5) })
  const ofCheckout = (seconds: number) => ({ ...ofAccount(seconds), checkoutId: CHECKOUT })
  const ofPayment = (seconds: number, n = 21) => ({
    ...{ settlementId: id(n), provider: 'stripe' as const, providerId: `cs_test_${n}`, occurredAt: timeAt(seconds) },
  })
  const ofSettlement = (seconds: number, n = 21) => ({ ...ofPayment(seconds, n), accountId: ACCOUNT })
  const ofX402 = (seconds: number) => ({ ...ofAccount(seconds), paymentId: id(30) })
  const ofJob = (seconds: number, n = 40) => ({
    ...ofAccount(seconds),
    ...{ requestId: id(n), jobId: n === 40 ? JOB : `job_${tail(n)}` },
  })
  const ofLedger = (seconds: number) => ({ ...ofAccount(seconds), period: 1 })
  const deposit = { depositId: DEPOSIT, usdMicros: '20000000', reversedMicros: '5000000', creditedAt: timeAt(53) }
  const carried = { balances: after(14_985_000, 0), holds: [], deposits: [deposit] }
  return {
    'killatamata.CodeRequested.v1': {
      ...ofChallenge(1),
      ...{ email: 'ada@example.com', codeHash: hash('a'), expiresAt: timeAt(601) },
    },
    'killatamata.MailRequested.v1': {
      ...{ ...ofMail(1), accountId: ACCOUNT, purpose: 'code', about: id(2), to: 'ada@example.com' },
      ...{ subject: '012345 is your code to sign in', text: 'Your code is 012345.', html: '<p>012345</p>' },
      ...{ token: null, code: '012345', validUntil: timeAt(601) },
    },
    'killatamata.MailFailed.v1': {
      ...ofMail(2),
      ...{ attempt: 1, reason: 'ECONNECTION', nextAttemptAt: timeAt(12) },
    },
    'killatamata.MailSent.v1': { ...ofMail(12), attempt: 2, via: 'smtp' },
    'killatamata.CodeRefused.v1': ofChallenge(14),
    'killatamata.CodeRedeemed.v1': ofChallenge(15),
    'killatamata.IdentityClaimed.v1': { ...ofAccount(15), identityId: id(1), kind: 'email' },
    'killatamata.AccountOpened.v1': { ...ofAccount(15), email: 'ada@example.com' },
    'killatamata.IdentityLinked.v1': { ...ofAccount(15), identityId: id(1), kind: 'email' },
    'killatamata.ApiKeyIssued.v1': { ...ofAccount(15), ...key(2), source: 'email' },
    'killatamata.ApiKeyUsed.v1': { ...ofAccount(16), keyId: key(2).keyId, day: '2026-03-02' },
    'killatamata.AdminGranted.v1': ofAccount(17),
    'killatamata.AdminRevoked.v1': ofAccount(18),
    'killatamata.IdTokenExchanged.v1': {
      ...ofAccount(20),
      ...{ tokenHash: hash('d'), use: 'session', expiresAt: timeAt(3_660) },
    },
    'killatamata.RequestKeyUsed.v1': { ...ofAccount(19), operation: 'claimStripe' },
    'killatamata.SessionOpened.v1': {
      ...ofSession(20),
      ...{ cookieHash: hash('e'), by: 'google', expiresAt: timeAt(604_820) },
    },
    'killatamata.SessionEnded.v1': { ...ofSession(25), reason: 'logout' },
    'killatamata.LinkStarted.v1': {
      ...ofLink(30),
      ...{ userCode: 'BCDFGHJK', deviceCodeHash: hash('f'), keyLabel: 'agent', intervalS: 5, expiresAt: timeAt(630) },
    },
    'killatamata.LinkPolled.v1': ofLink(31),
    'killatamata.LinkPolledTooEarly.v1': { ...ofLink(32), intervalS: 10 },
    'killatamata.LinkApproved.v1': { ...ofLink(33), accountId: ACCOUNT, keyLabel: 'agent' },
    'killatamata.LinkConsumed.v1': { ...ofLink(42), accountId: ACCOUNT, key: key(3) },
    'killatamata.LinkExpired.v1': ofLink(631),
    'killatamata.ApiKeyRevoked.v1': { ...ofAccount(43), keyId: key(2).keyId },
    'killatamata.ApiKeyExpired.v1': { ...ofAccount(44), keyId: key(3).keyId },
    'killatamata.CheckoutRequested.v1': {
      ...ofCheckout(50),
      ...{ provider: 'stripe', packageCode: 'builder_2000', usdCents: '2000' },
      ...{ successUrl: 'https://example.com/thanks', cancelUrl: null, prefillsEmail: true },
    },
    'killatamata.PaymentNoticed.v1': {
      ...ofSettlement(50),
      ...{ checkoutId: CHECKOUT, packageCode: 'builder_2000', usdCents: '2000', currency: 'usd' },
    },
    'killatamata.CheckoutOpened.v1': {
      ...ofCheckout(50),
      ...{ providerId: 'cs_test_21', checkoutUrl: 'https://checkout.example.com/pay', expiresAt: timeAt(86_450) },
    },
    'killatamata.PaymentConfirmed.v1': {
      ...ofSettlement(53),
      ...{ usdCents: '2000', paymentIntentId: 'pi_test_21', period: 1 },
    },
    'killatamata.DepositCredited.v1': {
      ...ofLedger(53),
      ...{ postings: moved('stripe_clearing', { available: 20_000_000 }), after: after(20_000_000, 0) },
      ...{ depositId: DEPOSIT, settlementId: id(21), provider: 'stripe', usdMicros: '20000000' },
    },
    'killatamata.SettlementCredited.v1': { ...ofSettlement(53), depositId: DEPOSIT, usdMicros: '20000000' },
    'killatamata.PaymentLapsed.v1': ofSettlement(54, 22),
    'killatamata.CheckoutExpired.v1': ofCheckout(54),
    'killatamata.CheckoutFailed.v1': { ...ofCheckout(54), reason: 'the provider took no such order' },
    'killatamata.SettlementMismatched.v1': { ...ofSettlement(55, 23), usdCents: '1999', currency: 'usd' },
    'killatamata.UnmatchedPaymentNoticed.v1': { ...ofPayment(56, 24), usdCents: '500', currency: 'usd' },
    'killatamata.SettlementResolved.v1': {
      ...ofSettlement(57, 24),
      ...{ usdCents: '500', currency: 'usd', period: 1, reason: 'ticket 12: paid by an old link' },
    },
    'killatamata.HoldPlaced.v1': {
      ...ofLedger(60),
      ...{ postings: moved('available', { held: 20_000 }), after: after(19_980_000, 20_000) },
      ...{ holdId: `hold_${tail(7)}`, jobId: JOB, usdMicros: '20000' },
    },
    'killatamata.HoldCaptured.v1': {
      ...ofLedger(62),
      ...{ postings: moved('held', { media_revenue: 15_000, available: 5_000 }), after: after(19_985_000, 0) },
      ...{ holdId: `hold_${tail(7)}`, jobId: JOB, capturedMicros: '15000', releasedMicros: '5000' },
    },
    'killatamata.HoldReleased.v1': {
      ...ofLedger(63),
      ...{ postings: moved('held', { available: 20_000 }), after: after(19_985_000, 0) },
      ...{ holdId: `hold_${tail(8)}`, jobId: `job_${tail(8)}`, usdMicros: '20000', reason: 'job_failed' },
    },
    'killatamata.PaymentReversed.v1': {
      ...ofSettlement(70),
      ...{ cause: 'refund', usdCents: '500', reversedCents: '500' },
    },
    'killatamata.DepositReversed.v1': {
      ...ofLedger(70),
      ...{ postings: moved('available', { refunds: 5_000_000 }), after: after(14_985_000, 0) },
      ...{ depositId: DEPOSIT, cause: 'refund', usdMicros: '5000000', reversedMicros: '5000000' },
      ...{ depositMicros: '20000000', creditedAt: timeAt(53) },
    },
    'killatamata.LedgerPeriodClosed.v1': { ...ofLedger(71), ...carried },
    'killatamata.LedgerPeriodOpened.v1': { ...ofAccount(71), period: 2, ...carried },
    'killatamata.X402PaymentClaimed.v1': {
      ...ofX402(80),
      ...{ purchaseId: `pay_${tail(9)}`, authorization: AUTHORIZATION, usdCents: '500', period: 2 },
    },
    'killatamata.X402SettlementAttempted.v1': { ...ofX402(80), attempt: 1 },
    'killatamata.X402PaymentSettled.v1': { ...ofX402(81), transaction: `0x${hash('5')}`, blockNumber: '312' },
    'killatamata.X402PaymentFailed.v1': { ...ofX402(81), reason: 'expired' },
    'killatamata.X402PaymentCredited.v1': { ...ofX402(82), depositId: `dep_${tail(10)}`, usdMicros: '5000000' },
    ...studioExamples(timeAt),
    ...affiliateExamples(timeAt),
    ...arcadeExamples(timeAt),
    'killatamata.MediaJobRequested.v1': {
      ...ofJob(60),
      ...{ holdId: `hold_${tail(7)}`, job: PREPARED, availableMicros: '19980000', deadlineAt: timeAt(960) },
    },
    'killatamata.MediaJobStarted.v1': { ...ofJob(61), attempt: 1 },
    'killatamata.MediaJobSubmittedToProvider.v1': { ...ofJob(61), attempt: 1, provider: 'queue', ref: 'request-1' },
    'killatamata.MediaJobCompleted.v1': {
      ...ofJob(62),
      files: [
        {
          ...{ fileId: `file_${tail(7)}`, name: 'image.webp', objectKey: `media/outputs/${JOB}/1/file_${tail(7)}` },
          ...{ mimeType: 'image/webp', sizeBytes: 9_000, sha256: hash('b'), measures: { width: 288, height: 192 } },
        },
      ],
      ...{ chargedMicros: '1583', effectiveInput: PREPARED.effectiveInput, adjustments: PREPARED.adjustments },
    },
    'killatamata.MediaJobFailed.v1': {
      ...ofJob(63, 41),
      ...{ code: 'input_unusable', message: 'The picture cannot be decoded.' },
    },
    'killatamata.MediaJobAbandoned.v1': ofJob(121, 42),
    'killatamata.MediaOutputsDeleted.v1': { ...ofJob(259_300), fileIds: [`file_${tail(7)}`] },
    'killatamata.CallbackRequested.v1': {
      ...ofJob(62),
      ...{ url: 'https://example.com/hooks/media', host: 'example.com' },
    },
    'killatamata.CallbackAttempted.v1': {
      ...ofJob(63),
      ...{ attempt: 1, status: 500, reason: 'it was answered with 500', nextAttemptAt: timeAt(68) },
    },
    'killatamata.CallbackDelivered.v1': { ...ofJob(68), attempt: 2, status: 200 },
    'killatamata.CallbackGivenUp.v1': { ...ofJob(9_000, 43), attempt: 6, reason: 'timeout' },
    'killatamata.AccountForgotten.v1': { ...ofAccount(2_000), reference: 'DSR-7' },
  }
}

/** The stream that one of these events belongs in. */
export function killatamataStreamOf({ type, data }: { type: string; data: Record<string, unknown> }): string {
  const name = type.split('.')[1] ?? ''
  const ofStudio = studioStreamOf({ type, data })
  if (ofStudio !== undefined) return ofStudio
  const { accountId, period } = data
  const apart = affiliateStreamOf(name, data) ?? arcadeStreamOf(name, data)
  if (apart !== undefined) return apart
  if (name === 'ApiKeyUsed') return `killatamata.apiKey-${data.keyId}`
  if (name === 'IdentityClaimed') return `killatamata.identity-${data.identityId}`
  if (name === 'IdTokenExchanged') return `killatamata.idToken-${id(4)}`
  if (name === 'RequestKeyUsed') return `killatamata.requestKey-${id(7)}`
  if (name.startsWith('Code')) return `killatamata.emailChallenge-${data.identityId}`
  if (name.startsWith('Session')) return `killatamata.browserSession-${data.sessionId}`
  if (name.startsWith('Link')) return `killatamata.deviceLink-${data.linkId}`
  if (name.startsWith('Mail')) return `killatamata.mail-${data.mailId}`
  if (name.startsWith('Media')) return `killatamata.mediaJob-${data.requestId}`
  if (name.startsWith('Callback')) return `killatamata.callback-${data.requestId}`
  if (name.startsWith('Checkout')) return `killatamata.checkout-${data.checkoutId}`
  if (name.startsWith('X402')) return `killatamata.x402Payment-${data.paymentId}`
  if ('settlementId' in data && name !== 'DepositCredited') return `killatamata.settlement-${data.settlementId}`
  if ('period' in data) return `killatamata.ledger-${period === 1 ? accountId : `${accountId}.${period}`}`
  return `killatamata.account-${accountId}`
}
