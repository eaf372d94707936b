/** GET /v1/users/{global_user_id}/payout-statements: a user's payout requests, newest first, a page at a time. */
import { z } from '@hono/zod-openapi'
import { listStatements } from '../../../projections/noctant/payout-statement.ts'
import { json } from '../../answers.ts'
import { uuid } from '../../schemas.ts'
import { list, operatorKey } from '../access.ts'
import { idColumn, pages, timeColumn } from '../pages.ts'
import { requireUser } from '../reading.ts'
import { statementSchema, statementView } from './payout-view.ts'

const { schema, paging, body } = pages({
  answer: 'PayoutStatementsListResponse',
  cursor: 'PayoutStatementListCursor',
  items: 'statements',
  view: statementSchema,
  by: { requested_at: timeColumn, payout_request_id: idColumn },
})

export const listPayoutStatements = list({
  path: '/v1/users/{global_user_id}/payout-statements',
  id: 'listPayoutStatements',
  tags: ['Payouts'],
  summary: 'A user’s payout requests, newest first',
  access: operatorKey('payouts:read'),
  params: z.object({ global_user_id: uuid }),
  answer: json(schema, 'A page of payout requests.'),
  refuses: ['user_not_found'],
  paging,
  async rows({ db, principal: { operatorId }, params: { global_user_id: userId }, after: before, limit }) {
    await requireUser(db, operatorId, userId)
    return { rows: await listStatements(db, { operatorId, userId }, { before, limit }) }
  },
  page: (page) => body(page.rows.map(statementView), page),
})
