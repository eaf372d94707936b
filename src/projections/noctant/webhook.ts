/**
 * Webhooks as operators and the sender see them: the endpoint, the deliveries that are not finished, and a row for every
 * attempt that was made.
 */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { UserEvent } from '../../events/noctant/user.ts'
import type { AttemptStatus, WebhookDeliveryEvent, WebhookEndpointEvent } from '../../events/noctant/webhook.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { boolean, integer, text, time, uuid } from '../columns.ts'
import { newestFirst, type Page } from '../keyset.ts'
import { columnsBut, defineProjection, defineTable, erase, patch, type RowOf, remove, upsert } from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

export const endpoints = defineTable({
  name: 'noctant_webhook_endpoints',
  key: ['operator_id'],
  columns: {
    operator_id: uuid,
    url_origin: text.orNull,
    /** The beginning of the URL's SHA-256: tells one from another without showing what may be secret in it. */
    url_fingerprint: text.orNull,
    enabled: boolean.orNull,
    /** null: every type. */
    event_types: text.array.orNull,
    disabled_reason: text.orNull,
    failing_since: time.orNull,
  },
  // Setting the endpoint again must leave alone whether it is enabled.
  createsOnPatch: true,
})
export type WebhookEndpointRow = RowOf<typeof endpoints>

export const outbox = defineTable({
  name: 'noctant_webhook_outbox',
  key: ['delivery_id'],
  columns: { delivery_id: uuid, operator_id: uuid, due_at: time },
  indexes: ['(operator_id, due_at)'],
})
export type WebhookOutboxRow = RowOf<typeof outbox>

/** Events that did not get through and that nobody has dealt with since; the last delivery of each. */
export const deadLetters = defineTable({
  name: 'noctant_webhook_dead_letters',
  key: ['operator_id', 'event_id'],
  columns: { operator_id: uuid, event_id: uuid, delivery_id: uuid, since: time },
})

export const deliveries = defineTable({
  name: 'noctant_webhook_deliveries',
  key: ['delivery_row_id'],
  columns: {
    delivery_row_id: uuid,
    operator_id: uuid,
    /** Whose personal data was sent, which the answer may repeat; null: nobody's. */
    global_user_id: uuid.orNull,
    event_id: uuid,
    event_type: text,
    attempt_number: integer,
    status: text.of<AttemptStatus>(),
    started_at: time,
    finished_at: time,
    duration_ms: integer,
    response_status: integer.orNull,
    response_body_excerpt: text.orNull,
    error_class: text.orNull,
    error_message: text.orNull,
    created_at: time,
  },
  indexes: [
    '(operator_id, finished_at DESC, attempt_number DESC, delivery_row_id DESC)',
    '(operator_id, event_id)',
    '(global_user_id) WHERE global_user_id IS NOT NULL',
  ],
})
export type WebhookAttemptRow = RowOf<typeof deliveries>

export const webhookEndpointProjection = defineProjection<WebhookEndpointEvent>({
  name: 'noctant.webhookEndpoint',
  version: 1,
  onPoison: 'park',
  tables: [endpoints],
  handlers: {
    'noctant.WebhookEndpointSet.v1': ({ revision, data }) => [
      patch(endpoints, snake(data, 'operatorId'), {
        url_origin: new URL(data.url).origin,
        url_fingerprint: createHash('sha256').update(data.url).digest('hex').slice(0, 16),
        event_types: data.eventTypes,
        // The first event of the stream enables it; later ones leave it as it is.
        ...(revision === 0n ? { enabled: true } : {}),
      }),
    ],
    'noctant.WebhookEndpointEnabled.v1': ({ data }) => [
      patch(endpoints, snake(data, 'operatorId'), { enabled: true, disabled_reason: null, failing_since: null }),
    ],
    'noctant.WebhookEndpointDisabled.v1': ({ data }) => [
      patch(endpoints, snake(data, 'operatorId'), { enabled: false, disabled_reason: data.reason ?? data.cause }),
    ],
    'noctant.WebhookEndpointFailing.v1': ({ data }) => [
      patch(endpoints, snake(data, 'operatorId'), { failing_since: data.since }),
    ],
    'noctant.WebhookEndpointRecovered.v1': ({ data }) => [
      patch(endpoints, snake(data, 'operatorId'), { failing_since: null }),
    ],
  },
})

type Finished = Extract<WebhookDeliveryEvent, { type: 'noctant.WebhookAttemptFinished.v1' }>['data']

/** Whether the event is to be dealt with: a delivery that got through, be it a replay, settles those that did not. */
function standing(data: Finished) {
  if (data.status === 'dead_letter') return [upsert(deadLetters, { ...snake(data), since: data.finishedAt })]
  return data.status === 'delivered' ? [remove(deadLetters, snake(data, 'operatorId', 'eventId'))] : []
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
  tables: [outbox, deliveries, deadLetters],
  handlers: {
    'noctant.WebhookDeliveryRequested.v1': ({ data }) => [
      upsert(outbox, { ...snake(data, 'deliveryId', 'operatorId'), due_at: data.occurredAt }),
    ],
    'noctant.WebhookAttemptFinished.v1': ({ id, recordedAt, data }) => [
      data.nextAttemptAt === null
        ? remove(outbox, snake(data, 'deliveryId'))
        : patch(outbox, snake(data, 'deliveryId'), { due_at: data.nextAttemptAt }),
      upsert(deliveries, {
        ...snake(data),
        delivery_row_id: id,
        global_user_id: data.globalUserId ?? null,
        attempt_number: data.attempt,
        response_body_excerpt: data.responseExcerpt,
        created_at: recordedAt.toISOString(),
      }),
      ...standing(data),
    ],
    'noctant.WebhookDeliveryDiscarded.v1': ({ data }) => [remove(deadLetters, snake(data, 'operatorId', 'eventId'))],
    'noctant.UserForgotten.v1': ({ data }) => [
      erase(deliveries, snake(data, 'globalUserId'), ['response_body_excerpt']),
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

export interface AttemptPage extends Page<'finished_at' | 'attempt_number' | 'delivery_row_id'> {
  operatorId: string
  eventId?: string | undefined
  eventType?: string | undefined
  status?: AttemptStatus | undefined
}

const hidden = ['operator_id', 'global_user_id'] as const
const viewColumns = columnsBut(deliveries, ...hidden)

/** Newest first. */
export function listWebhookAttempts(
  db: ReadModels,
  page: AttemptPage,
): Promise<Omit<WebhookAttemptRow, (typeof hidden)[number]>[]> {
  const { operatorId, eventId, eventType, status } = page
  const query = noctantTables(db)
    .selectFrom('noctant_webhook_deliveries')
    .select(viewColumns)
    .where('operator_id', '=', operatorId)
    .$if(eventId !== undefined, (query) => query.where('event_id', '=', eventId!))
    .$if(eventType !== undefined, (query) => query.where('event_type', '=', eventType!))
    .$if(status !== undefined, (query) => query.where('status', '=', status!))
  return newestFirst(query, ['finished_at', 'attempt_number', 'delivery_row_id'], page).execute()
}
