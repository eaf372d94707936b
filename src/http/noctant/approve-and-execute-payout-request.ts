/** POST …/payout-requests/{payout_request_id}/approve-and-execute: grants a payout and has the engine debit the account. */
import { createRoute } from '@hono/zod-openapi'
import { operation } from '../operation.ts'
import { approvalRoute, approve } from './payout-approval.ts'
import type { NoctantDeps } from './route.ts'

const route = createRoute({
  ...approvalRoute,
  path: '/v1/users/{global_user_id}/payout-requests/{payout_request_id}/approve-and-execute',
  operationId: 'approveAndExecutePayoutRequest',
  summary: 'Approve a payout request and debit the account',
  description: 'A request that was approved before is executed, once; the statement tells what the engine made of it.',
})

export const approveAndExecutePayoutRequest = operation(
  route,
  (deps: NoctantDeps) => async (c) =>
    c.json(await approve(c, deps, c.req.valid('param'), c.req.valid('json'), true), 200),
)
