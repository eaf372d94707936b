/** GET /v1/webhooks/deliveries: every attempt to deliver, newest first, a page at a time. */
import { createRoute, z } from '@hono/zod-openapi'
import { listWebhookAttempts } from '../../projections/noctant/webhook.ts'
import { attemptStatus } from '../../webhooks/events.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { invalid } from '../problem.ts'
import { LIMIT_DEFAULT, limit, timeInput, timeOut, uuid, uuidOut } from '../schemas.ts'
import { pageOf } from './reading.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { count } from './schemas.ts'

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

const cursor = z
  .object({ before_finished_at: timeOut, before_attempt_number: int32, before_delivery_row_id: uuidOut })
  .openapi('WebhookDeliveryListCursor')

const answer = z
  .object({ deliveries: z.array(view), count, next_cursor: z.union([cursor, z.null()]).optional() })
  .openapi('WebhookDeliveriesResponse')

const attemptNumber = z
  .string()
  .refine((text) => /^[1-9]\d{0,8}$/.test(text), 'is to be a whole number from 1')
  .transform(Number)
  .openapi({ type: ['integer', 'null'], format: 'int32' })

const query = z.object({
  event_id: uuid.optional().openapi({ type: ['string', 'null'], format: 'uuid' }),
  event_type: z
    .string()
    .max(200)
    .optional()
    .openapi({ type: ['string', 'null'] }),
  status: z.union([status, z.null()]).optional(),
  limit: limit.openapi({ type: ['integer', 'null'], format: 'int64' }),
  before_finished_at: timeInput.optional().openapi({ type: ['string', 'null'], format: 'date-time' }),
  before_attempt_number: attemptNumber.optional(),
  before_delivery_row_id: uuid.optional().openapi({ type: ['string', 'null'], format: 'uuid' }),
})

const route = createRoute({
  method: 'get',
  path: '/v1/webhooks/deliveries',
  operationId: 'listWebhookDeliveries',
  tags: ['Webhooks'],
  summary: 'Attempts to deliver, newest first',
  ...forOperator('webhook_deliveries:read'),
  request: { query },
  responses: { 200: json(answer, 'A page of attempts.'), ...problemResponses },
})

/** All three parts of the cursor, or none. Throws a Problem that names the first missing one. */
function cursorOf(asked: z.output<typeof query>) {
  const { before_finished_at: finishedAt, before_attempt_number: attempt, before_delivery_row_id: id } = asked
  if (finishedAt === undefined && attempt === undefined && id === undefined) return undefined
  if (finishedAt !== undefined && attempt !== undefined && id !== undefined) {
    return { finishedAt, attemptNumber: attempt, deliveryRowId: id }
  }
  const parts = { before_finished_at: finishedAt, before_attempt_number: attempt, before_delivery_row_id: id }
  const [missing] = Object.entries(parts).find(([, value]) => value === undefined) ?? ['']
  throw invalid(`query/${missing}`, 'required', `A cursor has three parts: ${Object.keys(parts).join(', ')}.`)
}

export const listWebhookDeliveries = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const asked = c.req.valid('query')
  const size = asked.limit ?? LIMIT_DEFAULT
  const { event_id: eventId, event_type: eventType } = asked
  const filter = { operatorId: c.get('principal').operatorId, eventId, eventType, status: asked.status ?? undefined }
  const rows = await listWebhookAttempts(db, { ...filter, before: cursorOf(asked), limit: size + 1 })
  const { page, last } = pageOf(rows, size)
  const next = last && {
    before_finished_at: last.finished_at,
    before_attempt_number: last.attempt_number,
    before_delivery_row_id: last.delivery_row_id,
  }
  return c.json({ deliveries: page, count: page.length, next_cursor: next ?? null }, 200)
})
