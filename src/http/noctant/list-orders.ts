/** GET /v1/accounts/by-external-id/orders: the account's orders, newest first, a page at a time. */
import { createRoute, z } from '@hono/zod-openapi'
import { listOrders, type OrderStatus } from '../../projections/noctant/order.ts'
import { json, operation, problemResponses } from '../operation.ts'
import {
  decimalOut,
  LIMIT_DEFAULT,
  limit,
  nullableDecimalOut,
  nullableUuidOut,
  timeOut,
  uuid,
  uuidOut,
} from '../schemas.ts'
import { accountOf, attemptOf, cursorOf, pageOf } from './reading.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { count, cursorHalf, executionScope, externalAccountQuery } from './schemas.ts'

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

const cursor = z.object({ before_created_at: timeOut, before_order_id: uuidOut }).openapi('AccountOrderListCursor')

const answer = z
  .object({ orders: z.array(view), count, next_cursor: z.union([cursor, z.null()]).optional() })
  .openapi('AccountOrdersResponse')

const route = createRoute({
  method: 'get',
  path: '/v1/accounts/by-external-id/orders',
  operationId: 'listOrdersByExternalId',
  tags: ['Accounts'],
  summary: 'The account’s orders, newest first',
  ...forOperator('orders:read'),
  request: {
    query: externalAccountQuery.extend({
      execution_scope: executionScope.optional(),
      attempt_id: uuid.optional(),
      status: status.optional(),
      limit,
      before_created_at: cursorHalf.time,
      before_order_id: cursorHalf.id,
    }),
  },
  responses: { 200: json(answer, 'A page of orders.'), ...problemResponses },
})

export const listOrdersByExternalId = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const query = c.req.valid('query')
  const size = query.limit ?? LIMIT_DEFAULT
  const after = cursorOf(
    { name: 'before_created_at', value: query.before_created_at },
    { name: 'before_order_id', value: query.before_order_id },
  )
  const before = after && { createdAt: after.time, orderId: after.id }
  const account = await accountOf(c, db, query.external_account_id)
  const attemptId = await attemptOf(db, account, query)
  const programAccountId = account.program_account_id
  const rows = await listOrders(db, { programAccountId, attemptId, status: query.status, before, limit: size + 1 })
  const { page, last } = pageOf(rows, size)
  const next = last && { before_created_at: last.created_at, before_order_id: last.order_id }
  return c.json({ orders: page, count: page.length, next_cursor: next ?? null }, 200)
})
