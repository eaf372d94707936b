/** GET /v1/users/{global_user_id}/payout-statements: a user's payout requests, newest first, a page at a time. */
import { listStatements } from '../../../projections/noctant/payout-statement.ts'
import { operatorKey } from '../access.ts'
import { idColumn, timeColumn, userList } from '../pages.ts'
import { statementSchema, statementView } from './payout-view.ts'

export const listPayoutStatements = userList({
  path: '/v1/users/{global_user_id}/payout-statements',
  id: 'listPayoutStatements',
  tags: ['Payouts'],
  summary: 'A user’s payout requests, newest first',
  description: 'Answers the user’s payout requests with their decisions and payments, a page at a time.',
  access: operatorKey('payouts:read'),
  answer: 'PayoutStatementsListResponse',
  cursor: 'PayoutStatementListCursor',
  items: 'statements',
  view: statementSchema,
  by: { requested_at: timeColumn, payout_request_id: idColumn },
  says: 'A page of payout requests.',
  rows: listStatements,
  show: statementView,
})
