/** GET /v1/users/{global_user_id}/payouts: what was paid out of a user's accounts, newest first, a page at a time. */
import { createRoute, z } from '@hono/zod-openapi'
import { listPayouts as list } from '../../projections/noctant/payout.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { decimalOut, LIMIT_DEFAULT, limit, nullableUuidOut, timeOut, uuid, uuidOut } from '../schemas.ts'
import { cursorOf, pageOf, userOf } from './reading.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { count, cursorHalf } from './schemas.ts'

const view = z
  .object({
    event_id: uuidOut,
    amount: decimalOut.openapi({ description: 'The trader’s part; the account was debited by the whole.' }),
    currency: z.string(),
    occurred_at: timeOut,
    instance_id: nullableUuidOut.optional(),
    chain_id: nullableUuidOut.optional(),
    source_event_id: nullableUuidOut.optional(),
    correlation_id: z.string().nullable().optional(),
    description: z.string().nullable().optional(),
  })
  .openapi('PayoutRecord')

const cursor = z.object({ before_occurred_at: timeOut, before_event_id: uuidOut }).openapi('PayoutListCursor')

const answer = z
  .object({ payouts: z.array(view), count, next_cursor: z.union([cursor, z.null()]).optional() })
  .openapi('PayoutsListResponse')

const route = createRoute({
  method: 'get',
  path: '/v1/users/{global_user_id}/payouts',
  operationId: 'listPayouts',
  tags: ['Payouts'],
  summary: 'A user’s payouts, newest first',
  ...forOperator('payouts:read'),
  request: {
    params: z.object({ global_user_id: uuid }),
    query: z.object({ limit, before_occurred_at: cursorHalf.time, before_event_id: cursorHalf.id }),
  },
  responses: { 200: json(answer, 'A page of payouts.'), ...problemResponses },
})

export const listPayouts = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const userId = c.req.valid('param').global_user_id
  const { limit: size = LIMIT_DEFAULT, before_occurred_at, before_event_id } = c.req.valid('query')
  const after = cursorOf(
    { name: 'before_occurred_at', value: before_occurred_at },
    { name: 'before_event_id', value: before_event_id },
  )
  const before = after && { occurredAt: after.time, eventId: after.id }
  const { operatorId } = c.get('principal')
  await userOf(db, operatorId, userId)
  const rows = await list(db, { operatorId, userId }, { before, limit: size + 1 })
  const { page, last } = pageOf(rows, size)
  const next = last && { before_occurred_at: last.occurred_at, before_event_id: last.event_id }
  return c.json({ payouts: page, count: page.length, next_cursor: next ?? null }, 200)
})
