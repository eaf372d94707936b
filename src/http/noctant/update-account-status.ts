/** PATCH /v1/accounts/by-external-id/status: disables an account, or makes it active again. */
import { createRoute, z } from '@hono/zod-openapi'
import { changeAccountStatus, programAccountIdOf } from '../../commands/noctant/account.ts'
import { Rejected } from '../../commands/rejection.ts'
import { waitForReadModels } from '../consistency.ts'
import { idempotencyKey, idempotentCommand, markReplay } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { optionalUuid } from '../schemas.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { externalAccountQuery, operatorAccountView, requestIdHeader, sponsoredAccountStatus } from './schemas.ts'
import { accountView } from './views.ts'

const request = z
  .object({
    status: sponsoredAccountStatus,
    idempotency_key: z.string(),
    force_close_positions: z.boolean().default(false),
    reason: z.string().max(500).nullish(),
    request_id: optionalUuid,
  })
  .openapi('UpdateAccountStatusRequest')

const answer = z
  .object({ account: operatorAccountView, changed: z.boolean(), command_id: z.string().nullable().optional() })
  .openapi('AccountStatusUpdateResponse')

const route = createRoute({
  method: 'patch',
  path: '/v1/accounts/by-external-id/status',
  operationId: 'updateAccountStatusByExternalId',
  tags: ['Accounts'],
  summary: 'Disable an account, or make it active again',
  ...forOperator('accounts:status_write'),
  request: {
    headers: requestIdHeader,
    query: externalAccountQuery,
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: {
    200: json(answer, 'The account had this status already; the engine was not asked for anything.'),
    202: json(answer, 'The status is changed; the command id follows what the engine makes of it.'),
    ...problemResponses,
  },
})

export const updateAccountStatusByExternalId = operation(
  route,
  ({ bus, clock, ...consistency }: NoctantDeps) =>
    async (c) => {
      const { operatorId } = c.get('principal')
      const externalAccountId = c.req.valid('query').external_account_id
      const body = c.req.valid('json')
      const { status: to, force_close_positions: forceClosePositions, request_id: correlationId } = body
      if (to === 'closed') throw new Rejected('status_not_settable', 'Only active and disabled can be set.', '/status')
      const change = { to, forceClosePositions, reason: body.reason ?? null }
      const scope = programAccountIdOf(operatorId, externalAccountId)
      const key = idempotencyKey(body.idempotency_key)
      const command = { context: 'noctant', action: 'updateAccountStatus', scope, key, request: change }
      const context = idempotentCommand(c, command, { at: clock().toISOString(), correlationId })
      const handled = await changeAccountStatus(bus, { operatorId, externalAccountId }, change, context)
      markReplay(c, handled)
      await waitForReadModels(c, handled.position, consistency)
      const account = accountView(handled.state)
      const changed = handled.events.some(({ type }) => type === 'noctant.AccountStatusChanged.v1')
      return c.json({ account, changed, command_id: changed ? context.commandId : null }, changed ? 202 : 200)
    },
)
