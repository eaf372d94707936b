/** A webhook event as the contract shows it. Its data is what was sent, or will be, made of the read models as they are. */
import { z } from '@hono/zod-openapi'
import type { WebhookEventRow } from '../../../projections/firsthand/webhook.ts'
import { id } from '../schemas.ts'

export const eventParams = z.object({ event_id: id })

export const eventStatus = z.enum(['pending', 'delivered', 'failed'])

const members = {
  id: z.string(),
  object: z.literal('event'),
  type: z.string(),
  endpoint_id: z.string(),
  status: eventStatus,
  attempt_count: z.int(),
  data: z.unknown(),
  created_at: z.string(),
}
// A member of any kind would be an optional one.
export const eventResponse = z.object(members).openapi('WebhookEventResponse', { required: Object.keys(members) })

type Shown = Pick<
  WebhookEventRow,
  'event_id' | 'event_type' | 'endpoint_id' | 'status' | 'attempt_count' | 'created_at'
>

export const eventView = (row: Shown, data: object | undefined): z.input<typeof eventResponse> => ({
  ...{ id: row.event_id, object: 'event', type: row.event_type, endpoint_id: row.endpoint_id, status: row.status },
  ...{ attempt_count: row.attempt_count, data: data ?? null, created_at: row.created_at },
})
