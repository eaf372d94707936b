/**
 * Facts of webhooks: where an account's events go, and each event on its way to one of them. A secret stands here sealed, under a
 * key of the webhook's own in the vault. What is told holds nothing personal, no secret, no prompt and no answer.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { attemptStatus, placeSchemas } from '../webhook.ts'
import { author, time, uuid, visibility } from './vocabulary.ts'

export const webhookNames = {
  context: 'rungate',
  tenant: 'accountId',
  endpoint: 'webhookId',
  person: 'memberId',
} as const

/** Public names of what webhooks tell. */
export const webhookEventType = z.enum([
  ...(['run.started', 'run.completed', 'run.budget_exceeded', 'run.force_stopped', 'run.alert_threshold'] as const),
  ...(['step.completed', 'step.policy_blocked', 'step.budget_blocked', 'step.failed'] as const),
  ...(['agent.created', 'agent.updated', 'agent.disabled'] as const),
  ...(['policy.created', 'policy.updated', 'policy.deleted', 'policy.version_created'] as const),
  ...(['provider_key.created', 'provider_key.disabled', 'provider_key.enabled', 'provider_key.deleted'] as const),
  ...(['provider_key.rotated', 'step.approval_required', 'approval.approved', 'approval.rejected'] as const),
  ...(['admin_token.created', 'admin_token.revoked', 'alert.triggered'] as const),
  ...(['alert_rule.created', 'alert_rule.updated', 'alert_rule.deleted'] as const),
  ...(['member.role_changed', 'member.removed', 'member.ownership_transferred', 'webhook.test'] as const),
])
export type WebhookEventType = z.infer<typeof webhookEventType>

const ofWebhook = { accountId: uuid, webhookId: uuid, occurredAt: time }
const secret = {
  secretId: uuid,
  /** `<key id>.<base64 of nonce, ciphertext and tag>`. */
  sealed: z.string(),
  /** Its last characters, by which people tell secrets apart. */
  masked: z.string(),
}

/** All that may be changed of a webhook, whole, but for its status and its secret. */
export const webhookFacts = z.object({
  name: z.string(),
  url: z.string(),
  description: z.string().nullable(),
  events: z.array(webhookEventType),
  /** Null: all agents of the account, and what is about none. */
  agentId: uuid.nullable(),
  scope: visibility,
})
export type WebhookFacts = z.infer<typeof webhookFacts>

/** Stream `rungate.webhook-<id>`. */
export const webhookEvents = {
  'rungate.WebhookCreated.v1': z.object({
    ...ofWebhook,
    ...secret,
    author,
    memberId: uuid.nullable(),
    webhook: webhookFacts,
  }),
  'rungate.WebhookChanged.v1': z.object({ ...ofWebhook, author, webhook: webhookFacts }),
  /** The secret of before also signs until then; one that was older signs no more. */
  'rungate.SecretRotated.v1': z.object({
    ...ofWebhook,
    ...secret,
    author,
    previousMasked: z.string(),
    previousValidUntil: time,
  }),
  'rungate.PreviousSecretExpired.v1': z.object({ ...ofWebhook, author }),
  'rungate.WebhookEnabled.v1': z.object({ ...ofWebhook, author }),
  'rungate.WebhookDisabled.v1': z.object({ ...ofWebhook, author }),
  /** How many deliveries were given up one after the other; 0: one has arrived since. */
  'rungate.WebhookFailuresCounted.v1': z.object({
    ...ofWebhook,
    failures: z.int().min(0),
    /** The position in the log up to which ends of deliveries are counted: 64 bits, decimal. */
    upTo: z.string().regex(/^\d{1,19}$/),
  }),
  /** So many were given up that no more are made until somebody enables it. */
  'rungate.WebhookFailing.v1': z.object({ ...ofWebhook, failures: z.int().min(1) }),
  'rungate.WebhookDeleted.v1': z.object({ ...ofWebhook, author }),
}
export type WebhookEvent = EventOf<typeof webhookEvents>
export type WebhookCreation = Extract<WebhookEvent, { type: 'rungate.WebhookCreated.v1' }>['data']

const { 'WebhookEndpointPlaceTaken.v1': placeTaken, 'WebhookEndpointPlaceFreed.v1': placeFreed } =
  placeSchemas(webhookNames)
/** Stream `rungate.webhookEndpoints-<account>`: which webhooks there are. */
export const webhookPlaceEvents = {
  'rungate.WebhookEndpointPlaceTaken.v1': placeTaken,
  'rungate.WebhookEndpointPlaceFreed.v1': placeFreed,
}

const ofDelivery = {
  ...ofWebhook,
  deliveryId: uuid,
  eventType: webhookEventType,
  /** Deliveries of a run arrive in the log's order; null: it is about none. */
  runId: uuid.nullable(),
}

/** Stream `rungate.webhookDelivery-<id>`. */
export const webhookDeliveryEvents = {
  'rungate.DeliveryRequested.v1': z.object({
    ...ofDelivery,
    /** As its receiver knows the event. */
    eventId: uuid,
    /** The bytes that are signed and sent, as text. */
    body: z.string(),
    /** Whoever has the webhook tries it: it is sent however the webhook stands. */
    isTrial: z.boolean(),
    attemptsMax: z.int().positive(),
    /** Where the event that it tells of stands in the log; 64 bits, decimal. */
    sourcePosition: z.string().regex(/^\d{1,19}$/),
  }),
  /** Written before the request goes out: what happens to it is unknown until the attempt is recorded as finished. */
  'rungate.AttemptStarted.v1': z.object({ ...ofDelivery, attempt: z.int().positive() }),
  'rungate.AttemptFinished.v1': z.object({
    ...ofDelivery,
    /** From 1. */
    attempt: z.int().positive(),
    status: attemptStatus,
    startedAt: time,
    durationMs: z.int().nonnegative(),
    responseStatus: z.int().nullable(),
    /** The beginning of the answer's body. */
    responseExcerpt: z.string().nullable(),
    errorClass: z.string().nullable(),
    errorMessage: z.string().nullable(),
    /** null: none follows. */
    nextAttemptAt: time.nullable(),
  }),
  /** It did not arrive, and nothing more is tried. */
  'rungate.DeliveryGivenUp.v1': z.object({
    ...ofDelivery,
    /** Made. */
    attempts: z.int().nonnegative(),
    /** After its attempts, or without one more, since the webhook takes nothing. */
    cause: z.enum(['failed', 'webhook_off']),
    reason: z.string(),
    isTrial: z.boolean(),
  }),
}
export type WebhookDeliveryEvent = EventOf<typeof webhookDeliveryEvents>
