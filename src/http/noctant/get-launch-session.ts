/** GET /v1/launch-sessions/{launch_session_id}: whether a launch was used, and whether it can be. */
import { createRoute, z } from '@hono/zod-openapi'
import { Rejected } from '../../commands/rejection.ts'
import { findLaunchSession } from '../../projections/noctant/launch-session.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { uuid } from '../schemas.ts'
import { launchSessionView } from './launch-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'

const answer = z.object({ launch_session: launchSessionView }).openapi('LaunchSessionResponse')

const route = createRoute({
  method: 'get',
  path: '/v1/launch-sessions/{launch_session_id}',
  operationId: 'getLaunchSession',
  tags: ['Launch Sessions'],
  summary: 'A launch by its id',
  ...forOperator('launch_sessions:read'),
  request: { params: z.object({ launch_session_id: uuid }) },
  responses: { 200: json(answer, 'The launch.'), ...problemResponses },
})

export const getLaunchSession = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const id = c.req.valid('param').launch_session_id
  const found = await findLaunchSession(db, c.get('principal').operatorId, id)
  if (!found) throw new Rejected('launch_session_not_found', 'The operator has no launch of this id.')
  return c.json({ launch_session: found }, 200)
})
