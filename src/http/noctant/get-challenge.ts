/** GET /v1/challenges/{instance_id}: one of the operator's challenges. */
import { createRoute, z } from '@hono/zod-openapi'
import { Rejected } from '../../commands/rejection.ts'
import { findChallenge } from '../../projections/noctant/challenge.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { uuid } from '../schemas.ts'
import { challengeView, shown } from './challenge-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/challenges/{instance_id}',
  operationId: 'getChallenge',
  tags: ['Challenges'],
  summary: 'A challenge by its id',
  ...forOperator('challenges:read'),
  request: { params: z.object({ instance_id: uuid }) },
  responses: { 200: json(challengeView, 'The challenge.'), ...problemResponses },
})

export const getChallenge = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const found = await findChallenge(db, c.get('principal').operatorId, c.req.valid('param').instance_id)
  if (!found) throw new Rejected('challenge_not_found', 'The operator has no challenge of this id.')
  return c.json(shown(found), 200)
})
