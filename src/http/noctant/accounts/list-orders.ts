/** GET /v1/accounts/by-external-id/orders: the account's orders, newest first, a page at a time. */
import { z } from '@hono/zod-openapi'
import { listOrders, type OrderStatus } from '../../../projections/noctant/order.ts'
import { json } from '../../answers.ts'
import { decimalOut, nullableDecimalOut, nullableUuidOut, timeOut, uuid, uuidOut } from '../../schemas.ts'
import { list, operatorKey } from '../access.ts'
import { idColumn, pages, timeColumn } from '../pages.ts'
import { accountOf, attemptOf } from '../reading.ts'
import { executionScope, externalAccountQuery } from '../schemas.ts'

/** Every status an order may have: the compiler misses none. */
const statuses: Readonly<Record<OrderStatus, true>> = {
  working: true,
  partially_filled: true,
  filled: true,
  cancelled: true,
  expired: true,
  rejected: true,
}
const status = z
  .string()
  .refine((text) => Object.hasOwn(statuses, text), `is to be one of ${Object.keys(statuses).join(', ')}`)

const view = z
  .object({
    order_id: uuidOut,
    account_id: uuidOut,
    org_id: uuidOut,
    program_account_attempt_id: nullableUuidOut.optional(),
    symbol: z.string(),
    side: z.string(),
    order_type: z.string(),
    quantity: decimalOut,
    limit_price: nullableDecimalOut.optional(),
    stop_price: nullableDecimalOut.optional(),
    take_profit: nullableDecimalOut.optional(),
    stop_loss: nullableDecimalOut.optional(),
    time_in_force: z.string(),
    source: z.string(),
    status: z.string(),
    filled_quantity: decimalOut,
    remaining_quantity: decimalOut,
    average_fill_price: nullableDecimalOut.optional(),
    created_at: timeOut,
    updated_at: timeOut,
  })
  .openapi('AccountOrderView')

const { schema, paging, body } = pages({
  answer: 'AccountOrdersResponse',
  cursor: 'AccountOrderListCursor',
  items: 'orders',
  view,
  by: { created_at: timeColumn, order_id: idColumn },
})

export const listOrdersByExternalId = list({
  path: '/v1/accounts/by-external-id/orders',
  id: 'listOrdersByExternalId',
  tags: ['Accounts'],
  summary: 'The account’s orders, newest first',
  access: operatorKey('orders:read'),
  query: externalAccountQuery.extend({
    execution_scope: executionScope.optional(),
    attempt_id: uuid.optional(),
    status: status.optional(),
  }),
  answer: json(schema, 'A page of orders.'),
  refuses: ['account_not_found', 'attempt_not_found'],
  paging,
  async rows({ db, principal, query, after: before, limit }) {
    const account = await accountOf(db, principal, query.external_account_id)
    const attemptId = await attemptOf(db, account, query)
    const { program_account_id: programAccountId } = account
    return { rows: await listOrders(db, { programAccountId, attemptId, status: query.status, before, limit }) }
  },
  page: (page) => body(page.rows, page),
})
