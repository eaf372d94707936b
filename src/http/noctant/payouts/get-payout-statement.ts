/** GET /v1/users/{global_user_id}/payout-statements/{payout_request_id}: one request and all that came of it. */
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { findStatement } from '../../../projections/noctant/payout-statement.ts'
import { json } from '../../answers.ts'
import { operatorKey, read } from '../access.ts'
import { payoutRequestPath, statementAnswer, statementView } from './payout-view.ts'

export const getPayoutStatement = read({
  path: '/v1/users/{global_user_id}/payout-statements/{payout_request_id}',
  id: 'getPayoutStatement',
  tags: ['Payouts'],
  summary: 'A payout request',
  description: 'Answers a payout request with its decision, the debit and the payment outside.',
  access: operatorKey('payouts:read'),
  params: payoutRequestPath,
  answer: json(statementAnswer, 'The request, as far as it has come.'),
  refuses: ['payout_request_not_found'],
  async handle({ db, principal, params: { global_user_id: userId, payout_request_id: payoutRequestId } }) {
    const found = await findStatement(db, principal.operatorId, userId, payoutRequestId)
    if (!found) throw new Rejected('payout_request_not_found', 'The user has no payout request of this id.')
    return { statement: statementView(found) }
  },
})
