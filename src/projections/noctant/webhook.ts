/**
 * Webhooks as operators and the sender see them: the endpoint, the deliveries that are not finished, and a row for every
 * attempt that was made.
 */
import { createHash } from 'node:crypto'
import { type SqlBool, sql } from 'kysely'
import type { UserEvent } from '../../events/noctant/user.ts'
import type { AttemptStatus, WebhookDeliveryEvent, WebhookEndpointEvent } from '../../events/noctant/webhook.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, erase, patch, remove, upsert } from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

export type WebhookEndpointRow = {
  operator_id: string
  url_origin: string | null
  /** The beginning of the URL's SHA-256: tells one from another without showing what may be secret in it. */
  url_fingerprint: string | null
  enabled: boolean
  /** null: every type. */
  event_types: string[] | null
  disabled_reason: string | null
  failing_since: string | null
}

export type WebhookOutboxRow = { delivery_id: string; operator_id: string; due_at: string }

/** An event that did not get through and that nobody has dealt with since; its last delivery. */
export type WebhookDeadLetterRow = { operator_id: string; event_id: string; delivery_id: string; since: string }

export type WebhookAttemptRow = {
  delivery_row_id: string
  operator_id: string
  /** Whose personal data was sent, which the answer may repeat; null: nobody's. */
  global_user_id: string | null
  event_id: string
  event_type: string
  attempt_number: number
  status: AttemptStatus
  started_at: string
  finished_at: string
  duration_ms: number
  response_status: number | null
  response_body_excerpt: string | null
  error_class: string | null
  error_message: string | null
  created_at: string
}

const endpoints = defineTable<WebhookEndpointRow, 'operator_id'>({
  name: 'noctant_webhook_endpoints',
  key: ['operator_id'],
  columns: {
    operator_id: 'uuid NOT NULL',
    url_origin: 'text',
    url_fingerprint: 'text',
    enabled: 'boolean',
    event_types: 'text[]',
    disabled_reason: 'text',
    failing_since: 'timestamptz(3)',
  },
  // Setting the endpoint again must leave alone whether it is enabled.
  createsOnPatch: true,
})

const outbox = defineTable<WebhookOutboxRow, 'delivery_id'>({
  name: 'noctant_webhook_outbox',
  key: ['delivery_id'],
  columns: { delivery_id: 'uuid NOT NULL', operator_id: 'uuid NOT NULL', due_at: 'timestamptz(3) NOT NULL' },
  indexes: ['(operator_id, due_at)'],
})

const deadLetters = defineTable<WebhookDeadLetterRow, 'operator_id' | 'event_id'>({
  name: 'noctant_webhook_dead_letters',
  key: ['operator_id', 'event_id'],
  columns: {
    operator_id: 'uuid NOT NULL',
    event_id: 'uuid NOT NULL',
    delivery_id: 'uuid NOT NULL',
    since: 'timestamptz(3) NOT NULL',
  },
})

const attempts = defineTable<WebhookAttemptRow, 'delivery_row_id'>({
  name: 'noctant_webhook_deliveries',
  key: ['delivery_row_id'],
  columns: {
    delivery_row_id: 'uuid NOT NULL',
    operator_id: 'uuid NOT NULL',
    global_user_id: 'uuid',
    event_id: 'uuid NOT NULL',
    event_type: 'text NOT NULL',
    attempt_number: 'integer NOT NULL',
    status: 'text NOT NULL',
    started_at: 'timestamptz(3) NOT NULL',
    finished_at: 'timestamptz(3) NOT NULL',
    duration_ms: 'integer NOT NULL',
    response_status: 'integer',
    response_body_excerpt: 'text',
    error_class: 'text',
    error_message: 'text',
    created_at: 'timestamptz(3) NOT NULL',
  },
  indexes: [
    '(operator_id, finished_at DESC, attempt_number DESC, delivery_row_id DESC)',
    '(operator_id, event_id)',
    '(global_user_id) WHERE global_user_id IS NOT NULL',
  ],
})

export const webhookEndpointProjection = defineProjection<WebhookEndpointEvent>({
  name: 'noctant.webhookEndpoint',
  version: 1,
  onPoison: 'park',
  tables: [endpoints],
  handlers: {
    'noctant.WebhookEndpointSet.v1': ({ revision, data: { operatorId, url, eventTypes } }) => [
      patch(
        endpoints,
        { operator_id: operatorId },
        {
          url_origin: new URL(url).origin,
          url_fingerprint: createHash('sha256').update(url).digest('hex').slice(0, 16),
          event_types: eventTypes,
          // The first event of the stream enables it; later ones leave it as it is.
          ...(revision === 0n ? { enabled: true } : {}),
        },
      ),
    ],
    'noctant.WebhookEndpointEnabled.v1': ({ data }) => [
      patch(endpoints, { operator_id: data.operatorId }, { enabled: true, disabled_reason: null, failing_since: null }),
    ],
    'noctant.WebhookEndpointDisabled.v1': ({ data }) => [
      patch(
        endpoints,
        { operator_id: data.operatorId },
        { enabled: false, disabled_reason: data.reason ?? data.cause },
      ),
    ],
    'noctant.WebhookEndpointFailing.v1': ({ data }) => [
      patch(endpoints, { operator_id: data.operatorId }, { failing_since: data.since }),
    ],
    'noctant.WebhookEndpointRecovered.v1': ({ data }) => [
      patch(endpoints, { operator_id: data.operatorId }, { failing_since: null }),
    ],
  },
})

type Finished = Extract<WebhookDeliveryEvent, { type: 'noctant.WebhookAttemptFinished.v1' }>['data']

