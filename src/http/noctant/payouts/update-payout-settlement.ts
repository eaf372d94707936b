/** PATCH …/payout-requests/{payout_request_id}/external-settlement: how far the operator has paid the trader. */
import { z } from '@hono/zod-openapi'
import { payoutIn, settlePayout } from '../../../commands/noctant/payout-requests.ts'
import { json } from '../../answers.ts'
import { text } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { requestIdHeader } from '../schemas.ts'
import { payoutRequestPath, selectorOf, settlementStatus, statementAnswer, viewOf } from './payout-view.ts'

const request = z
  .object({
    status: settlementStatus,
    external_settlement_reference: text(255).nullish(),
    note: text(500).nullish(),
    operator_reference: text(255).nullish(),
  })
  .openapi('UpdatePayoutSettlementRequest')

export const updatePayoutSettlement = write({
  method: 'patch',
  path: '/v1/users/{global_user_id}/payout-requests/{payout_request_id}/external-settlement',
  id: 'updatePayoutSettlement',
  isIdempotent: true,
  tags: ['Payouts'],
  summary: 'Track the payment outside',
  example: { external_settlement_reference: 'SEPA-2026-77' },
  description: 'A payment that is called off releases what was reserved for it; a debit of the account stands.',
  access: operatorKey('payout_settlements:write'),
  headers: requestIdHeader,
  params: payoutRequestPath,
  body: request,
  answers: { 200: json(statementAnswer, 'The request as it is now.') },
  refuses: [
    'payout_request_not_found',
    'payout_state_conflict',
    'settlement_reference_missing',
    'user_forgotten',
    'user_not_found',
  ],
  correlation: ({ params }) => params.payout_request_id,
  async handle({ bus, principal, params, body, command }) {
    const settlement = {
      to: body.status,
      reference: body.external_settlement_reference ?? null,
      note: body.note ?? null,
      operatorReference: body.operator_reference ?? null,
    }
    const handled = await settlePayout(bus, selectorOf(principal, params), settlement, command)
    return { status: 200, body: { statement: viewOf(payoutIn(handled, params.payout_request_id)) }, handled }
  },
})
