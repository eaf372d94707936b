/** GET /v1/users: one of the operator's users by the id that the operator gave it. */
import { createRoute, z } from '@hono/zod-openapi'
import { Rejected } from '../../commands/rejection.ts'
import { findUserByExternalId } from '../../projections/noctant/user.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { externalId } from '../schemas.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { userSummary } from './schemas.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/users',
  operationId: 'getUserByExternalId',
  tags: ['Users'],
  summary: 'A user by the operator’s own id for it',
  ...forOperator('users:read'),
  request: { query: z.object({ external_id: externalId }) },
  responses: { 200: json(userSummary, 'The user.'), ...problemResponses },
})

export const getUserByExternalId = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const user = await findUserByExternalId(db, c.get('principal').operatorId, c.req.valid('query').external_id)
  if (!user) throw new Rejected('user_not_found', 'The operator has no user of this external id.')
  return c.json(user, 200)
})
