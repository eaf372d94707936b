/** GET /v1/users/{global_user_id}/payouts: what was paid out of a user's accounts, newest first, a page at a time. */
import { z } from '@hono/zod-openapi'
import { listPayouts as rows } from '../../../projections/noctant/payout.ts'
import { decimalOut, nullableUuidOut, timeOut, uuidOut } from '../../schemas.ts'
import { operatorKey } from '../access.ts'
import { idColumn, timeColumn, userList } from '../pages.ts'

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

export const listPayouts = userList({
  path: '/v1/users/{global_user_id}/payouts',
  id: 'listPayouts',
  tags: ['Payouts'],
  summary: 'A user’s payouts, newest first',
  description: 'Answers what was paid out to the user, a page at a time.',
  access: operatorKey('payouts:read'),
  answer: 'PayoutsListResponse',
  cursor: 'PayoutListCursor',
  items: 'payouts',
  view,
  by: { occurred_at: timeColumn, event_id: idColumn },
  says: 'A page of payouts.',
  rows,
  show: (payout) => payout,
})
