/** Buyers' webhooks as they and the sender see them: endpoints, events with what is due when, and every attempt. */
import { sql } from 'kysely'
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import type {
  EndpointStatus,
  WebhookEndpointEvent,
  WebhookEventEvent,
  WebhookEventType,
} from '../../events/firsthand/webhook.ts'
import type { AttemptStatus } from '../../events/webhook.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import type { DeliveryQueue } from '../../webhooks/tables.ts'
import { integer, text, time, uuid } from '../columns.ts'
import { newestFirst, type Page } from '../keyset.ts'
import { defineProjection, defineTable, patch, type RowOf, remove, upsert } from '../projection.ts'
import { firsthandTables, preparedOne } from './tables.ts'

const owner = { organization_id: text, environment: text.of<Environment>() }

export const webhookEndpoints = defineTable({
  name: 'firsthand_webhook_endpoints',
  key: ['endpoint_id'],
  columns: {
    endpoint_id: text,
    ...owner,
    url: text,
    description: text.orNull,
    status: text.of<EndpointStatus>(),
    failing_since: time.orNull,
    disabled_reason: text.orNull,
    created_at: time,
    updated_at: time,
  },
  indexes: ['(organization_id, environment, created_at DESC, endpoint_id DESC)'],
})
export type WebhookEndpointRow = RowOf<typeof webhookEndpoints>

/** The row of an endpoint that has just been made. */
export const createdEndpoint = (
  data: Extract<WebhookEndpointEvent, { type: 'firsthand.WebhookEndpointCreated.v1' }>['data'],
): WebhookEndpointRow => {
  const { secret_id: _, sealed: __, occurred_at: created_at, ...told } = snake(data)
  return { ...told, status: 'active', failing_since: null, disabled_reason: null, created_at, updated_at: created_at }
}

export type WebhookEventStatus = 'pending' | 'delivered' | 'failed'

export const webhookEvents = defineTable({
  name: 'firsthand_webhook_events',
  key: ['event_id'],
  columns: {
    event_id: text,
    ...owner,
    endpoint_id: text,
    event_type: text.of<WebhookEventType>(),
    status: text.of<WebhookEventStatus>(),
    attempt_count: integer,
    job_id: text.orNull,
    submission_id: text.orNull,
    /** Of a submission, as it was decided then. */
    stars: integer.orNull,
    reason: text.orNull,
    top_up_id: text.orNull,
    /** Where the event that it tells of stands in the log. */
    source_stream: text,
    source_revision: text,
    /** When that happened. */
    created_at: time,
    /** Of the next attempt; null: none follows. */
    due_at: time.orNull,
  },
  indexes: [
    '(organization_id, environment, created_at DESC, event_id DESC)',
    '(organization_id, environment, status, created_at DESC, event_id DESC)',
    '(organization_id, environment, event_type, created_at DESC, event_id DESC)',
    '(endpoint_id, due_at) WHERE due_at IS NOT NULL',
  ],
})
export type WebhookEventRow = RowOf<typeof webhookEvents>

export const webhookAttempts = defineTable({
  name: 'firsthand_webhook_attempts',
  key: ['attempt_row_id'],
  columns: {
    attempt_row_id: uuid,
    ...owner,
    endpoint_id: text,
    event_id: text,
    attempt: integer,
    status: text.of<AttemptStatus>(),
    started_at: time,
    finished_at: time,
    duration_ms: integer,
    response_status: integer.orNull,
    error_class: text.orNull,
    error_message: text.orNull,
  },
  indexes: ['(event_id, finished_at)', '(organization_id, finished_at DESC, attempt_row_id DESC)'],
})
export type WebhookAttemptRow = RowOf<typeof webhookAttempts>

export const webhookEndpointProjection = defineProjection<WebhookEndpointEvent>({
  name: 'firsthand.webhookEndpoint',
  version: 1,
  onPoison: 'park',
  tables: [webhookEndpoints],
  handlers: {
    'firsthand.WebhookEndpointCreated.v1': ({ data }) => [upsert(webhookEndpoints, createdEndpoint(data))],
    'firsthand.WebhookEndpointChanged.v1': ({ data }) => [
      patch(webhookEndpoints, snake(data, 'endpointId'), {
        ...snake(data, 'url', 'description', 'status'),
        ...{ failing_since: null, disabled_reason: null, updated_at: data.occurredAt },
      }),
    ],
    'firsthand.WebhookSecretRotated.v1': ({ data }) => [
      patch(webhookEndpoints, snake(data, 'endpointId'), { updated_at: data.occurredAt }),
    ],
    'firsthand.WebhookEndpointFailing.v1': ({ data }) => [
      patch(webhookEndpoints, snake(data, 'endpointId'), { failing_since: data.occurredAt }),
    ],
    'firsthand.WebhookEndpointRecovered.v1': ({ data }) => [
      patch(webhookEndpoints, snake(data, 'endpointId'), { failing_since: null }),
    ],
    'firsthand.WebhookEndpointDisabled.v1': ({ data }) => [
      patch(webhookEndpoints, snake(data, 'endpointId'), {
        ...{ status: 'disabled', disabled_reason: data.reason, updated_at: data.occurredAt },
      }),
    ],
    'firsthand.WebhookEndpointDeleted.v1': ({ data }) => [remove(webhookEndpoints, snake(data, 'endpointId'))],
  },
})

