/** POST /v1/users/{global_user_id}/account-corrections: adds to an account's balance, or takes from it. */
import { z } from '@hono/zod-openapi'
import { programAccountIdOf } from '../../../commands/noctant/account.ts'
import { correctionIdOf, requestCorrection } from '../../../commands/noctant/correction.ts'
import { json } from '../../answers.ts'
import { bodyKey, traceIdOf } from '../../command.ts'
import { decimalInput, externalId, text, uuid } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { idempotencyKey, requestIdHeader } from '../schemas.ts'
import { correctionAnswer, viewOf } from './correction-view.ts'

const request = z
  .object({
    external_account_id: externalId,
    amount: decimalInput,
    reason: text(500, 1),
    note: text(500).nullish(),
    operator_reference: text(255).nullish(),
    idempotency_key: idempotencyKey,
  })
  .openapi('CreateAccountBalanceCorrectionRequest')

export const createAccountCorrection = write({
  path: '/v1/users/{global_user_id}/account-corrections',
  id: 'createAccountCorrection',
  tags: ['Account Corrections'],
  summary: 'Correct an account’s balance',
  description: `The engine carries the correction out, or refuses it, as it does where the balance would become
negative; the correction’s status tells which.`,
  access: operatorKey('account_corrections:create'),
  headers: requestIdHeader,
  params: z.object({ global_user_id: uuid }),
  body: request,
  answers: { 200: json(correctionAnswer, 'The correction is on record and on its way.') },
  refuses: ['account_closed', 'account_not_found', 'invalid_amount', 'user_forgotten', 'user_not_found'],
  key: bodyKey(),
  facts: ({ params, body }) => ({
    globalUserId: params.global_user_id,
    externalAccountId: body.external_account_id,
    amount: body.amount,
    reason: body.reason,
    note: body.note ?? null,
    operatorReference: body.operator_reference ?? null,
  }),
  scope: ({ principal }, { externalAccountId }) => programAccountIdOf(principal.operatorId, externalAccountId),
  correlation: (_request, _facts, commandId) => correctionIdOf(commandId),
  async handle({ bus, principal: { operatorId }, body, facts, command }) {
    const { idempotency_key: idempotencyKey } = body
    const asked = { ...facts, operatorId, idempotencyKey, traceId: traceIdOf(command) }
    const handled = await requestCorrection(bus, asked, command)
    return { status: 200, body: { correction: viewOf(handled.events) }, handled }
  },
})
