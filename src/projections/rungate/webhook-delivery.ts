/** Deliveries to webhooks, with what became of them. Those that have not ended wait here for their next attempt. */
import { sql } from 'kysely'
import type { CleanupEvent } from '../../events/rungate/cleanup.ts'
import type { WebhookDeliveryEvent, WebhookEventType } from '../../events/rungate/webhook.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import type { DeliveryQueue } from '../../webhooks/tables.ts'
import { bigint, integer, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, remove, upsert } from '../projection.ts'
import { rungateTables } from './tables.ts'
import { webhooks } from './webhook.ts'

export const webhookDeliveries = defineTable({
  name: 'rungate_webhook_deliveries',
  key: ['delivery_id'],
  columns: {
    delivery_id: uuid,
    account_id: uuid,
    webhook_id: uuid,
    event_id: uuid,
    event_type: text.of<WebhookEventType>(),
    body: text,
    status: text.of<'pending' | 'success' | 'failed'>(),
    attempts: integer,
    attempts_max: integer,
    response_status: integer.orNull,
    response_excerpt: text.orNull,
    /** Of the next attempt; null: none follows. */
    due_at: time.orNull,
    /** Deliveries of a run go in the order of what they tell; null: it is about none. */
    run_id: uuid.orNull,
    source_position: bigint,
    created_at: time,
    completed_at: time.orNull,
  },
  indexes: [
    '(webhook_id, created_at DESC, delivery_id DESC)',
    '(webhook_id, due_at) WHERE due_at IS NOT NULL',
    '(webhook_id, run_id, source_position) WHERE due_at IS NOT NULL AND run_id IS NOT NULL',
    '(completed_at) WHERE completed_at IS NOT NULL',
  ],
})
export type WebhookDeliveryRow = RowOf<typeof webhookDeliveries>

export const webhookDeliveryProjection = defineProjection<WebhookDeliveryEvent | CleanupEvent>({
  name: 'rungate.webhookDelivery',
  version: 2,
  onPoison: 'park',
  tables: [webhookDeliveries],
  handlers: {
    'rungate.DeliveryRequested.v1': ({ data }) => {
      const { occurred_at: created_at, is_trial: _, ...facts } = snake(data)
      const unheard = { response_status: null, response_excerpt: null, completed_at: null }
      const waiting = { status: 'pending', attempts: 0, due_at: created_at } as const
      return [upsert(webhookDeliveries, { ...facts, ...waiting, ...unheard, created_at })]
    },
    'rungate.AttemptStarted.v1': ({ data }) => [
      patch(webhookDeliveries, snake(data, 'deliveryId'), { attempts: data.attempt }),
    ],
    'rungate.AttemptFinished.v1': ({ data }) => [
      patch(webhookDeliveries, snake(data, 'deliveryId'), {
        ...snake(data, 'responseStatus', 'responseExcerpt'),
        due_at: data.nextAttemptAt,
        ...(data.status === 'delivered' && { status: 'success' as const, completed_at: data.occurredAt }),
      }),
    ],
    'rungate.DeliveryGivenUp.v1': ({ data }) => [
      patch(webhookDeliveries, snake(data, 'deliveryId'), {
        ...{ status: 'failed', due_at: null, completed_at: data.occurredAt },
      }),
    ],
    'rungate.DeliveriesDeleted.v1': ({ data: { deliveryIds } }) =>
      deliveryIds.map((delivery_id) => remove(webhookDeliveries, { delivery_id })),
  },
})

/** No delivery of the same run waits that tells of something earlier. */
const isTurn = sql<boolean>`(run_id IS NULL OR NOT EXISTS (
  SELECT FROM rungate_webhook_deliveries AS earlier
  WHERE earlier.webhook_id = rungate_webhook_deliveries.webhook_id AND earlier.due_at IS NOT NULL
    AND earlier.run_id = rungate_webhook_deliveries.run_id
    AND earlier.source_position < rungate_webhook_deliveries.source_position))`

/** Deliveries that wait for an attempt; those of a webhook that takes none are given up at once, whenever they were due. */
export const webhookQueue: DeliveryQueue = {
  ...{ table: webhookDeliveries.name, id: 'delivery_id', endpoint: 'webhook_id' },
  anyOf: sql<boolean>`NOT EXISTS (
    SELECT FROM ${sql.table(webhooks.name)} there WHERE there.webhook_id = endpoints.key AND there.status = 'active')`,
  isTurn,
}

/** Whether a delivery is shown here, and whether it is its turn. */
export async function turnOf(db: ReadModels, deliveryId: string): Promise<'unknown' | 'waits' | 'first'> {
  const { rows } = await sql<{ is_first: boolean }>`SELECT ${isTurn} AS is_first
    FROM rungate_webhook_deliveries WHERE delivery_id = ${deliveryId}::uuid`.execute(db)
  const [row] = rows
  if (!row) return 'unknown'
  return row.is_first ? 'first' : 'waits'
}

interface DeliveryPage {
  webhookId: string
  status?: WebhookDeliveryRow['status'] | undefined
  eventType?: WebhookEventType | undefined
  limit: number
  offset: number
}

/** The newest first, and how many there are in all. */
export async function deliveriesOf(
  db: ReadModels,
  { webhookId, status, eventType, limit, offset }: DeliveryPage,
): Promise<{ rows: WebhookDeliveryRow[]; total: number }> {
  let query = rungateTables(db).selectFrom('rungate_webhook_deliveries').where('webhook_id', '=', webhookId)
  if (status !== undefined) query = query.where('status', '=', status)
  if (eventType !== undefined) query = query.where('event_type', '=', eventType)
  const [rows, { total }] = await Promise.all([
    query
      .selectAll()
      .orderBy('created_at', 'desc')
      .orderBy('delivery_id', 'desc')
      .limit(limit)
      .offset(offset)
      .execute(),
    query.select((of) => of.fn.countAll<string>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows, total: Number(total) }
}

/** Accounts with deliveries that ended before a time, those with the oldest first. */
export async function accountsWithOldDeliveries(db: ReadModels, before: string, limit: number): Promise<string[]> {
  const rows = await rungateTables(db)
    .selectFrom('rungate_webhook_deliveries')
    .select('account_id')
    .where('completed_at', '<', before)
    .groupBy('account_id')
    .orderBy((of) => of.fn.min('completed_at'))
    .limit(limit)
    .execute()
  return rows.map(({ account_id }) => account_id)
}

/** An account's deliveries that ended before a time, the oldest first. */
export async function oldDeliveries(
  db: ReadModels,
  accountId: string,
  before: string,
  limit: number,
): Promise<string[]> {
  const rows = await rungateTables(db)
    .selectFrom('rungate_webhook_deliveries')
    .select('delivery_id')
    .where('account_id', '=', accountId)
    .where('completed_at', '<', before)
    .orderBy('completed_at')
    .orderBy('delivery_id')
    .limit(limit)
    .execute()
  return rows.map(({ delivery_id }) => delivery_id)
}
