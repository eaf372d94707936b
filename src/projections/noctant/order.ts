/** Every order that the engine has seen, with what became of it. */
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, patch, upsert } from '../projection.ts'
import { noctantTables } from './tables.ts'

type Placed = Extract<EngineEvent, { type: 'noctant.EngineOrderPlaced.v1' }>['data']

export type OrderStatus = 'working' | 'partially_filled' | 'filled' | 'cancelled' | 'expired' | 'rejected'

export type OrderRow = {
  order_id: string
  account_id: string
  symbol: string
  side: Placed['side']
  order_type: Placed['orderType']
  /** Decimals as text. */
  quantity: string
  limit_price: string | null
  stop_price: string | null
  take_profit: string | null
  stop_loss: string | null
  time_in_force: Placed['timeInForce']
  source: Placed['source']
  status: OrderStatus
  filled_quantity: string
  /** What has not been filled, also of an order that no longer works. */
  remaining_quantity: string
  average_fill_price: string | null
  created_at: string
  updated_at: string
}

/** What the contract's AccountOrderView shows. */
export type OrderView = OrderRow & { org_id: string; program_account_attempt_id: string }

export const orders = defineTable<OrderRow, 'order_id'>({
  name: 'noctant_orders',
  key: ['order_id'],
  columns: {
    order_id: 'uuid NOT NULL',
    account_id: 'uuid NOT NULL',
    symbol: 'text NOT NULL',
    side: 'text NOT NULL',
    order_type: 'text NOT NULL',
    quantity: 'numeric NOT NULL',
    limit_price: 'numeric',
    stop_price: 'numeric',
    take_profit: 'numeric',
    stop_loss: 'numeric',
    time_in_force: 'text NOT NULL',
    source: 'text NOT NULL',
    status: 'text NOT NULL',
    filled_quantity: 'numeric NOT NULL',
    remaining_quantity: 'numeric NOT NULL',
    average_fill_price: 'numeric',
    created_at: 'timestamptz(3) NOT NULL',
    updated_at: 'timestamptz(3) NOT NULL',
  },
  indexes: ['(account_id, created_at DESC, order_id DESC)', '(account_id, status, created_at DESC, order_id DESC)'],
})

export const orderProjection = defineProjection<EngineEvent>({
  name: 'noctant.order',
  version: 1,
  onPoison: 'park',
  tables: [orders],
  handlers: {
    'noctant.EngineOrderPlaced.v1': ({ data }) => [upsert(orders, newOrder(data, 'working'))],
    'noctant.EngineOrderRejected.v1': ({ data }) => [upsert(orders, newOrder(data, 'rejected'))],
    'noctant.EngineOrderFilled.v1': ({ data }) => [
      patch(
        orders,
        { order_id: data.orderId },
        {
          status: data.status,
          filled_quantity: data.filledQuantity,
          remaining_quantity: data.remainingQuantity,
          average_fill_price: data.averageFillPrice,
          updated_at: data.occurredAt,
        },
      ),
    ],
    'noctant.EngineOrderCancelled.v1': ({ data }) => [
      patch(
        orders,
        { order_id: data.orderId },
        {
          status: data.status,
          filled_quantity: data.filledQuantity,
          remaining_quantity: data.remainingQuantity,
          updated_at: data.occurredAt,
        },
      ),
    ],
  },
})

const newOrder = (data: Placed, status: 'working' | 'rejected'): OrderRow => ({
  order_id: data.orderId,
  account_id: data.accountId,
  symbol: data.symbol,
  side: data.side,
  order_type: data.orderType,
  quantity: data.quantity,
  limit_price: data.limitPrice,
  stop_price: data.stopPrice,
  take_profit: data.takeProfit,
  stop_loss: data.stopLoss,
  time_in_force: data.timeInForce,
  source: data.source,
  status,
  filled_quantity: '0',
  remaining_quantity: data.quantity,
  average_fill_price: null,
  created_at: data.occurredAt,
  updated_at: data.occurredAt,
})

export interface OrderPage {
  programAccountId: string
  /** One attempt, e.g. the account's current one; undefined: all of them. */
  attemptId?: string | undefined
  status?: string | undefined
  /** The last order of the page before. */
  before?: { createdAt: string; orderId: string } | undefined
  limit: number
}

/** Newest first, in an order that inserts do not disturb. Each attempt's page comes from an index, however many there are. */
export function listOrders(db: ReadModels, page: OrderPage): Promise<OrderView[]> {
  const { programAccountId, attemptId, status, before, limit } = page
  return noctantTables(db)
    .selectFrom('noctant_attempts as attempt')
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('noctant_orders')
          .selectAll()
          .whereRef('noctant_orders.account_id', '=', 'attempt.account_id')
          .$if(status !== undefined, (query) => query.where('status', '=', status as OrderStatus))
          .$if(before !== undefined, (query) =>
            query.where(({ eb, refTuple, tuple }) =>
              eb(refTuple('created_at', 'order_id'), '<', tuple(before!.createdAt, before!.orderId)),
            ),
          )
          .orderBy('created_at', 'desc')
          .orderBy('order_id', 'desc')
          .limit(limit)
          .as('found'),
      (join) => join.onTrue(),
    )
    .selectAll('found')
    .select(['attempt.org_id', 'attempt.attempt_id as program_account_attempt_id'])
    .where('attempt.program_account_id', '=', programAccountId)
    .$if(attemptId !== undefined, (query) => query.where('attempt.attempt_id', '=', attemptId!))
    .orderBy('found.created_at', 'desc')
    .orderBy('found.order_id', 'desc')
    .limit(limit)
    .execute()
}
