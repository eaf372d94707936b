/** GET /v1/historical-sessions/{backtest_run_id}: a replay or a backtest, with its figures once it is completed. */
import { createRoute, z } from '@hono/zod-openapi'
import { json, operation, problemResponses } from '../operation.ts'
import { uuid } from '../schemas.ts'
import { historicalSessionView, sessionOf, sessionView } from './historical-session-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'

const answer = z.object({ session: historicalSessionView }).openapi('HistoricalSessionResponse')

const route = createRoute({
  method: 'get',
  path: '/v1/historical-sessions/{backtest_run_id}',
  operationId: 'getHistoricalSession',
  tags: ['Historical Sessions'],
  summary: 'A historical session by its run’s id',
  ...forOperator('historical_sessions:read'),
  request: { params: z.object({ backtest_run_id: uuid }) },
  responses: { 200: json(answer, 'The session.'), ...problemResponses },
})

export const getHistoricalSession = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const { operatorId } = c.get('principal')
  const session = await sessionOf(db, operatorId, c.req.valid('param').backtest_run_id)
  return c.json({ session: sessionView(session) }, 200)
})
