/** Webhooks, and every delivery with what became of it. Deliveries that have not ended wait here for their next attempt. */
import { type SqlBool, sql } from 'kysely'
import type { CleanupEvent } from '../../events/rungate/cleanup.ts'
import type { Author, Visibility } from '../../events/rungate/vocabulary.ts'
import type {
  WebhookDeliveryEvent,
  WebhookEvent,
  WebhookEventType,
  WebhookFacts,
} from '../../events/rungate/webhook.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import type { DeliveryQueue } from '../../webhooks/tables.ts'
import { bigint, integer, jsonb, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, remove, upsert, type WrittenOf } from '../projection.ts'
import { preparedOne, type Query, rungateTables } from './tables.ts'

export const webhooks = defineTable({
  name: 'rungate_webhooks',
  key: ['webhook_id'],
  columns: {
    webhook_id: uuid,
    account_id: uuid,
    member_id: uuid.orNull,
    name: text,
    url: text,
    description: text.orNull,
    events: text.of<WebhookEventType>().array,
    agent_id: uuid.orNull,
    scope: text.of<Visibility>(),
    status: text.of<'active' | 'paused' | 'failing'>(),
    /** Deliveries that were given up in a row. */
    failures: integer,
    /** The end of the secret. */
    masked: text,
    previous_masked: text.orNull,
    previous_valid_until: time.orNull,
    created_by: jsonb.of<Author>(),
    updated_by: jsonb.of<Author>(),
    created_at: time,
    updated_at: time,
  },
  indexes: [
    '(account_id, created_at DESC, webhook_id DESC)',
    '(member_id) WHERE member_id IS NOT NULL',
    '(previous_valid_until) WHERE previous_valid_until IS NOT NULL',
  ],
})
export type WebhookRow = RowOf<typeof webhooks>

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

/** The columns that show what a webhook says. */
export const webhookColumns = ({ events, ...facts }: WebhookFacts) => ({ ...snake(facts), events: [...events] })

type Changed = { webhookId: string; author: Author; occurredAt: string }
const changed = (data: Changed, values: Partial<Omit<WrittenOf<typeof webhooks>, 'webhook_id'>>) => [
  patch(webhooks, snake(data, 'webhookId'), { ...values, updated_by: data.author, updated_at: data.occurredAt }),
]
const NO_PREVIOUS = { previous_masked: null, previous_valid_until: null }

export const webhookProjection = defineProjection<WebhookEvent>({
  name: 'rungate.webhook',
  version: 1,
  onPoison: 'park',
  tables: [webhooks],
  handlers: {
    'rungate.WebhookCreated.v1': ({ data }) => {
      const { author, occurredAt: at } = data
      const made = { created_by: author, updated_by: author, created_at: at, updated_at: at }
      const facts = { ...snake(data, 'webhookId', 'accountId', 'memberId', 'masked'), ...webhookColumns(data.webhook) }
      return [upsert(webhooks, { ...facts, ...made, ...NO_PREVIOUS, status: 'active', failures: 0 })]
    },
    'rungate.WebhookChanged.v1': ({ data }) => changed(data, webhookColumns(data.webhook)),
    'rungate.SecretRotated.v1': ({ data }) =>
      changed(data, {
        ...{ masked: data.masked, previous_masked: data.previousMasked },
        previous_valid_until: data.previousValidUntil,
      }),
    'rungate.PreviousSecretExpired.v1': ({ data }) => changed(data, NO_PREVIOUS),
    'rungate.WebhookEnabled.v1': ({ data }) => changed(data, { status: 'active', failures: 0 }),
    'rungate.WebhookDisabled.v1': ({ data }) => changed(data, { status: 'paused' }),
    'rungate.WebhookFailuresCounted.v1': ({ data }) => [
      patch(webhooks, snake(data, 'webhookId'), snake(data, 'failures')),
    ],
    'rungate.WebhookFailing.v1': ({ data }) => [
      patch(webhooks, snake(data, 'webhookId'), {
        ...snake(data, 'failures'),
        ...{ status: 'failing', updated_at: data.occurredAt },
      }),
    ],
    'rungate.WebhookDeleted.v1': ({ data }) => [remove(webhooks, snake(data, 'webhookId'))],
  },
})

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

const seen = (memberId: string | null) => sql<SqlBool>`(scope = 'org' OR member_id = ${memberId}::text::uuid)`

export const findWebhook = preparedOne((db, accountId: string, memberId: string | null, webhookId: string) =>
  db
    .selectFrom('rungate_webhooks')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('webhook_id', '=', webhookId)
    .where(seen(memberId)),
)

interface Filter {
  accountId: string
  memberId: string | null
  status?: WebhookRow['status'] | undefined
  event?: WebhookEventType | undefined
}

/** Those that the member sees, the newest first. */
export const webhooksOf: Query<'rungate_webhooks', Filter> = (db, { accountId, memberId, status, event }) => {
  let query = rungateTables(db)
    .selectFrom('rungate_webhooks')
    .selectAll()
    .where('account_id', '=', accountId)
    .where(seen(memberId))
  if (status !== undefined) query = query.where('status', '=', status)
  if (event !== undefined) query = query.where(sql<SqlBool>`${event} = ANY(events)`)
  return query.orderBy('created_at', 'desc').orderBy('webhook_id', 'desc')
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

/** A member's personal webhooks, at most `limit`. */
export async function personalWebhookIdsOf(
  db: ReadModels,
  accountId: string,
  memberId: string,
  limit = 10_000,
): Promise<string[]> {
  const rows = await rungateTables(db)
    .selectFrom('rungate_webhooks')
    .select('webhook_id')
    .where('account_id', '=', accountId)
    .where('member_id', '=', memberId)
    .where('scope', '=', 'personal')
    .orderBy('webhook_id')
    .limit(limit)
    .execute()
  return rows.map(({ webhook_id }) => webhook_id)
}

/** Webhooks whose previous secret's time is over. */
export async function overlapsOver(
  db: ReadModels,
  now: Date,
  limit: number,
): Promise<{ webhookId: string; accountId: string }[]> {
  const rows = await rungateTables(db)
    .selectFrom('rungate_webhooks')
    .select(['webhook_id', 'account_id'])
    .where('previous_valid_until', '<=', now.toISOString())
    .orderBy('previous_valid_until')
    .limit(limit)
    .execute()
  return rows.map(({ webhook_id: webhookId, account_id: accountId }) => ({ webhookId, accountId }))
}

/** Every account's webhooks, oldest first, at most `limit`; how many of their deliveries wait and how many failed. */
export const listWebhooksWithCounts = (db: ReadModels, limit = 1_000) =>
  rungateTables(db)
    .selectFrom('rungate_webhooks as webhooks')
    .selectAll('webhooks')
    .select((each) => [
      ...(['pending', 'failed'] as const).map((status) =>
        each
          .selectFrom('rungate_webhook_deliveries as deliveries')
          .select(sql<number>`count(*)::int`.as('count'))
          .whereRef('deliveries.webhook_id', '=', 'webhooks.webhook_id')
          .where('deliveries.status', '=', status)
          .as(status),
      ),
    ])
    .orderBy('webhooks.created_at')
    .orderBy('webhooks.webhook_id')
    .limit(limit)
    .execute()
