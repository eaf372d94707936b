/** What the two ways of approving a payout request have in common: the same body, and the same command but for one word. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { approvePayout, payoutIn } from '../../commands/noctant/payout-requests.ts'
import { waitForReadModels } from '../consistency.ts'
import type { AppEnv } from '../environment.ts'
import { plainCommand } from '../idempotency.ts'
import { json, problemResponses } from '../operation.ts'
import { payoutRequestPath, statementAnswer, statementOf } from './payout-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { requestIdHeader } from './schemas.ts'

const approval = z
  .object({ note: z.string().max(500).nullish(), operator_reference: z.string().max(255).nullish() })
  .openapi('ApprovePayoutRequestRequest')

export const approvalRoute = {
  method: 'post' as const,
  tags: ['Payouts'],
  ...forOperator('payout_requests:approve'),
  request: {
    headers: requestIdHeader,
    params: payoutRequestPath,
    body: { required: true, content: { 'application/json': { schema: approval } } },
  },
  responses: { 200: json(statementAnswer, 'The request as it is now.'), ...problemResponses },
}

/** Approves, and with `execute` has the account debited; answers with the statement. */
export async function approve(
  c: Context<AppEnv>,
  { bus, clock, ...consistency }: NoctantDeps,
  { global_user_id: globalUserId, payout_request_id: payoutRequestId }: z.output<typeof payoutRequestPath>,
  body: z.output<typeof approval>,
  execute: boolean,
) {
  const selector = { operatorId: c.get('principal').operatorId, globalUserId, payoutRequestId }
  const review = { execute, note: body.note ?? null, operatorReference: body.operator_reference ?? null }
  const context = plainCommand(c, { at: clock().toISOString(), correlationId: payoutRequestId })
  const handled = await approvePayout(bus, selector, review, context)
  await waitForReadModels(c, handled.position, consistency)
  return { statement: statementOf(payoutIn(handled, payoutRequestId)) }
}