export const webhookEventProjection = defineProjection<WebhookEventEvent>({
  name: 'firsthand.webhookEvent',
  version: 1,
  onPoison: 'park',
  tables: [webhookEvents, webhookAttempts],
  handlers: {
    'firsthand.WebhookEventCreated.v1': ({ data }) => {
      const { source, verdict, occurred_at: due_at, ...told } = snake(data)
      const { stream: source_stream, revision: source_revision } = data.source
      const from = { source_stream, source_revision }
      const decided = { stars: verdict?.stars ?? null, reason: verdict?.reason ?? null }
      return [upsert(webhookEvents, { ...told, ...from, ...decided, status: 'pending', attempt_count: 0, due_at })]
    },
    'firsthand.WebhookAttemptStarted.v1': ({ data }) => [
      patch(webhookEvents, snake(data, 'eventId'), { attempt_count: data.attempt }),
    ],
    'firsthand.WebhookAttemptFinished.v1': ({ id, data }) => {
      const { nextAttemptAt: due_at } = data
      const status = due_at !== null ? 'pending' : data.status === 'delivered' ? 'delivered' : 'failed'
      return [
        patch(webhookEvents, snake(data, 'eventId'), { status, attempt_count: data.attempt, due_at }),
        upsert(webhookAttempts, { ...snake(data), attempt_row_id: id, finished_at: data.occurredAt }),
      ]
    },
    'firsthand.WebhookReplayRequested.v1': ({ data }) => [
      patch(webhookEvents, snake(data, 'eventId'), { status: 'pending', due_at: data.occurredAt }),
    ],
  },
})

/** Events that wait for an attempt; those of an endpoint that is no more are given up at once, whenever they were due. */
export const webhookQueue: DeliveryQueue = {
  ...{ table: webhookEvents.name, id: 'event_id', endpoint: 'endpoint_id' },
  anyOf: sql<boolean>`NOT EXISTS (
    SELECT FROM ${sql.table(webhookEndpoints.name)} there WHERE there.endpoint_id = endpoints.key)`,
}

interface Owner {
  organizationId: string
  environment: Environment
}

export const findWebhookEndpoint = preparedOne((db, organizationId: string, environment: string, endpointId: string) =>
  db
    .selectFrom('firsthand_webhook_endpoints')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('environment', '=', environment as Environment)
    .where('endpoint_id', '=', endpointId),
)

/** Newest first. */
export function listWebhookEndpoints(
  db: ReadModels,
  { organizationId, environment }: Owner,
  page: Page<'created_at' | 'endpoint_id'>,
): Promise<WebhookEndpointRow[]> {
  const query = firsthandTables(db)
    .selectFrom('firsthand_webhook_endpoints')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('environment', '=', environment)
  return newestFirst(query, ['created_at', 'endpoint_id'], page).execute()
}

export interface WebhookEventFilter {
  status?: WebhookEventStatus | undefined
  type?: WebhookEventType | undefined
}

/** Newest first; the filters go together. */
export function listWebhookEvents(
  db: ReadModels,
  { organizationId, environment }: Owner,
  { status, type }: WebhookEventFilter,
  page: Page<'created_at' | 'event_id'>,
): Promise<WebhookEventRow[]> {
  let query = firsthandTables(db)
    .selectFrom('firsthand_webhook_events')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('environment', '=', environment)
  if (status) query = query.where('status', '=', status)
  if (type) query = query.where('event_type', '=', type)
  return newestFirst(query, ['created_at', 'event_id'], page).execute()
}

/** Every organization's endpoints, oldest first, at most `limit`; how many of their events wait and how many failed. */
export const listEndpointsWithCounts = (db: ReadModels, limit = 1_000) =>
  firsthandTables(db)
    .selectFrom('firsthand_webhook_endpoints as endpoints')
    .selectAll('endpoints')
    .select((each) => [
      ...(['pending', 'failed'] as const).map((status) =>
        each
          .selectFrom('firsthand_webhook_events as events')
          .select(sql<number>`count(*)::int`.as('count'))
          .whereRef('events.endpoint_id', '=', 'endpoints.endpoint_id')
          .where('events.status', '=', status)
          .as(status),
      ),
    ])
    .orderBy('endpoints.created_at')
    .orderBy('endpoints.endpoint_id')
    .limit(limit)
    .execute()
