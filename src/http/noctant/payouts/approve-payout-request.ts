/** POST …/payout-requests/{payout_request_id}/approve: grants a payout and reserves it, without debiting the account. */
import { write } from '../access.ts'
import { approval, approve } from './payout-approval.ts'

export const approvePayoutRequest = write({
  ...approval,
  path: '/v1/users/{global_user_id}/payout-requests/{payout_request_id}/approve',
  id: 'approvePayoutRequest',
  summary: 'Approve a payout request',
  description: 'Grants the amount and reserves it. The account is debited by approve-and-execute.',
  example: { operator_reference: 'CASE-12' },
  handle: (request) => approve(request, false),
})
