/** POST /api/approval-requests/{id}/approve and …/reject: the one decision on a request. */
import { z } from '@hono/zod-openapi'
import { approval } from '../../../commands/rungate/approval.ts'
import { json } from '../../answers.ts'
import { optionalBody } from '../../body.ts'
import { boundedText } from '../../schemas.ts'
import { dashboard, write } from '../access.ts'
import { dataOf, idParams } from '../schemas.ts'
import { approvalResponse, approvalRowOf, approvalView } from './approval-view.ts'

const REASON_LENGTH_MAX = 1_000

const deciding = {
  tags: ['Approvals'],
  access: dashboard('write'),
  params: idParams,
  answers: { 200: json(dataOf(approvalResponse), 'The request, as it was decided.') },
  refuses: ['approval_not_found', 'approval_decided'] as const,
}

export const approveApprovalRequest = write({
  ...deciding,
  path: '/api/approval-requests/{id}/approve',
  id: 'approveApprovalRequest',
  summary: 'Approve a request',
  description: 'Lets the call through when the agent sends it again. Who comes second is told that it is decided.',
  async handle({ principal: { accountId, author }, params: { id }, command, ...parts }) {
    const wanted = { kind: 'approve', accountId, author, at: command.at } as const
    const handled = await parts.bus.handle(approval, id, wanted, command)
    return { status: 200, body: { data: await approvalView(parts, approvalRowOf(handled.state)) }, handled }
  },
})

export const rejectApprovalRequest = write({
  ...deciding,
  path: '/api/approval-requests/{id}/reject',
  id: 'rejectApprovalRequest',
  summary: 'Reject a request',
  description: 'Refuses the call for good, with a reason if you like.',
  body: optionalBody(z.object({ reason: boundedText(REASON_LENGTH_MAX).optional() })),
  async handle({ principal: { accountId, author }, params: { id }, body, command, ...parts }) {
    const reason = body?.reason ?? null
    const wanted = { kind: 'reject', reason, accountId, author, at: command.at } as const
    const handled = await parts.bus.handle(approval, id, wanted, command)
    return { status: 200, body: { data: await approvalView(parts, approvalRowOf(handled.state)) }, handled }
  },
})
