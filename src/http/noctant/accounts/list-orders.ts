/** GET /v1/accounts/by-external-id/orders: the account's orders, newest first, a page at a time. */
import { z } from '@hono/zod-openapi'
import { listOrders, type OrderStatus } from '../../../projections/noctant/order.ts'
import { decimalOut, nullableDecimalOut, nullableUuidOut, timeOut, uuidOut } from '../../schemas.ts'
import { operatorKey } from '../access.ts'
import { executionList, idColumn, timeColumn } from '../pages.ts'

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
  .refine((text) => Object.hasOwn(statuses, text), `must be one of ${Object.keys(statuses).join(', ')}`)

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

export const listOrdersByExternalId = executionList({
  path: '/v1/accounts/by-external-id/orders',
  id: 'listOrdersByExternalId',
  tags: ['Accounts'],
  summary: 'The account’s orders, newest first',
  description: 'Answers the orders of the current attempt, or of those that the scope names, a page at a time.',
  access: operatorKey('orders:read'),
  answer: 'AccountOrdersResponse',
  cursor: 'AccountOrderListCursor',
  items: 'orders',
  view,
  by: { created_at: timeColumn, order_id: idColumn },
  says: 'A page of orders.',
  filters: { status: status.optional() },
  rows: (db, { query, ...of }, page) => listOrders(db, { ...of, status: query.status, ...page }),
  show: (order) => order,
})
