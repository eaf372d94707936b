/** GET /api/approval-requests and /api/approval-requests/{id}: what waits for a decision, and what was decided. */
import { z } from '@hono/zod-openapi'
import { approvalNotFound } from '../../../commands/rungate/approval.ts'
import { approvalsOf, findApproval } from '../../../projections/rungate/approval.ts'
import { listed } from '../../../projections/rungate/tables.ts'
import { json } from '../../answers.ts'
import { dashboard, read } from '../access.ts'
import { anyId, idOf } from '../runs/inputs.ts'
import { accountShown } from '../runs/up-to-date.ts'
import { dataOf, idParams, listOfData } from '../schemas.ts'
import { approvalResponse, approvalView } from './approval-view.ts'

export const listApprovalRequests = read({
  path: '/api/approval-requests',
  id: 'listApprovalRequests',
  tags: ['Approvals'],
  summary: 'Requests for approval',
  description: 'Answers with the requests of tools that need an approval, newest first.',
  access: dashboard('read'),
  query: z.object({
    ...{ agent_id: anyId, run_id: anyId },
    status: z.enum(['pending', 'approved', 'rejected', 'expired']).optional(),
  }),
  answer: json(listOfData(approvalResponse), 'The requests.'),
  async handle({ principal: { accountId }, query: { agent_id, run_id, status }, ...parts }) {
    await accountShown(parts, accountId)
    const [agentId, runId] = [agent_id, run_id].map((id) => (id === undefined ? undefined : idOf(id)))
    if ((agent_id !== undefined && !agentId) || (run_id !== undefined && !runId)) return { data: [], total: 0 }
    const now = parts.clock().toISOString()
    const { rows, total } = await listed(parts.db, approvalsOf, { accountId, agentId, runId, status, now })
    return { data: await Promise.all(rows.map((row) => approvalView(parts, row))), total }
  },
})

export const getApprovalRequest = read({
  path: '/api/approval-requests/{id}',
  id: 'getApprovalRequest',
  tags: ['Approvals'],
  summary: 'A request for approval',
  description: 'Answers with one request, and with the call that waits for it.',
  access: dashboard('read'),
  params: idParams,
  answer: json(dataOf(approvalResponse), 'The request.'),
  refuses: ['approval_not_found'],
  async handle({ principal: { accountId }, params: { id }, ...parts }) {
    await accountShown(parts, accountId)
    const found = await findApproval(parts.db, accountId, id)
    if (!found) throw approvalNotFound()
    return { data: await approvalView(parts, found) }
  },
})
