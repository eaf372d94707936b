/** GET /v1/webhooks/deliveries: every attempt to deliver, newest first, a page at a time. */
import { z } from '@hono/zod-openapi'
import { attemptStatus } from '../../../events/webhook.ts'
import { listWebhookAttempts } from '../../../projections/noctant/webhook.ts'
import { limit, text, timeInput, timeOut, uuid, uuidOut } from '../../schemas.ts'
import { operatorKey } from '../access.ts'
import { pagedList } from '../pages.ts'

const status = z.enum(attemptStatus.options).openapi('WebhookDeliveryStatus')
const int32 = z.int().openapi({ type: 'integer', format: 'int32' })

const view = z
  .object({
    delivery_row_id: uuidOut,
    event_id: uuidOut,
    event_type: z.string(),
    attempt_number: int32,
    status,
    started_at: timeOut,
    finished_at: timeOut,
    duration_ms: int32,
    response_status: int32
      .nullable()
      .optional()
      .openapi({ type: ['integer', 'null'], format: 'int32' }),
    response_body_excerpt: z.string().nullable().optional(),
    error_class: z.string().nullable().optional(),
    error_message: z.string().nullable().optional(),
    created_at: timeOut,
  })
  .openapi('WebhookDeliveryView')

const attemptNumber = z
  .string()
  .refine((text) => /^[1-9]\d{0,8}$/.test(text), 'must be a whole number from 1')
  .transform(Number)
  .openapi({ type: ['integer', 'null'], format: 'int32' })

const nullableText = { type: ['string' as const, 'null' as const] }
const filters = z.object({
  event_id: uuid.optional().openapi({ ...nullableText, format: 'uuid' }),
  event_type: text(200).optional().openapi(nullableText),
  status: z.union([status, z.null()]).optional(),
})
const finishedAt = {
  asked: timeInput.optional().openapi({ ...nullableText, format: 'date-time' }),
  shown: timeOut,
}
const rowId = { asked: uuid.optional().openapi({ ...nullableText, format: 'uuid' }), shown: uuidOut }

export const listWebhookDeliveries = pagedList({
  path: '/v1/webhooks/deliveries',
  id: 'listWebhookDeliveries',
  tags: ['Webhooks'],
  summary: 'Attempts to deliver, newest first',
  description: 'Answers what was delivered and what your endpoint answered. The parameters narrow the list down.',
  access: operatorKey('webhook_deliveries:read'),
  query: filters,
  answer: 'WebhookDeliveriesResponse',
  cursor: 'WebhookDeliveryListCursor',
  items: 'deliveries',
  view,
  limit: limit.openapi({ type: ['integer', 'null'], format: 'int64' }),
  by: {
    finished_at: finishedAt,
    attempt_number: { asked: attemptNumber.optional(), shown: int32 },
    delivery_row_id: rowId,
  },
  says: 'A page of attempts.',
  async rows({ db, principal: { operatorId }, query }, page) {
    const { event_id: eventId, event_type: eventType, status } = query
    return listWebhookAttempts(db, { operatorId, eventId, eventType, status: status ?? undefined, ...page })
  },
  show: (attempt) => attempt,
})
