/** What the two ways of approving a payout request have in common: the same body, and the same command but for one word. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import { approvePayout, payoutIn } from '../../../commands/noctant/payout-requests.ts'
import { json } from '../../answers.ts'
import { text } from '../../schemas.ts'
import { type NoctantParts, type Operator, operatorKey } from '../access.ts'
import { requestIdHeader } from '../schemas.ts'
import { payoutRequestPath, selectorOf, statementAnswer, viewOf } from './payout-view.ts'

const request = z
  .object({ note: text(500).nullish(), operator_reference: text(255).nullish() })
  .openapi('ApprovePayoutRequestRequest')

/** What both operations say of themselves. */
export const approval = {
  isIdempotent: true,
  tags: ['Payouts'],
  access: operatorKey('payout_requests:approve'),
  headers: requestIdHeader,
  params: payoutRequestPath,
  body: request,
  answers: {
    200: json(
      statementAnswer,
      'The request as it is now. The same decision in the same words again is answered the same way.',
    ),
  },
  refuses: [
    'account_closed',
    'account_not_found',
    'payout_not_eligible',
    'payout_request_not_found',
    'payout_state_conflict',
    'user_forgotten',
    'user_not_found',
  ],
  correlation: ({ params }: Pick<Asked, 'params'>) => params.payout_request_id,
} as const

interface Asked extends Pick<NoctantParts, 'bus'> {
  principal: Operator
  params: z.output<typeof payoutRequestPath>
  body: z.output<typeof request>
  command: CommandContext
}

/** Approves, and with `execute` has the account debited; answers with the statement. */
export async function approve({ bus, principal, params, body, command }: Asked, execute: boolean) {
  const review = { execute, note: body.note ?? null, operatorReference: body.operator_reference ?? null }
  const handled = await approvePayout(bus, selectorOf(principal, params), review, command)
  return {
    status: 200 as const,
    body: { statement: viewOf(payoutIn(handled, params.payout_request_id)) },
    handled,
  }
}
