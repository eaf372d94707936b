/** POST /v1/accounts/by-external-id/close-all: asks the engine to close whatever the account holds. */
import { createRoute, z } from '@hono/zod-openapi'
import { closeAllPositions, programAccountIdOf } from '../../commands/noctant/account.ts'
import { waitForReadModels } from '../consistency.ts'
import { idempotencyKey, idempotentCommand, markReplay } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { optionalUuid } from '../schemas.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { externalAccountQuery, requestIdHeader } from './schemas.ts'

const request = z
  .object({ idempotency_key: z.string(), reason: z.string().max(500).nullish(), request_id: optionalUuid })
  .openapi('CloseAllPositionsRequest')

const answer = z.object({ command_id: z.string() }).openapi('AccountCommandAcceptedResponse')

const route = createRoute({
  method: 'post',
  path: '/v1/accounts/by-external-id/close-all',
  operationId: 'closeAllPositionsByExternalId',
  tags: ['Accounts'],
  summary: 'Close every position of an account',
  ...forOperator('accounts:close_all'),
  request: {
    headers: requestIdHeader,
    query: externalAccountQuery,
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: {
    202: json(answer, 'The command is recorded and on its way to the engine.'),
    ...problemResponses,
  },
})

export const closeAllPositionsByExternalId = operation(
  route,
  ({ bus, clock, ...consistency }: NoctantDeps) =>
    async (c) => {
      const { operatorId } = c.get('principal')
      const externalAccountId = c.req.valid('query').external_account_id
      const body = c.req.valid('json')
      const reason = body.reason ?? null
      const scope = programAccountIdOf(operatorId, externalAccountId)
      const key = idempotencyKey(body.idempotency_key)
      const command = { context: 'noctant', action: 'closeAllPositions', scope, key, request: { reason } }
      const context = idempotentCommand(c, command, { at: clock().toISOString(), correlationId: body.request_id })
      const handled = await closeAllPositions(bus, { operatorId, externalAccountId }, reason, context)
      markReplay(c, handled)
      await waitForReadModels(c, handled.position, consistency)
      return c.json({ command_id: context.commandId }, 202)
    },
)
