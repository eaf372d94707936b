/** POST …/payout-requests/{payout_request_id}/reject: turns a payout down. */
import { z } from '@hono/zod-openapi'
import { payoutIn, rejectPayout } from '../../../commands/noctant/payout-requests.ts'
import { json } from '../../answers.ts'
import { text } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { requestIdHeader } from '../schemas.ts'
import { payoutRequestPath, selectorOf, statementAnswer, viewOf } from './payout-view.ts'

const request = z
  .object({ reason: text(500, 1), operator_reference: text(255).nullish() })
  .openapi('RejectPayoutRequestRequest')

export const rejectPayoutRequest = write({
  path: '/v1/users/{global_user_id}/payout-requests/{payout_request_id}/reject',
  id: 'rejectPayoutRequest',
  isIdempotent: true,
  tags: ['Payouts'],
  summary: 'Reject a payout request',
  description: `Turns down what waits for a decision, and takes back an approval as long as the amount is only reserved and the
payment outside is not tracked.`,
  access: operatorKey('payout_requests:reject'),
  headers: requestIdHeader,
  params: payoutRequestPath,
  body: request,
  answers: {
    200: json(
      statementAnswer,
      'The request as it is now. The same decision in the same words again is answered the same way.',
    ),
  },
  refuses: ['payout_request_not_found', 'payout_state_conflict', 'user_forgotten', 'user_not_found'],
  correlation: ({ params }) => params.payout_request_id,
  async handle({ bus, principal, params, body, command }) {
    const review = { reason: body.reason, operatorReference: body.operator_reference ?? null }
    const handled = await rejectPayout(bus, selectorOf(principal, params), review, command)
    return { status: 200, body: { statement: viewOf(payoutIn(handled, params.payout_request_id)) }, handled }
  },
})
