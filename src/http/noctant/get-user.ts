/** GET /v1/users/{global_user_id}: one of the operator's users by its global id. */
import { createRoute, z } from '@hono/zod-openapi'
import { Rejected } from '../../commands/rejection.ts'
import { findUser } from '../../projections/noctant/user.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { uuid } from '../schemas.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { userSummary } from './schemas.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/users/{global_user_id}',
  operationId: 'getUser',
  tags: ['Users'],
  summary: 'A user by its global id',
  ...forOperator('users:read'),
  request: { params: z.object({ global_user_id: uuid }) },
  responses: { 200: json(userSummary, 'The user.'), ...problemResponses },
})

export const getUser = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const user = await findUser(db, c.get('principal').operatorId, c.req.valid('param').global_user_id)
  if (!user) throw new Rejected('user_not_found', 'The operator has no user of this id.')
  return c.json(user, 200)
})
