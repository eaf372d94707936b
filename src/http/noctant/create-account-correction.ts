/** POST /v1/users/{global_user_id}/account-corrections: adds to an account's balance, or takes from it. */
import { createRoute, z } from '@hono/zod-openapi'
import { commandIdOf } from '../../commands/identity.ts'
import { programAccountIdOf } from '../../commands/noctant/account.ts'
import { correctionIdOf, requestCorrection } from '../../commands/noctant/correction.ts'
import { waitForReadModels } from '../consistency.ts'
import { idempotencyKey, idempotentCommand, markReplay, traceIdOf } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { decimalInput, externalId, uuid } from '../schemas.ts'
import { correctionAnswer, requestedCorrection } from './correction-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { requestIdHeader } from './schemas.ts'

const request = z
  .object({
    external_account_id: externalId,
    amount: decimalInput,
    reason: z.string().min(1).max(500),
    note: z.string().max(500).nullish(),
    operator_reference: z.string().max(255).nullish(),
    idempotency_key: z.string(),
  })
  .openapi('CreateAccountBalanceCorrectionRequest')

const route = createRoute({
  method: 'post',
  path: '/v1/users/{global_user_id}/account-corrections',
  operationId: 'createAccountCorrection',
  tags: ['Account Corrections'],
  summary: 'Correct an account’s balance',
  description: `The engine carries the correction out, or refuses it, as it does where the balance would become
negative; the correction’s status tells which.`,
  ...forOperator('account_corrections:create'),
  request: {
    headers: requestIdHeader,
    params: z.object({ global_user_id: uuid }),
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: { 200: json(correctionAnswer, 'The correction is on record and on its way.'), ...problemResponses },
})

export const createAccountCorrection = operation(route, ({ bus, clock, ...consistency }: NoctantDeps) => async (c) => {
  const { operatorId, environment } = c.get('principal')
  const globalUserId = c.req.valid('param').global_user_id
  const body = c.req.valid('json')
  const request = {
    globalUserId,
    externalAccountId: body.external_account_id,
    amount: body.amount,
    reason: body.reason,
    note: body.note ?? null,
    operatorReference: body.operator_reference ?? null,
  }
  const name = {
    context: 'noctant',
    action: 'createAccountCorrection',
    scope: programAccountIdOf(operatorId, request.externalAccountId),
    key: idempotencyKey(body.idempotency_key),
  }
  const correlationId = correctionIdOf(commandIdOf({ ...name, operatorId, environment }))
  const context = idempotentCommand(c, { ...name, request }, { at: clock().toISOString(), correlationId })
  const facts = { ...request, operatorId, idempotencyKey: name.key, traceId: traceIdOf(context) }
  const handled = await requestCorrection(bus, facts, context)
  markReplay(c, handled)
  await waitForReadModels(c, handled.position, consistency)
  return c.json({ correction: requestedCorrection(handled.events) }, 200)
})
