/**
 * Facts of webhooks: an operator's endpoint, what is delivered to it, and what it asked to be delivered again.
 * Streams `noctant.webhookEndpoint-<operatorId>`, `noctant.webhookDelivery-<deliveryId>` and
 * `noctant.webhookReplay-<replayId>`. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import { time, uuid } from './vocabulary.ts'

export const webhookEndpointEvents = {
  /** Where to deliver, and what: null stands for every type there is and will be. The first one enables the endpoint. */
  'noctant.WebhookEndpointSet.v1': z.object({
    operatorId: uuid,
    url: z.string(),
    eventTypes: z.array(z.string()).nullable(),
    occurredAt: time,
  }),
  /** A secret to sign with. Those before it sign beside it until `previousValidUntil`; null where there are none. */
  'noctant.WebhookEndpointSecretIssued.v1': z.object({
    operatorId: uuid,
    secretId: uuid,
    /** The secret under the instance's key: `<key id>.<base64 of nonce, ciphertext and tag>`, AES-256-GCM. */
    sealed: z.string(),
    previousValidUntil: time.nullable(),
    occurredAt: time,
  }),
  'noctant.WebhookEndpointEnabled.v1': z.object({ operatorId: uuid, reason: z.string().nullable(), occurredAt: time }),
  'noctant.WebhookEndpointDisabled.v1': z.object({
    operatorId: uuid,
    /** An administrator; the endpoint answered 410; nothing but failures for too long. */
    cause: z.enum(['administrator', 'gone', 'failing']),
    reason: z.string().nullable(),
    occurredAt: time,
  }),
  /** The first failure after the last success. */
  'noctant.WebhookEndpointFailing.v1': z.object({ operatorId: uuid, since: time, occurredAt: time }),
  /** The first success after that. */
  'noctant.WebhookEndpointRecovered.v1': z.object({ operatorId: uuid, failingSince: time, occurredAt: time }),
}
export type WebhookEndpointEvent = EventOf<typeof webhookEndpointEvents>

/** As the contract names them; the last attempt of a delivery that is given up is its `dead_letter`. */
export const attemptStatus = z.enum(['delivered', 'transient_fail', 'permanent_fail', 'dead_letter'])
export type AttemptStatus = z.infer<typeof attemptStatus>

export const webhookDeliveryEvents = {
  'noctant.WebhookDeliveryRequested.v1': z.object({
    deliveryId: uuid,
    operatorId: uuid,
    /** The id of the event that is told of, which is the `webhook-id` of every attempt, replays included. */
    eventId: uuid,
    eventType: z.string(),
    /** The replay that asked for it; null for the first delivery. */
    replayId: uuid.nullable(),
    /** Whose personal data the body holds; absent: nobody's. */
    globalUserId: uuid.optional(),
    /** The bytes that are signed and sent, as text. */
    body: personal(z.string()),
    occurredAt: time,
  }),
  /** Written before the request goes out: what happens to it is unknown until the attempt is recorded as finished. */
  'noctant.WebhookAttemptStarted.v1': z.object({
    deliveryId: uuid,
    operatorId: uuid,
    /** From 1. */
    attempt: z.int().positive(),
    occurredAt: time,
  }),
  'noctant.WebhookAttemptFinished.v1': z.object({
    deliveryId: uuid,
    operatorId: uuid,
    eventId: uuid,
    eventType: z.string(),
    attempt: z.int().positive(),
    status: attemptStatus,
    startedAt: time,
    finishedAt: time,
    durationMs: z.int().nonnegative(),
    responseStatus: z.int().nullable(),
    /** As of the delivery. */
    globalUserId: uuid.optional(),
    /** The beginning of the answer's body, which may repeat what was sent. */
    responseExcerpt: personal(z.string().nullable()),
    errorClass: z.string().nullable(),
    errorMessage: z.string().nullable(),
    /** When the next attempt is due; null where this was the last. */
    nextAttemptAt: time.nullable(),
    occurredAt: time,
  }),
  /** Nothing more is to be done about a delivery that was given up. */
  'noctant.WebhookDeliveryDiscarded.v1': z.object({
    deliveryId: uuid,
    operatorId: uuid,
    eventId: uuid,
    reason: z.string().nullable(),
    occurredAt: time,
  }),
}
export type WebhookDeliveryEvent = EventOf<typeof webhookDeliveryEvents>

/** Where an event stands in the log. */
export const eventReference = z.object({
  eventId: uuid,
  stream: z.string(),
  /** 64 bits, decimal. */
  revision: z.string().regex(/^\d{1,19}$/),
})
export type EventReference = z.infer<typeof eventReference>

export const webhookReplayEvents = {
  'noctant.WebhookReplayRequested.v1': z.object({
    replayId: uuid,
    operatorId: uuid,
    /** Inclusive. */
    from: time,
    /** Exclusive. */
    to: time,
    eventTypes: z.array(z.string()).nullable(),
    externalAccountId: z.string().nullable(),
    limit: z.int().positive(),
    /** The events that are delivered again, in the log's order. */
    sources: z.array(eventReference),
    occurredAt: time,
  }),
}
export type WebhookReplayEvent = EventOf<typeof webhookReplayEvents>
