/** GET /v1/users/{global_user_id}/payout-statements: a user's payout requests, newest first, a page at a time. */
import { createRoute, z } from '@hono/zod-openapi'
import { listStatements } from '../../projections/noctant/payout-statement.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { LIMIT_DEFAULT, limit, timeOut, uuid, uuidOut } from '../schemas.ts'
import { statementSchema, statementView } from './payout-view.ts'
import { cursorOf, pageOf, userOf } from './reading.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { count, cursorHalf } from './schemas.ts'

const cursor = z
  .object({ before_requested_at: timeOut, before_payout_request_id: uuidOut })
  .openapi('PayoutStatementListCursor')

const answer = z
  .object({ statements: z.array(statementSchema), count, next_cursor: z.union([cursor, z.null()]).optional() })
  .openapi('PayoutStatementsListResponse')

const route = createRoute({
  method: 'get',
  path: '/v1/users/{global_user_id}/payout-statements',
  operationId: 'listPayoutStatements',
  tags: ['Payouts'],
  summary: 'A user’s payout requests, newest first',
  ...forOperator('payouts:read'),
  request: {
    params: z.object({ global_user_id: uuid }),
    query: z.object({ limit, before_requested_at: cursorHalf.time, before_payout_request_id: cursorHalf.id }),
  },
  responses: { 200: json(answer, 'A page of payout requests.'), ...problemResponses },
})

export const listPayoutStatements = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const userId = c.req.valid('param').global_user_id
  const { limit: size = LIMIT_DEFAULT, before_requested_at, before_payout_request_id } = c.req.valid('query')
  const after = cursorOf(
    { name: 'before_requested_at', value: before_requested_at },
    { name: 'before_payout_request_id', value: before_payout_request_id },
  )
  const before = after && { requestedAt: after.time, payoutRequestId: after.id }
  const { operatorId } = c.get('principal')
  await userOf(db, operatorId, userId)
  const rows = await listStatements(db, { operatorId, userId }, { before, limit: size + 1 })
  const { page, last } = pageOf(rows, size)
  const next = last && { before_requested_at: last.requested_at, before_payout_request_id: last.payout_request_id }
  return c.json({ statements: page.map(statementView), count: page.length, next_cursor: next ?? null }, 200)
})
