/** GET /v1/users/{global_user_id}/account-corrections/{correction_id}: one correction and what became of it. */
import { createRoute, z } from '@hono/zod-openapi'
import { Rejected } from '../../commands/rejection.ts'
import { findCorrection } from '../../projections/noctant/correction.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { uuid } from '../schemas.ts'
import { correctionAnswer, correctionView } from './correction-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/users/{global_user_id}/account-corrections/{correction_id}',
  operationId: 'getAccountCorrection',
  tags: ['Account Corrections'],
  summary: 'A correction of a balance',
  ...forOperator('account_corrections:read'),
  request: { params: z.object({ global_user_id: uuid, correction_id: uuid }) },
  responses: { 200: json(correctionAnswer, 'The correction, as far as it has come.'), ...problemResponses },
})

export const getAccountCorrection = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const { global_user_id: userId, correction_id: correctionId } = c.req.valid('param')
  const found = await findCorrection(db, c.get('principal').operatorId, userId, correctionId)
  if (!found) throw new Rejected('correction_not_found', 'The user has no correction of this id.')
  return c.json({ correction: correctionView(found) }, 200)
})
