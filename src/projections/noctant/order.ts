/** Every order that the engine has seen, with what became of it. */
import { sql } from 'kysely'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { numeric, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { type AttemptsPage, listOfAttempts } from './attempts.ts'
import { noctantTables } from './tables.ts'

type Placed = Extract<EngineEvent, { type: 'noctant.EngineOrderPlaced.v1' }>['data']

export type OrderStatus = 'working' | 'partially_filled' | 'filled' | 'cancelled' | 'expired' | 'rejected'

export const orders = defineTable({
  name: 'noctant_orders',
  key: ['order_id'],
  columns: {
    order_id: uuid,
    account_id: uuid,
    symbol: text,
    side: text.of<Placed['side']>(),
    order_type: text.of<Placed['orderType']>(),
    quantity: numeric,
    limit_price: numeric.orNull,
    stop_price: numeric.orNull,
    take_profit: numeric.orNull,
    stop_loss: numeric.orNull,
    time_in_force: text.of<Placed['timeInForce']>(),
    source: text.of<Placed['source']>(),
    status: text.of<OrderStatus>(),
    filled_quantity: numeric,
    /** What has not been filled, also of an order that no longer works. */
    remaining_quantity: numeric,
    average_fill_price: numeric.orNull,
    created_at: time,
    updated_at: time,
  },
  indexes: ['(account_id, created_at DESC, order_id DESC)', '(account_id, status, created_at DESC, order_id DESC)'],
})

/** What the contract's AccountOrderView shows. */
export type OrderView = RowOf<typeof orders> & { org_id: string; program_account_attempt_id: string }

export const orderProjection = defineProjection<EngineEvent>({
  name: 'noctant.order',
  version: 1,
  onPoison: 'park',
  tables: [orders],
  handlers: {
    'noctant.EngineOrderPlaced.v1': ({ data }) => [upsert(orders, { ...newOrder(data), status: 'working' })],
    'noctant.EngineOrderRejected.v1': ({ data }) => [upsert(orders, { ...newOrder(data), status: 'rejected' })],
    'noctant.EngineOrderFilled.v1': ({ data }) => [
      patch(orders, snake(data, 'orderId'), {
        ...snake(data, 'status', 'filledQuantity', 'remainingQuantity', 'averageFillPrice'),
        updated_at: data.occurredAt,
      }),
    ],
    'noctant.EngineOrderCancelled.v1': ({ data }) => [
      patch(orders, snake(data, 'orderId'), {
        ...snake(data, 'status', 'filledQuantity', 'remainingQuantity'),
        updated_at: data.occurredAt,
      }),
    ],
  },
})

const newOrder = (data: Placed) => ({
  ...snake(data),
  filled_quantity: '0',
  remaining_quantity: data.quantity,
  average_fill_price: null,
  created_at: data.occurredAt,
  updated_at: data.occurredAt,
})

export interface OrderPage extends AttemptsPage<'created_at' | 'order_id'> {
  status?: string | undefined
}

/** Newest first. */
export function listOrders(db: ReadModels, page: OrderPage): Promise<OrderView[]> {
  const { status } = page
  const ofAttempt = noctantTables(db)
    .selectFrom('noctant_orders')
    .selectAll()
    .whereRef('noctant_orders.account_id', '=', sql.ref('attempt.account_id'))
    .$if(status !== undefined, (query) => query.where('status', '=', status as OrderStatus))
  return listOfAttempts(db, ofAttempt, ['created_at', 'order_id'], page)
}
