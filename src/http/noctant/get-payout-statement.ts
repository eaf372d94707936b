/** GET /v1/users/{global_user_id}/payout-statements/{payout_request_id}: one request and all that came of it. */
import { createRoute } from '@hono/zod-openapi'
import { Rejected } from '../../commands/rejection.ts'
import { findStatement } from '../../projections/noctant/payout-statement.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { payoutRequestPath, statementAnswer, statementView } from './payout-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/users/{global_user_id}/payout-statements/{payout_request_id}',
  operationId: 'getPayoutStatement',
  tags: ['Payouts'],
  summary: 'A payout request',
  ...forOperator('payouts:read'),
  request: { params: payoutRequestPath },
  responses: { 200: json(statementAnswer, 'The request, as far as it has come.'), ...problemResponses },
})

export const getPayoutStatement = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const { global_user_id: userId, payout_request_id: payoutRequestId } = c.req.valid('param')
  const found = await findStatement(db, c.get('principal').operatorId, userId, payoutRequestId)
  if (!found) throw new Rejected('payout_request_not_found', 'The user has no payout request of this id.')
  return c.json({ statement: statementView(found) }, 200)
})
