/** POST …/payout-requests/{payout_request_id}/reject: turns a payout down. */
import { createRoute, z } from '@hono/zod-openapi'
import { payoutIn, rejectPayout } from '../../commands/noctant/payout-requests.ts'
import { waitForReadModels } from '../consistency.ts'
import { plainCommand } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { payoutRequestPath, statementAnswer, statementOf } from './payout-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { requestIdHeader } from './schemas.ts'

const request = z
  .object({ reason: z.string().min(1).max(500), operator_reference: z.string().max(255).nullish() })
  .openapi('RejectPayoutRequestRequest')

const route = createRoute({
  method: 'post',
  path: '/v1/users/{global_user_id}/payout-requests/{payout_request_id}/reject',
  operationId: 'rejectPayoutRequest',
  tags: ['Payouts'],
  summary: 'Reject a payout request',
  ...forOperator('payout_requests:reject'),
  request: {
    headers: requestIdHeader,
    params: payoutRequestPath,
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: { 200: json(statementAnswer, 'The request as it is now.'), ...problemResponses },
})

export const rejectPayoutRequest = operation(route, ({ bus, clock, ...consistency }: NoctantDeps) => async (c) => {
  const { global_user_id: globalUserId, payout_request_id: payoutRequestId } = c.req.valid('param')
  const { reason, operator_reference } = c.req.valid('json')
  const selector = { operatorId: c.get('principal').operatorId, globalUserId, payoutRequestId }
  const context = plainCommand(c, { at: clock().toISOString(), correlationId: payoutRequestId })
  const handled = await rejectPayout(bus, selector, { reason, operatorReference: operator_reference ?? null }, context)
  await waitForReadModels(c, handled.position, consistency)
  return c.json({ statement: statementOf(payoutIn(handled, payoutRequestId)) }, 200)
})
