/** POST /v1/users/{global_user_id}/payout-requests: asks for a payout out of a funded account. */
import { z } from '@hono/zod-openapi'
import { programAccountIdOf } from '../../../commands/noctant/account.ts'
import { payoutIn, payoutRequestIdOf, requestPayout } from '../../../commands/noctant/payout-requests.ts'
import { json } from '../../answers.ts'
import { bodyKey, traceIdOf } from '../../command.ts'
import { decimalInput, externalId, text, uuid } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { idempotencyKey, requestIdHeader } from '../schemas.ts'
import { statementAnswer, viewOf } from './payout-view.ts'

const request = z
  .object({
    external_account_id: externalId,
    amount: decimalInput,
    note: text(500).nullish(),
    operator_reference: text(255).nullish(),
    idempotency_key: idempotencyKey,
  })
  .openapi('CreatePayoutRequestRequest')

export const createPayoutRequest = write({
  path: '/v1/users/{global_user_id}/payout-requests',
  id: 'createPayoutRequest',
  tags: ['Payouts'],
  summary: 'Ask for a payout',
  description: `The payout policy that the challenge has frozen is applied at once. A request within it waits for the
operator’s review; one against it is on record as rejected, and the decision names each rule with what it found.`,
  access: operatorKey('payout_requests:create'),
  headers: requestIdHeader,
  params: z.object({ global_user_id: uuid }),
  body: request,
  answers: { 200: json(statementAnswer, 'The request with the policy’s decision.') },
  refuses: [
    'account_closed',
    'account_not_found',
    'invalid_amount',
    'payout_not_eligible',
    'payout_request_not_found',
    'user_forgotten',
    'user_not_found',
  ],
  key: bodyKey(),
  facts: ({ params, body }) => ({
    globalUserId: params.global_user_id,
    externalAccountId: body.external_account_id,
    amount: body.amount,
    note: body.note ?? null,
    operatorReference: body.operator_reference ?? null,
  }),
  scope: ({ principal }, { externalAccountId }) => programAccountIdOf(principal.operatorId, externalAccountId),
  correlation: (_request, _facts, commandId) => payoutRequestIdOf(commandId),
  async handle({ bus, principal: { operatorId }, body, facts, command }) {
    const { idempotency_key: idempotencyKey } = body
    const asked = { ...facts, operatorId, idempotencyKey, traceId: traceIdOf(command) }
    const handled = await requestPayout(bus, asked, command)
    const payout = payoutIn(handled, payoutRequestIdOf(command.commandId))
    return { status: 200, body: { statement: viewOf(payout) }, handled }
  },
})
