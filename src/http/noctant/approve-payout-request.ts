/** POST …/payout-requests/{payout_request_id}/approve: grants a payout and reserves it, without debiting the account. */
import { createRoute } from '@hono/zod-openapi'
import { operation } from '../operation.ts'
import { approvalRoute, approve } from './payout-approval.ts'
import type { NoctantDeps } from './route.ts'

const route = createRoute({
  ...approvalRoute,
  path: '/v1/users/{global_user_id}/payout-requests/{payout_request_id}/approve',
  operationId: 'approvePayoutRequest',
  summary: 'Approve a payout request',
})

export const approvePayoutRequest = operation(
  route,
  (deps: NoctantDeps) => async (c) =>
    c.json(await approve(c, deps, c.req.valid('param'), c.req.valid('json'), false), 200),
)
