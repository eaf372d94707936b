/** GET /v1/users/{global_user_id}/account-corrections: a user's corrections, newest first, a page at a time. */
import { createRoute, z } from '@hono/zod-openapi'
import { listCorrections } from '../../projections/noctant/correction.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { LIMIT_DEFAULT, limit, timeOut, uuid, uuidOut } from '../schemas.ts'
import { correctionSchema, correctionView } from './correction-view.ts'
import { cursorOf, pageOf, userOf } from './reading.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { count, cursorHalf } from './schemas.ts'

const cursor = z
  .object({ before_requested_at: timeOut, before_correction_id: uuidOut })
  .openapi('AccountCorrectionListCursor')

const answer = z
  .object({
    corrections: z.array(correctionSchema),
    count,
    next_cursor: z.union([cursor, z.null()]).optional(),
  })
  .openapi('AccountCorrectionsListResponse')

const route = createRoute({
  method: 'get',
  path: '/v1/users/{global_user_id}/account-corrections',
  operationId: 'listAccountCorrections',
  tags: ['Account Corrections'],
  summary: 'A user’s corrections, newest first',
  ...forOperator('account_corrections:read'),
  request: {
    params: z.object({ global_user_id: uuid }),
    query: z.object({
      limit,
      before_requested_at: cursorHalf.time,
      before_correction_id: cursorHalf.id,
    }),
  },
  responses: { 200: json(answer, 'A page of corrections.'), ...problemResponses },
})

export const listAccountCorrections = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const userId = c.req.valid('param').global_user_id
  const { limit: size = LIMIT_DEFAULT, before_requested_at, before_correction_id } = c.req.valid('query')
  const after = cursorOf(
    { name: 'before_requested_at', value: before_requested_at },
    { name: 'before_correction_id', value: before_correction_id },
  )
  const before = after && { requestedAt: after.time, correctionId: after.id }
  const { operatorId } = c.get('principal')
  await userOf(db, operatorId, userId)
  const rows = await listCorrections(db, { operatorId, userId }, { before, limit: size + 1 })
  const { page, last } = pageOf(rows, size)
  const next = last && { before_requested_at: last.requested_at, before_correction_id: last.correction_id }
  return c.json({ corrections: page.map(correctionView), count: page.length, next_cursor: next ?? null }, 200)
})