/** Whether the event is to be dealt with: a delivery that got through, be it a replay, settles those that did not. */
function standing({ status, operatorId, eventId, deliveryId, finishedAt }: Finished) {
  const key = { operator_id: operatorId, event_id: eventId }
  if (status === 'dead_letter') return [upsert(deadLetters, { ...key, delivery_id: deliveryId, since: finishedAt })]
  return status === 'delivered' ? [remove(deadLetters, key)] : []
}

/** How many there are that nobody has dealt with. */
export async function deadWebhookCount(db: ReadModels): Promise<number> {
  const { rows } = await sql<{
    count: number
  }>`SELECT count(*)::int AS count FROM noctant_webhook_dead_letters`.execute(db)
  return rows[0]?.count ?? 0
}

export const webhookDeliveryProjection = defineProjection<WebhookDeliveryEvent | UserEvent>({
  name: 'noctant.webhookDelivery',
  version: 3,
  onPoison: 'park',
  tables: [outbox, attempts, deadLetters],
  handlers: {
    'noctant.WebhookDeliveryRequested.v1': ({ data }) => [
      upsert(outbox, { delivery_id: data.deliveryId, operator_id: data.operatorId, due_at: data.occurredAt }),
    ],
    'noctant.WebhookAttemptFinished.v1': ({ id, recordedAt, data }) => [
      data.nextAttemptAt === null
        ? remove(outbox, { delivery_id: data.deliveryId })
        : patch(outbox, { delivery_id: data.deliveryId }, { due_at: data.nextAttemptAt }),
      upsert(attempts, {
        delivery_row_id: id,
        operator_id: data.operatorId,
        global_user_id: data.globalUserId ?? null,
        event_id: data.eventId,
        event_type: data.eventType,
        attempt_number: data.attempt,
        status: data.status,
        started_at: data.startedAt,
        finished_at: data.finishedAt,
        duration_ms: data.durationMs,
        response_status: data.responseStatus,
        response_body_excerpt: data.responseExcerpt,
        error_class: data.errorClass,
        error_message: data.errorMessage,
        created_at: recordedAt.toISOString(),
      }),
      ...standing(data),
    ],
    'noctant.WebhookDeliveryDiscarded.v1': ({ data }) => [
      remove(deadLetters, { operator_id: data.operatorId, event_id: data.eventId }),
    ],
    'noctant.UserForgotten.v1': ({ data }) => [
      erase(attempts, { global_user_id: data.globalUserId }, ['response_body_excerpt']),
    ],
  },
})

export const findWebhookEndpoint = preparedOne((db, operatorId: string) =>
  db.selectFrom('noctant_webhook_endpoints').selectAll().where('operator_id', '=', operatorId),
)

/**
 * Deliveries that are due at `now` and not finished: every operator's longest due one first, then every operator's
 * second, and so on, at most `perOperatorMax` of each. One with many cannot hide the others, nor can many such.
 */
export async function dueDeliveries(
  db: ReadModels,
  { now, perOperatorMax, limit }: { now: Date; perOperatorMax: number; limit: number },
): Promise<WebhookOutboxRow[]> {
  const { rows } = await sql<WebhookOutboxRow>`
    WITH RECURSIVE operators AS (
      (SELECT operator_id FROM noctant_webhook_outbox ORDER BY operator_id LIMIT 1)
      UNION ALL
      SELECT (SELECT o.operator_id FROM noctant_webhook_outbox o WHERE o.operator_id > operators.operator_id
              ORDER BY o.operator_id LIMIT 1)
      FROM operators WHERE operators.operator_id IS NOT NULL
    )
    SELECT due.delivery_id, due.operator_id, due.due_at FROM operators CROSS JOIN LATERAL (
      SELECT delivery_id, operator_id, due_at, row_number() OVER (ORDER BY due_at) AS turn FROM noctant_webhook_outbox
      WHERE operator_id = operators.operator_id AND due_at <= ${now.toISOString()}::timestamptz
      ORDER BY due_at LIMIT ${perOperatorMax}
    ) due
    WHERE operators.operator_id IS NOT NULL
    ORDER BY due.turn, due.due_at LIMIT ${limit}`.execute(db)
  return rows
}

export interface AttemptPage {
  operatorId: string
  eventId?: string | undefined
  eventType?: string | undefined
  status?: AttemptStatus | undefined
  /** The last attempt of the page before. */
  before?: { finishedAt: string; attemptNumber: number; deliveryRowId: string } | undefined
  limit: number
}

/** Newest first, in an order that inserts do not disturb. */
export function listWebhookAttempts(
  db: ReadModels,
  page: AttemptPage,
): Promise<Omit<WebhookAttemptRow, 'operator_id' | 'global_user_id'>[]> {
  const { operatorId, eventId, eventType, status, before, limit } = page
  return noctantTables(db)
    .selectFrom('noctant_webhook_deliveries')
    .select([
      'delivery_row_id',
      'event_id',
      'event_type',
      'attempt_number',
      'status',
      'started_at',
      'finished_at',
      'duration_ms',
      'response_status',
      'response_body_excerpt',
      'error_class',
      'error_message',
      'created_at',
    ])
    .where('operator_id', '=', operatorId)
    .$if(eventId !== undefined, (query) => query.where('event_id', '=', eventId!))
    .$if(eventType !== undefined, (query) => query.where('event_type', '=', eventType!))
    .$if(status !== undefined, (query) => query.where('status', '=', status!))
    .$if(before !== undefined, (query) =>
      query.where(
        sql<SqlBool>`(finished_at, attempt_number, delivery_row_id) <
          (${before!.finishedAt}::timestamptz, ${before!.attemptNumber}::integer, ${before!.deliveryRowId}::uuid)`,
      ),
    )
    .orderBy('finished_at', 'desc')
    .orderBy('attempt_number', 'desc')
    .orderBy('delivery_row_id', 'desc')
    .limit(limit)
    .execute()
}
