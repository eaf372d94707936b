/** PATCH …/payout-requests/{payout_request_id}/external-settlement: how far the operator has paid the trader. */
import { createRoute, z } from '@hono/zod-openapi'
import { payoutIn, settlePayout } from '../../commands/noctant/payout-requests.ts'
import { waitForReadModels } from '../consistency.ts'
import { plainCommand } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { payoutRequestPath, settlementStatus, statementAnswer, statementOf } from './payout-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { requestIdHeader } from './schemas.ts'

const request = z
  .object({
    status: settlementStatus,
    external_settlement_reference: z.string().max(255).nullish(),
    note: z.string().max(500).nullish(),
    operator_reference: z.string().max(255).nullish(),
  })
  .openapi('UpdatePayoutSettlementRequest')

const route = createRoute({
  method: 'patch',
  path: '/v1/users/{global_user_id}/payout-requests/{payout_request_id}/external-settlement',
  operationId: 'updatePayoutSettlement',
  tags: ['Payouts'],
  summary: 'Track the payment outside',
  ...forOperator('payout_settlements:write'),
  request: {
    headers: requestIdHeader,
    params: payoutRequestPath,
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: { 200: json(statementAnswer, 'The request as it is now.'), ...problemResponses },
})

export const updatePayoutSettlement = operation(route, ({ bus, clock, ...consistency }: NoctantDeps) => async (c) => {
  const { global_user_id: globalUserId, payout_request_id: payoutRequestId } = c.req.valid('param')
  const body = c.req.valid('json')
  const selector = { operatorId: c.get('principal').operatorId, globalUserId, payoutRequestId }
  const settlement = {
    to: body.status,
    reference: body.external_settlement_reference ?? null,
    note: body.note ?? null,
    operatorReference: body.operator_reference ?? null,
  }
  const context = plainCommand(c, { at: clock().toISOString(), correlationId: payoutRequestId })
  const handled = await settlePayout(bus, selector, settlement, context)
  await waitForReadModels(c, handled.position, consistency)
  return c.json({ statement: statementOf(payoutIn(handled, payoutRequestId)) }, 200)
})
