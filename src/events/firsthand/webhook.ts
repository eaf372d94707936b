/**
 * Facts of webhooks: where a buyer's events go, and each event on its way to one endpoint. What an event tells is in none
 * of them: it is made when it is sent. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { attemptStatus, eventReference } from '../webhook.ts'
import { environment, stars, time } from './vocabulary.ts'

export const webhookNames = {
  context: 'firsthand',
  tenant: 'organizationId',
  endpoint: 'endpointId',
  person: 'workerId',
} as const

/** Public names of what webhooks tell. */
export const webhookEventType = z.enum([
  'submission.approved',
  'submission.rejected',
  'job.completed',
  'job.cancelled',
  'billing.auto_top_up_failed',
])
export type WebhookEventType = z.infer<typeof webhookEventType>

export const endpointStatus = z.enum(['active', 'disabled'])
export type EndpointStatus = z.infer<typeof endpointStatus>

const ofEndpoint = { organizationId: z.string(), environment, endpointId: z.string() }
const about = { url: z.string(), description: z.string().nullable() }
/** Sealed with a key of the endpoint's own in the vault: `<key id>.<base64 of nonce, ciphertext and tag>`. */
const secret = { secretId: z.string(), sealed: z.string() }

/** What is known of an endpoint when it takes its place. */
const endpointFacts = z.object({ ...ofEndpoint, ...about, occurredAt: time })
export type EndpointFacts = z.infer<typeof endpointFacts>

/** Stream `firsthand.webhookEndpoint-<endpoint>`. */
export const webhookEndpointEvents = {
  'firsthand.WebhookEndpointCreated.v1': endpointFacts.extend(secret),
  /** As its owner wants it from now on. */
  'firsthand.WebhookEndpointChanged.v1': z.object({
    ...ofEndpoint,
    ...about,
    status: endpointStatus,
    occurredAt: time,
  }),
  /** The secret of before also signs until then; one that was older signs no more. */
  'firsthand.WebhookSecretRotated.v1': z.object({
    ...ofEndpoint,
    ...secret,
    previousValidUntil: time,
    occurredAt: time,
  }),
  /** The first failure after the last success. */
  'firsthand.WebhookEndpointFailing.v1': z.object({ ...ofEndpoint, occurredAt: time }),
  /** The first success after that. */
  'firsthand.WebhookEndpointRecovered.v1': z.object({ ...ofEndpoint, failingSince: time, occurredAt: time }),
  /** It answered 410, or nothing but failures for too long; what its owner does is a change. */
  'firsthand.WebhookEndpointDisabled.v1': z.object({
    ...ofEndpoint,
    cause: z.enum(['gone', 'failing']),
    reason: z.string(),
    occurredAt: time,
  }),
  'firsthand.WebhookEndpointDeleted.v1': z.object({ ...ofEndpoint, occurredAt: time }),
}

/** Stream `firsthand.webhookEndpoints-<org id>_<environment>`: which endpoints there are. */
export const webhookPlaceEvents = {
  /** With all facts of the endpoint, which follows. */
  'firsthand.WebhookEndpointPlaceTaken.v1': endpointFacts,
  'firsthand.WebhookEndpointPlaceFreed.v1': z.object({ ...ofEndpoint, occurredAt: time }),
}

/** Stars are null where nothing was judged. */
const verdict = z.object({ stars: stars.nullable(), reason: z.string() })
export type Verdict = z.infer<typeof verdict>

const ofEvent = { ...ofEndpoint, eventId: z.string(), eventType: webhookEventType }

/** Stream `firsthand.webhookEvent-<event>`. An occurrence that two endpoints hear of is two events. */
export const webhookEventEvents = {
  'firsthand.WebhookEventCreated.v1': z.object({
    ...ofEvent,
    /** The event of the log that it tells of. */
    source: eventReference,
    jobId: z.string().nullable(),
    submissionId: z.string().nullable(),
    /** As it was decided then: a rejected submission may be retried. Null: it tells of no decision. */
    verdict: verdict.nullable(),
    topUpId: z.string().nullable(),
    /** When that happened. */
    createdAt: time,
    occurredAt: time,
  }),
  /** Written before the request goes out: what happens to it is unknown until the attempt is recorded as finished. */
  'firsthand.WebhookAttemptStarted.v1': z.object({ ...ofEvent, attempt: z.int().positive(), occurredAt: time }),
  'firsthand.WebhookAttemptFinished.v1': z.object({
    ...ofEvent,
    /** From 1, through all replays; 0 where the event was given up before the first. */
    attempt: z.int().nonnegative(),
    status: attemptStatus,
    startedAt: time,
    durationMs: z.int().nonnegative(),
    responseStatus: z.int().nullable(),
    errorClass: z.string().nullable(),
    errorMessage: z.string().nullable(),
    /** null: none follows. */
    nextAttemptAt: time.nullable(),
    occurredAt: time,
  }),
  /** It goes to its endpoint again. */
  'firsthand.WebhookReplayRequested.v1': z.object({
    ...ofEvent,
    /** Made before. */
    attempts: z.int().nonnegative(),
    occurredAt: time,
  }),
}

export type WebhookEndpointEvent = EventOf<typeof webhookEndpointEvents>
export type WebhookPlaceEvent = EventOf<typeof webhookPlaceEvents>
export type WebhookEventEvent = EventOf<typeof webhookEventEvents>
