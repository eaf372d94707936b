/** POST /v1/accounts/by-external-id/close-all: asks the engine to close whatever the account holds. */
import { z } from '@hono/zod-openapi'
import { closeAllPositions, programAccountIdOf } from '../../../commands/noctant/account.ts'
import { json } from '../../answers.ts'
import { bodyKey } from '../../command.ts'
import { optionalUuid, text } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { externalAccountQuery, idempotencyKey, requestIdHeader } from '../schemas.ts'

const request = z
  .object({ idempotency_key: idempotencyKey, reason: text(500).nullish(), request_id: optionalUuid })
  .openapi('CloseAllPositionsRequest')

const answer = z.object({ command_id: z.string() }).openapi('AccountCommandAcceptedResponse')

export const closeAllPositionsByExternalId = write({
  path: '/v1/accounts/by-external-id/close-all',
  id: 'closeAllPositionsByExternalId',
  tags: ['Accounts'],
  summary: 'Close every position of an account',
  description:
    'Asks the engine to close every open position. The answer names the command, whose status tells what became of it.',
  access: operatorKey('accounts:close_all'),
  headers: requestIdHeader,
  query: externalAccountQuery,
  body: request,
  answers: { 202: json(answer, 'The command is recorded and on its way to the engine.') },
  refuses: ['account_not_found', 'account_closed'],
  action: 'closeAllPositions',
  key: bodyKey(),
  facts: ({ body: { reason = null } }) => ({ reason }),
  scope: ({ principal, query }) => programAccountIdOf(principal.operatorId, query.external_account_id),
  correlation: ({ body }) => body.request_id,
  async handle({ bus, principal: { operatorId }, query, facts: { reason }, command }) {
    const account = { operatorId, externalAccountId: query.external_account_id }
    const handled = await closeAllPositions(bus, account, reason, command)
    return { status: 202, body: { command_id: command.commandId }, handled }
  },
})
