/** Examples of firsthand's events: one organization with a key, its credits, and a job that is cancelled. */
import type { JobEvent, JobFacts } from '../../../src/events/firsthand/job.ts'
import type { OrganizationEvent } from '../../../src/events/firsthand/organization.ts'
import type { RequestKeyEvent } from '../../../src/events/firsthand/request-key.ts'
import type { WalletEvent } from '../../../src/events/firsthand/wallet.ts'
import type {
  WebhookEndpointEvent,
  WebhookEventEvent,
  WebhookPlaceEvent,
} from '../../../src/events/firsthand/webhook.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { type PaymentStoryEvent, paymentExamples, paymentStreamOf } from './firsthand-payments.ts'
import { type WorkStoryEvent, workExamples, workStreamOf } from './firsthand-work.ts'

export type FirsthandStoryEvent =
  | OrganizationEvent
  | WalletEvent
  | JobEvent
  | WorkStoryEvent
  | PaymentStoryEvent
  | WebhookEndpointEvent
  | WebhookPlaceEvent
  | WebhookEventEvent
  | RequestKeyEvent

type Examples = {
  readonly [T in FirsthandStoryEvent['type']]: Extract<FirsthandStoryEvent, { type: T }>['data']
}

/** `timeAt` is that of examples.ts, which imports this file. */
export function firsthandExamples(timeAt: (seconds: number) => string): Examples {
  const idOf = (prefix: string, name = '') => prefixedId(prefix, timeAt(0), name)
  const organizationId = idOf('org')
  const ofOrganization = (seconds: number) => ({ organizationId, occurredAt: timeAt(seconds) })
  const ofWallet = (seconds: number) => ({ ...ofOrganization(seconds), environment: 'live' as const })
  const keyId = idOf('key')
  const key = { textId: '0000FirsthandText', keyHash: 'ef'.repeat(32), hint: 'wxyz', name: 'back office' }
  const jobId = idOf('job')
  const lot = { lotId: idOf('crtx', 'grant'), kind: 'free_tier', endsAt: timeAt(31_536_000) } as const
  const job: JobFacts = {
    ...{ organizationId, environment: 'live', jobId },
    type: 'data_collection',
    description: 'Pictures of doors, each from the street',
    filesNeeded: 4,
    acceptedFormats: ['image/jpeg', 'image/png'],
    pricePerFileCents: '25',
    platformFeePct: '0.2',
    totalCostCents: '100',
    workerPayoutPerFileCents: '20',
    metadata: { project: 'doors', batch: 7, urgent: false, note: null },
    createdAt: timeAt(720),
  }
  const ofEndpoint = (seconds: number) => ({ ...ofWallet(seconds), endpointId: idOf('we') })
  const endpoint = { url: 'https://example.com/hooks', description: 'order system' }
  const secret = { secretId: '5f5dbb3c-9f3e-4c5a-8a8f-0d4c6c1f7a02', sealed: '0a1b2c3d.c2VhbGVk' }
  const ofEvent = (seconds: number) => ({
    ...ofEndpoint(seconds),
    ...{ eventId: idOf('evt'), eventType: 'job.cancelled' as const },
  })
  return {
    'firsthand.OrganizationCreated.v1': { ...ofOrganization(700), name: 'Example Pictures', tier: 'standard' },
    'firsthand.OrganizationSuspended.v1': { ...ofOrganization(701), reason: 'unpaid' },
    'firsthand.OrganizationResumed.v1': { ...ofOrganization(702), reason: null },
    'firsthand.SettingsChanged.v1': {
      ...ofOrganization(703),
      defaultPlatformFeePct: '0.15',
      autoTopUpEnabled: true,
      autoTopUpThresholdCents: '500',
      autoTopUpAmountCents: '2500',
    },
    'firsthand.FeeFloorSet.v1': { ...ofOrganization(704), feeFloorPct: '0.1' },
    'firsthand.ApiKeyCreated.v1': {
      ...ofOrganization(705),
      ...{ keyId, ...key, scopes: ['jobs:write', 'jobs:read'], environment: 'live', expiresAt: null, replaces: null },
    },
    'firsthand.ApiKeyRotated.v1': {
      ...ofOrganization(706),
      ...{ keyId, replacedBy: idOf('key', 'next'), validUntil: timeAt(87_106) },
    },
    'firsthand.ApiKeyUseNoted.v1': { ...ofOrganization(707), keyId, usedAt: timeAt(707) },
    'firsthand.ApiKeyRevoked.v1': { ...ofOrganization(708), keyId, reason: null },
    'firsthand.CreditsGranted.v1': {
      ...ofWallet(710),
      ...{ transactionId: lot.lotId, kind: 'free_tier', amountCents: '1000', endsAt: lot.endsAt },
      ...{ reason: 'to try it', balanceCents: '1000' },
    },
    'firsthand.EscrowHeld.v1': {
      ...ofWallet(720),
      ...{ transactionId: idOf('crtx', 'hold'), amountCents: '100', balanceCents: '900', job },
      parts: [{ ...lot, amountCents: '100', remainingCents: '900' }],
    },
    'firsthand.JobPosted.v1': job,
    ...workExamples(timeAt, { organizationId, environment: 'live', jobId }),
    'firsthand.EscrowSettled.v1': {
      ...ofWallet(800),
      ...{ transactionId: null, jobId, filesApproved: 4, paidCents: '100', balanceCents: '900' },
    },
    'firsthand.JobCancelled.v1': {
      ...{ organizationId, environment: 'live', jobId, filesApproved: 0, refundCents: '100' },
      occurredAt: timeAt(730),
    },
    'firsthand.RequestKeyUsed.v1': { ...ofWallet(730), operation: 'cancelJob' },
    'firsthand.EscrowRefunded.v1': {
      ...ofWallet(730),
      ...{ transactionId: idOf('crtx', 'refund'), jobId, filesApproved: 0, amountCents: '100', balanceCents: '1000' },
      parts: [{ ...lot, amountCents: '100', remainingCents: '1000' }],
    },
    'firsthand.WebhookEndpointPlaceTaken.v1': { ...ofEndpoint(740), ...endpoint },
    'firsthand.WebhookEndpointCreated.v1': { ...ofEndpoint(740), ...endpoint, ...secret },
    'firsthand.WebhookSecretRotated.v1': {
      ...ofEndpoint(741),
      ...{ ...secret, secretId: '5f5dbb3c-9f3e-4c5a-8a8f-0d4c6c1f7a03', previousValidUntil: timeAt(87_141) },
    },
    'firsthand.WebhookEventCreated.v1': {
      ...ofEvent(742),
      source: { eventId: '5f5dbb3c-9f3e-5c5a-8a8f-0d4c6c1f7a04', stream: `firsthand.job-${jobId}`, revision: '1' },
      ...{ jobId, submissionId: null, verdict: null, topUpId: null, createdAt: timeAt(730) },
    },
    'firsthand.WebhookAttemptStarted.v1': { ...ofEvent(743), attempt: 1 },
    'firsthand.WebhookAttemptFinished.v1': {
      ...ofEvent(744),
      ...{ attempt: 1, status: 'transient_fail', startedAt: timeAt(743), durationMs: 1_000, responseStatus: 500 },
      ...{ errorClass: 'http_5xx', errorMessage: 'the endpoint answered 500', nextAttemptAt: timeAt(804) },
    },
    'firsthand.WebhookReplayRequested.v1': { ...ofEvent(745), attempts: 1 },
    'firsthand.WebhookEndpointFailing.v1': ofEndpoint(744),
    'firsthand.WebhookEndpointRecovered.v1': { ...ofEndpoint(746), failingSince: timeAt(744) },
    'firsthand.WebhookEndpointDisabled.v1': {
      ...{ ...ofEndpoint(747), cause: 'gone', reason: 'the endpoint answered 410' },
    },
    'firsthand.WebhookEndpointChanged.v1': { ...ofEndpoint(748), ...endpoint, status: 'active' },
    'firsthand.WebhookEndpointDeleted.v1': ofEndpoint(749),
    'firsthand.WebhookEndpointPlaceFreed.v1': ofEndpoint(749),
    ...paymentExamples(timeAt),
    'firsthand.CreditsExpired.v1': {
      ...ofWallet(31_536_001),
      ...{ transactionId: idOf('crtx', 'end'), ...lot, amountCents: '1000', balanceCents: '0' },
    },
  }
}

/** The stream that one of firsthand's events belongs in. */
export function firsthandStreamOf({ type, data }: { type: string; data: Record<string, unknown> }): string {
  const ofWork = workStreamOf({ type, data }) ?? paymentStreamOf({ type, data })
  if (ofWork !== undefined) return ofWork
  if (/\.RequestKey/.test(type)) return 'firsthand.requestKey-5f5dbb3c-9f3e-5c5a-8a8f-0d4c6c1f7a05'
  if (/\.WebhookEndpointPlace/.test(type))
    return `firsthand.webhookEndpoints-${data.organizationId}_${data.environment}`
  if (/\.Webhook(Endpoint|Secret)/.test(type)) return `firsthand.webhookEndpoint-${data.endpointId}`
  if (/\.Webhook/.test(type)) return `firsthand.webhookEvent-${data.eventId}`
  if (/\.(Credits|Escrow|AutoTopUp)/.test(type)) return `firsthand.wallet-${data.organizationId}_${data.environment}`
  return `firsthand.organization-${data.organizationId}`
}
