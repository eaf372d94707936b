/** PATCH /v1/accounts/by-external-id/status: disables an account, or makes it active again. */
import { z } from '@hono/zod-openapi'
import { changeAccountStatus, programAccountIdOf } from '../../../commands/noctant/account.ts'
import { withProgram } from '../../../commands/noctant/account-program.ts'
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { json } from '../../answers.ts'
import { bodyKey } from '../../command.ts'
import { optionalUuid, text } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import {
  externalAccountQuery,
  idempotencyKey,
  operatorAccountView,
  requestIdHeader,
  sponsoredAccountStatus,
} from '../schemas.ts'
import { viewOf } from './account-view.ts'

const request = z
  .object({
    status: sponsoredAccountStatus,
    idempotency_key: idempotencyKey,
    force_close_positions: z.boolean().default(false),
    reason: text(500).nullish(),
    request_id: optionalUuid,
  })
  .openapi('UpdateAccountStatusRequest')

const answer = z
  .object({ account: operatorAccountView, changed: z.boolean(), command_id: z.string().nullable().optional() })
  .openapi('AccountStatusUpdateResponse')

export const updateAccountStatusByExternalId = write({
  method: 'patch',
  path: '/v1/accounts/by-external-id/status',
  id: 'updateAccountStatusByExternalId',
  tags: ['Accounts'],
  summary: 'Disable an account, or make it active again',
  description: 'Stops trading on the account, or allows it again. The change is recorded at once; the engine follows.',
  access: operatorKey('accounts:status_write'),
  headers: requestIdHeader,
  query: externalAccountQuery,
  body: request,
  answers: {
    200: json(answer, 'The account had this status already; the engine was not asked for anything.'),
    202: json(answer, 'The status is changed; the command id follows what the engine makes of it.'),
  },
  refuses: ['account_not_found', 'account_closed', 'status_not_settable'],
  action: 'updateAccountStatus',
  key: bodyKey(),
  facts({ body: { status: to, force_close_positions: forceClosePositions, reason = null } }) {
    if (to === 'closed') throw new Rejected('status_not_settable', 'Only active and disabled can be set.', '/status')
    return { to, forceClosePositions, reason }
  },
  scope: ({ principal, query }) => programAccountIdOf(principal.operatorId, query.external_account_id),
  correlation: ({ body }) => body.request_id,
  async handle({ bus, principal: { operatorId }, query, facts, command }) {
    const account = { operatorId, externalAccountId: query.external_account_id }
    const handled = await withProgram(bus, await changeAccountStatus(bus, account, facts, command))
    const changed = handled.events.some(({ type }) => type === 'noctant.AccountStatusChanged.v1')
    const body = { account: viewOf(handled.state), changed, command_id: changed ? command.commandId : null }
    return { status: changed ? 202 : 200, body, handled }
  },
})
