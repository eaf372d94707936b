/** POST /v1/users/{global_user_id}/payout-requests: asks for a payout out of a funded account. */
import { createRoute, z } from '@hono/zod-openapi'
import { commandIdOf } from '../../commands/identity.ts'
import { programAccountIdOf } from '../../commands/noctant/account.ts'
import { payoutIn, payoutRequestIdOf, requestPayout } from '../../commands/noctant/payout-requests.ts'
import { waitForReadModels } from '../consistency.ts'
import { idempotencyKey, idempotentCommand, markReplay, traceIdOf } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { decimalInput, externalId, uuid } from '../schemas.ts'
import { statementAnswer, statementOf } from './payout-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { requestIdHeader } from './schemas.ts'

const request = z
  .object({
    external_account_id: externalId,
    amount: decimalInput,
    note: z.string().max(500).nullish(),
    operator_reference: z.string().max(255).nullish(),
    idempotency_key: z.string(),
  })
  .openapi('CreatePayoutRequestRequest')

const route = createRoute({
  method: 'post',
  path: '/v1/users/{global_user_id}/payout-requests',
  operationId: 'createPayoutRequest',
  tags: ['Payouts'],
  summary: 'Ask for a payout',
  description: `The payout policy that the challenge has frozen is applied at once. A request within it waits for the
operator’s review; one against it is on record as rejected, and the decision names each rule with what it found.`,
  ...forOperator('payout_requests:create'),
  request: {
    headers: requestIdHeader,
    params: z.object({ global_user_id: uuid }),
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: { 200: json(statementAnswer, 'The request with the policy’s decision.'), ...problemResponses },
})

export const createPayoutRequest = operation(route, ({ bus, clock, ...consistency }: NoctantDeps) => async (c) => {
  const { operatorId, environment } = c.get('principal')
  const body = c.req.valid('json')
  const request = {
    globalUserId: c.req.valid('param').global_user_id,
    externalAccountId: body.external_account_id,
    amount: body.amount,
    note: body.note ?? null,
    operatorReference: body.operator_reference ?? null,
  }
  const name = {
    context: 'noctant',
    action: 'createPayoutRequest',
    scope: programAccountIdOf(operatorId, request.externalAccountId),
    key: idempotencyKey(body.idempotency_key),
  }
  const payoutRequestId = payoutRequestIdOf(commandIdOf({ ...name, operatorId, environment }))
  const asked = { at: clock().toISOString(), correlationId: payoutRequestId }
  const context = idempotentCommand(c, { ...name, request }, asked)
  const facts = { ...request, operatorId, idempotencyKey: name.key, traceId: traceIdOf(context) }
  const handled = await requestPayout(bus, facts, context)
  markReplay(c, handled)
  await waitForReadModels(c, handled.position, consistency)
  return c.json({ statement: statementOf(payoutIn(handled, payoutRequestId)) }, 200)
})
