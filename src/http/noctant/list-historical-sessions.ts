/** GET /v1/historical-sessions: the operator's replays and backtests, newest first, a page at a time. */
import { createRoute, z } from '@hono/zod-openapi'
import { listHistoricalSessions as query } from '../../projections/noctant/historical-session.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { externalId, LIMIT_DEFAULT, limit, timeOut, uuid, uuidOut } from '../schemas.ts'
import { historicalSessionState, historicalSessionView, sessionView } from './historical-session-view.ts'
import { launchProductMode } from './launch-view.ts'
import { cursorOf, pageOf } from './reading.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { count, cursorHalf } from './schemas.ts'

const cursor = z
  .object({ before_created_at: timeOut, before_session_id: uuidOut })
  .openapi('HistoricalSessionListCursor')

const answer = z
  .object({ sessions: z.array(historicalSessionView), count, next_cursor: z.union([cursor, z.null()]).optional() })
  .openapi('HistoricalSessionsResponse')

const route = createRoute({
  method: 'get',
  path: '/v1/historical-sessions',
  operationId: 'listHistoricalSessions',
  tags: ['Historical Sessions'],
  summary: 'Replays and backtests, newest first',
  ...forOperator('historical_sessions:read'),
  request: {
    query: z.object({
      external_user_id: externalId.optional(),
      global_user_id: uuid.optional(),
      feed_id: uuid.optional(),
      launch_session_id: uuid.optional(),
      requested_product_mode: launchProductMode.optional(),
      state: historicalSessionState.optional(),
      limit,
      before_created_at: cursorHalf.time,
      before_session_id: cursorHalf.id,
    }),
  },
  responses: { 200: json(answer, 'A page of sessions.'), ...problemResponses },
})

export const listHistoricalSessions = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const { limit: asked, before_created_at, before_session_id, ...filter } = c.req.valid('query')
  const size = asked ?? LIMIT_DEFAULT
  const after = cursorOf(
    { name: 'before_created_at', value: before_created_at },
    { name: 'before_session_id', value: before_session_id },
  )
  const before = after && { createdAt: after.time, sessionId: after.id }
  const rows = await query(db, c.get('principal').operatorId, { filter, before, limit: size + 1 })
  const { page, last } = pageOf(rows, size)
  const next = last && { before_created_at: last.created_at, before_session_id: last.session_id }
  return c.json({ sessions: page.map(sessionView), count: page.length, next_cursor: next ?? null }, 200)
})
