/** POST …/payout-requests/{payout_request_id}/approve-and-execute: grants a payout and has the engine debit the account. */
import { write } from '../access.ts'
import { approval, approve } from './payout-approval.ts'

export const approveAndExecutePayoutRequest = write({
  ...approval,
  path: '/v1/users/{global_user_id}/payout-requests/{payout_request_id}/approve-and-execute',
  id: 'approveAndExecutePayoutRequest',
  summary: 'Approve a payout request and debit the account',
  example: { operator_reference: 'CASE-12' },
  description: 'A request that was approved before is executed, once; the statement tells what the engine made of it.',
  handle: (request) => approve(request, true),
})
