/** GET /v1/users/{global_user_id}/payouts: what was paid out of a user's accounts, newest first, a page at a time. */
import { z } from '@hono/zod-openapi'
import { listPayouts as query } from '../../../projections/noctant/payout.ts'
import { json } from '../../answers.ts'
import { decimalOut, nullableUuidOut, timeOut, uuid, uuidOut } from '../../schemas.ts'
import { list, operatorKey } from '../access.ts'
import { idColumn, pages, timeColumn } from '../pages.ts'
import { requireUser } from '../reading.ts'

const view = z
  .object({
    event_id: uuidOut,
    amount: decimalOut.openapi({ description: 'The trader’s part; the account was debited by the whole.' }),
    currency: z.string(),
    occurred_at: timeOut,
    instance_id: nullableUuidOut.optional(),
    chain_id: nullableUuidOut.optional(),
    source_event_id: nullableUuidOut.optional(),
    correlation_id: z.string().nullable().optional(),
    description: z.string().nullable().optional(),
  })
  .openapi('PayoutRecord')

const { schema, paging, body } = pages({
  answer: 'PayoutsListResponse',
  cursor: 'PayoutListCursor',
  items: 'payouts',
  view,
  by: { occurred_at: timeColumn, event_id: idColumn },
})

export const listPayouts = list({
  path: '/v1/users/{global_user_id}/payouts',
  id: 'listPayouts',
  tags: ['Payouts'],
  summary: 'A user’s payouts, newest first',
  access: operatorKey('payouts:read'),
  params: z.object({ global_user_id: uuid }),
  answer: json(schema, 'A page of payouts.'),
  refuses: ['user_not_found'],
  paging,
  async rows({ db, principal: { operatorId }, params: { global_user_id: userId }, after: before, limit }) {
    await requireUser(db, operatorId, userId)
    return { rows: await query(db, { operatorId, userId }, { before, limit }) }
  },
  page: (page) => body(page.rows, page),
})
