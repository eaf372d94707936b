/** A webhook and its deliveries as callers send and see them. A secret is whole in the answer that makes it, and nowhere else. */
import { z } from '@hono/zod-openapi'
import { Rejected } from '../../../commands/rungate/rejection.ts'
import { type WebhookState, webhookNotFound } from '../../../commands/rungate/webhook.ts'
import { visibility } from '../../../events/rungate/vocabulary.ts'
import { webhookEventType } from '../../../events/rungate/webhook.ts'
import { type WebhookRow, webhookColumns } from '../../../projections/rungate/webhook.ts'
import type { WebhookDeliveryRow } from '../../../projections/rungate/webhook-delivery.ts'
import { snake } from '../../../runtime/letter-case.ts'
import { webhookUrl } from '../../../webhooks/address.ts'
import { refuseIfPrivate } from '../../../webhooks/request.ts'
import { boundedText, listOf, nullableTimeOut, nullableUuidOut, timeOut, uuidOut } from '../../schemas.ts'
import type { RungateParts } from '../access.ts'
import { anyId } from '../runs/inputs.ts'
import { authors, authorsOf, description, entityName } from '../schemas.ts'

export const eventType = z.enum(webhookEventType.options).openapi('WebhookEventType')

const URL_LENGTH_MAX = 2_000
/** More than there are; what is named twice counts once. */
const EVENTS_MAX = 100
const SECRET = { min: 16, max: 256 }
const url = boundedText(URL_LENGTH_MAX).openapi({ format: 'uri' })
const events = listOf(eventType, EVENTS_MAX)
  .refine((given) => given.length > 0, 'must name an event')
  .openapi({ minItems: 1 })
const secret = boundedText(SECRET.max)
  .refine((text) => text.length >= SECRET.min, `must have at least ${SECRET.min} characters`)
  .refine((text) => /^[\x21-\x7e]+$/.test(text), 'must be of visible ASCII characters')

export const webhookInput = z
  .object({
    ...{ name: entityName, url, events, secret: secret.optional(), agent_id: anyId },
    ...{ description: description.optional(), scope: visibility.optional() },
  })
  .openapi('CreateWebhookInput')

const nullableText = { type: ['string', 'null'] as ['string', 'null'] }
export const webhookChange = z.object({
  ...{ name: entityName.optional(), url: url.optional(), events: events.optional(), secret: secret.optional() },
  agent_id: anyId.unwrap().nullish().openapi(nullableText),
  description: description.nullish().openapi(nullableText),
  status: z.enum(['active', 'paused']).optional(),
})

export const webhookResponse = z
  .object({
    ...{
      id: uuidOut,
      name: z.string(),
      org_id: nullableUuidOut.optional(),
      url: z.string().openapi({ format: 'uri' }),
    },
    secret: z.string(),
    previous_secret: z.string().nullable().optional(),
    previous_secret_expires_at: nullableTimeOut.optional(),
    events: z.array(eventType),
    agent_id: z.string().nullable().optional(),
    status: z.enum(['active', 'paused', 'failing']),
    failure_count: z.int(),
    description: z.string().nullable().optional(),
    scope: visibility.optional(),
    member_id: z.string().nullable().optional(),
    ...z.object(authors).partial().shape,
    created_at: timeOut,
    updated_at: timeOut,
  })
  .openapi('Webhook')

/** `now`: a former secret is shown as long as it signs. `secret`: the whole one, where it was just made. */
export function webhookView(row: WebhookRow, now: string, secret?: string): z.input<typeof webhookResponse> {
  const { previous_valid_until: until } = row
  const isOverlap = until !== null && until > now
  return {
    ...{ id: row.webhook_id, name: row.name, org_id: row.account_id, url: row.url, secret: secret ?? row.masked },
    ...{
      previous_secret: isOverlap ? row.previous_masked : null,
      previous_secret_expires_at: isOverlap ? until : null,
    },
    ...{ events: row.events, agent_id: row.agent_id, status: row.status, failure_count: row.failures },
    ...{ description: row.description, scope: row.scope, member_id: row.member_id, ...authorsOf(row) },
    ...{ created_at: row.created_at, updated_at: row.updated_at },
  }
}

/** The row of a state. Throws where there is no webhook. */
export function webhookRowOf(state: WebhookState): WebhookRow {
  if (state.status === 'absent' || state.status === 'deleted') throw webhookNotFound()
  const { created, webhook, standing: status, failures, secrets, updatedBy: updated_by, updatedAt: updated_at } = state
  const [current, previous] = secrets.toReversed()
  return {
    ...{ ...snake(created, 'webhookId', 'accountId', 'memberId'), ...webhookColumns(webhook), status, failures },
    ...{ masked: current?.masked ?? '', previous_masked: previous?.masked ?? null },
    ...{ previous_valid_until: previous?.validUntil ?? null, created_by: created.author, updated_by },
    ...{ created_at: created.occurredAt, updated_at },
  }
}

/** Rejects with webhook_url_refused where nothing would be sent to the URL. */
export async function acceptUrl(
  { webhooks: { allowLoopback, resolve } }: Pick<RungateParts, 'webhooks'>,
  text: string,
): Promise<void> {
  await refuseIfPrivate(webhookUrl(text, { allowLoopback }, Rejected), { allowLoopback }, resolve, Rejected)
}

export const deliveryResponse = z
  .object({
    ...{ id: uuidOut, webhook_id: uuidOut, event_type: eventType, event_id: uuidOut, payload: z.string() },
    status: z.enum(['pending', 'success', 'failed']),
    ...{ attempts: z.int(), max_attempts: z.int() },
    response_status: z.int().nullable().optional(),
    response_body: z.string().nullable().optional(),
    next_retry_at: nullableTimeOut.optional(),
    created_at: timeOut,
    completed_at: nullableTimeOut.optional(),
  })
  .openapi('WebhookDelivery')

export const deliveryView = (row: WebhookDeliveryRow): z.input<typeof deliveryResponse> => ({
  ...{ id: row.delivery_id, webhook_id: row.webhook_id, event_type: row.event_type, event_id: row.event_id },
  ...{ payload: row.body, status: row.status, attempts: row.attempts, max_attempts: row.attempts_max },
  ...{ response_status: row.response_status, response_body: row.response_excerpt, next_retry_at: row.due_at },
  ...{ created_at: row.created_at, completed_at: row.completed_at },
})
