/** Webhooks, as they stand. */
import { type SqlBool, sql } from 'kysely'
import type { Author, Visibility } from '../../events/rungate/vocabulary.ts'
import type { WebhookEvent, WebhookEventType, WebhookFacts } from '../../events/rungate/webhook.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, jsonb, text, time, uuid } from '../columns.ts'
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
