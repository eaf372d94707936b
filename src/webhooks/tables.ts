/**
 * Webhooks as tenants and the sender see them, in tables of a context: the endpoints, the deliveries that are not
 * finished, a row for every attempt that was made, and the events that did not get through.
 */
import { createHash } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { AnyEvent } from '../events/event.ts'
import type { AttemptStatus, DeliveryEvent, EndpointEvent, WebhookNames } from '../events/webhook.ts'
import type { ReadModels } from '../postgres/database.ts'
import { queriesOver } from '../postgres/queries.ts'
import type { DueItem } from '../processes/due-work.ts'
import { boolean, type ColumnKind, integer, text, time, uuid } from '../projections/columns.ts'
import { newestFirst, type Page } from '../projections/keyset.ts'
import {
  type Change,
  type HandlersOf,
  type Projection,
  patch,
  type RowOf,
  remove,
  type Table,
  type TableOf,
  upsert,
  type Values,
} from '../projections/projection.ts'
import { type Snake, snake, snakeCase } from '../runtime/letter-case.ts'

const endpointColumns = {
  url_origin: text.orNull,
  /** The beginning of the URL's SHA-256: tells one from another without showing what may be secret in it. */
  url_fingerprint: text.orNull,
  enabled: boolean.orNull,
  /** null: every type. */
  event_types: text.array.orNull,
  disabled_reason: text.orNull,
  failing_since: time.orNull,
}
const attemptColumns = {
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
}
const outboxColumns = { delivery_id: uuid, due_at: time }
const deadLetterColumns = { event_id: uuid, delivery_id: uuid, since: time }

type Owner<T extends string, E extends string> = Record<Snake<T> | Snake<E>, ColumnKind<string>>
type None = Record<never, never>

/** Each has the columns of the tenant and of the endpoint, `operator_id` for `operatorId`. */
export interface WebhookTables<
  C extends string = string,
  T extends string = string,
  E extends string = string,
  P extends string = string,
> {
  endpoints: TableOf<`${C}_webhook_endpoints`, Owner<T, E> & typeof endpointColumns, Snake<E>, None>
  /** Deliveries that are not finished. */
  outbox: TableOf<`${C}_webhook_outbox`, Owner<T, E> & typeof outboxColumns, 'delivery_id', None>
  /** Attempts; the person's column says whose personal data was sent, which the answer may repeat. */
  attempts: TableOf<
    `${C}_webhook_deliveries`,
    Owner<T, E> &
      Record<Snake<P>, ColumnKind<string | null>> &
      typeof attemptColumns & { delivery_row_id: ColumnKind<string> },
    'delivery_row_id',
    None
  >
  /** Events that did not get through and that nobody has dealt with since; the last delivery of each. */
  deadLetters: TableOf<`${C}_webhook_dead_letters`, Owner<T, E> & typeof deadLetterColumns, Snake<E> | 'event_id', None>
}

/** The tables of a context. */
export function webhookTables<C extends string, T extends string, E extends string, P extends string>({
  context,
  ...names
}: WebhookNames<C, T, E, P>): WebhookTables<C, T, E, P> {
  const [tenant, endpoint, person] = [snakeCase(names.tenant), snakeCase(names.endpoint), snakeCase(names.person)]
  const owner: Readonly<Record<string, ColumnKind<string>>> = { [tenant]: uuid, [endpoint]: uuid }
  const tables: Readonly<Record<keyof WebhookTables, Table>> = {
    endpoints: {
      name: `${context}_webhook_endpoints`,
      key: [endpoint],
      columns: { ...owner, ...endpointColumns },
      ...(tenant === endpoint ? {} : { indexes: [`(${tenant})`] }),
      // Setting the endpoint again must leave alone whether it is enabled.
      createsOnPatch: true,
    },
    outbox: {
      name: `${context}_webhook_outbox`,
      key: ['delivery_id'],
      columns: { delivery_id: uuid, ...owner, due_at: time },
      indexes: [`(${endpoint}, due_at)`],
    },
    attempts: {
      name: `${context}_webhook_deliveries`,
      key: ['delivery_row_id'],
      columns: { delivery_row_id: uuid, ...owner, [person]: uuid.orNull, ...attemptColumns },
      indexes: [
        `(${tenant}, finished_at DESC, attempt_number DESC, delivery_row_id DESC)`,
        `(event_id, ${tenant})`,
        `(${person}) WHERE ${person} IS NOT NULL`,
      ],
    },
    deadLetters: {
      name: `${context}_webhook_dead_letters`,
      key: [endpoint, 'event_id'],
      columns: { ...owner, ...deadLetterColumns },
    },
  }
  // Names are made of names, as their types say.
  return tables as unknown as WebhookTables<C, T, E, P>
}

/** Handlers under a context's types. The registry has decoded every event by its type, which makes their types true. */
const handlersIn = <E extends AnyEvent>(context: string, handlers: HandlersOf<E>): Projection['handlers'] =>
  Object.fromEntries(
    Object.entries(handlers).map(([type, handler]) => [`${context}.${type}`, handler]),
  ) as unknown as Projection['handlers']

/** The endpoints, one row each. */
export function webhookEndpointProjection(
  { context, tenant, endpoint }: WebhookNames,
  tables: { endpoints: Table },
  version: number,
): Projection {
  const { endpoints: table } = tables
  const keyOf = (data: Values) => snake(data, endpoint)
  const isOneEach = tenant === endpoint
  const handlers: HandlersOf<EndpointEvent> = {
    'WebhookEndpointSet.v1': ({ revision, data }) => [
      patch(table, keyOf(data), {
        ...(isOneEach ? {} : snake(data as Values, tenant)),
        url_origin: new URL(data.url).origin,
        url_fingerprint: createHash('sha256').update(data.url).digest('hex').slice(0, 16),
        event_types: data.eventTypes,
        // The first event of the stream enables it; later ones leave it as it is.
        ...(revision === 0n ? { enabled: true } : {}),
      }),
    ],
    'WebhookEndpointEnabled.v1': ({ data }) => [
      patch(table, keyOf(data), { enabled: true, disabled_reason: null, failing_since: null }),
    ],
    'WebhookEndpointDisabled.v1': ({ data }) => [
      patch(table, keyOf(data), { enabled: false, disabled_reason: data.reason ?? data.cause }),
    ],
    'WebhookEndpointFailing.v1': ({ data }) => [patch(table, keyOf(data), { failing_since: data.since })],
    'WebhookEndpointRecovered.v1': ({ data }) => [patch(table, keyOf(data), { failing_since: null })],
    ...(isOneEach ? {} : { 'WebhookEndpointDeleted.v1': ({ data }) => [remove(table, keyOf(data))] }),
  }
  const about = { name: `${context}.webhookEndpoint`, version, onPoison: 'park' as const }
  return { ...about, tables: [table], handlers: handlersIn(context, handlers) }
}

/** The deliveries. `more`: what other events do to these tables, such as that of a person who is forgotten. */
export function webhookDeliveryProjection(
  { context, tenant, endpoint, person }: WebhookNames,
  { outbox, attempts, deadLetters }: Readonly<Record<'outbox' | 'attempts' | 'deadLetters', Table>>,
  version: number,
  more: Projection['handlers'] = {},
): Projection {
  const eventOf = (data: Values) => snake(data, endpoint, 'eventId')

  /** Whether the event is to be dealt with: a delivery that got through, be it a replay, settles those that did not. */
  function standing(data: Extract<DeliveryEvent, { type: 'WebhookAttemptFinished.v1' }>['data']): Change[] {
    if (data.status === 'delivered') return [remove(deadLetters, eventOf(data))]
    return data.nextAttemptAt === null ? [upsert(deadLetters, { ...snake(data), since: data.finishedAt })] : []
  }

  const handlers: HandlersOf<DeliveryEvent> = {
    'WebhookDeliveryRequested.v1': ({ data }) => [
      upsert(outbox, { ...snake(data as Values, 'deliveryId', tenant, endpoint), due_at: data.occurredAt }),
    ],
    'WebhookAttemptFinished.v1': ({ id, recordedAt, data }) => [
      data.nextAttemptAt === null
        ? remove(outbox, snake(data, 'deliveryId'))
        : patch(outbox, snake(data, 'deliveryId'), { due_at: data.nextAttemptAt }),
      upsert(attempts, {
        ...snake(data),
        delivery_row_id: id,
        [snakeCase(person)]: (data as Values)[person] ?? null,
        attempt_number: data.attempt,
        response_body_excerpt: data.responseExcerpt,
        created_at: recordedAt.toISOString(),
      }),
      ...standing(data),
    ],
    'WebhookDeliveryDiscarded.v1': ({ data }) => [remove(deadLetters, eventOf(data))],
  }
  const about = { name: `${context}.webhookDelivery`, version, onPoison: 'park' as const }
  const tables = [outbox, attempts, deadLetters]
  return { ...about, tables, handlers: { ...handlersIn(context, handlers), ...more } }
}

/** How many events there are that did not get through and that nobody has dealt with. */
export async function deadWebhookCount(db: ReadModels, { deadLetters }: { deadLetters: Table }): Promise<number> {
  const counted = sql<{ count: number }>`SELECT count(*)::int AS count FROM ${sql.table(deadLetters.name)}`
  return (await counted.execute(db)).rows[0]?.count ?? 0
}

/** Where deliveries wait that are not finished: a column `due_at`, which is null in those that are. */
export interface DeliveryQueue {
  table: string
  /** Columns of the delivery's id and of the endpoint's. */
  id: string
  endpoint: string
  /** Endpoints whose deliveries all are to be looked at, due or not; a condition on `endpoints.key`. */
  anyOf?: RawBuilder<boolean>
  /** Deliveries whose turn it is, where there is an order; a condition on a row of the table. */
  isTurn?: RawBuilder<boolean>
}

export const outboxQueue = (names: WebhookNames, { outbox }: { outbox: Table }): DeliveryQueue => ({
  ...{ table: outbox.name, id: 'delivery_id', endpoint: snakeCase(names.endpoint) },
})

/**
 * Deliveries that are due at `now` and not finished: every endpoint's longest due one first, then every endpoint's
 * second, and so on, at most `keyMax` of each. One with many cannot hide the others, nor can many such.
 */
export async function dueDeliveries(
  db: ReadModels,
  { table: name, id: idName, endpoint: endpointName, anyOf = sql`false`, isTurn = sql`true` }: DeliveryQueue,
  { now, keyMax, limit }: { now: Date; keyMax: number; limit: number },
): Promise<DueItem[]> {
  const [table, id, endpoint] = [sql.table(name), sql.ref(idName), sql.ref(endpointName)]
  const { rows } = await sql<DueItem>`
    WITH RECURSIVE endpoints AS (
      (SELECT ${endpoint} AS key FROM ${table} WHERE due_at IS NOT NULL ORDER BY ${endpoint} LIMIT 1)
      UNION ALL
      SELECT (SELECT o.${endpoint} FROM ${table} o WHERE o.${endpoint} > endpoints.key AND due_at IS NOT NULL
        ORDER BY o.${endpoint} LIMIT 1)
      FROM endpoints WHERE endpoints.key IS NOT NULL
    )
    SELECT due.id, endpoints.key FROM endpoints CROSS JOIN LATERAL (
      SELECT ${id} AS id, due_at, row_number() OVER (ORDER BY due_at) AS turn FROM ${table}
      WHERE ${endpoint} = endpoints.key AND due_at IS NOT NULL
        AND (due_at <= ${now.toISOString()}::timestamptz OR ${anyOf}) AND ${isTurn}
      ORDER BY due_at LIMIT ${keyMax}
    ) due
    WHERE endpoints.key IS NOT NULL
    ORDER BY due.turn, due.due_at LIMIT ${limit}`.execute(db)
  return rows
}

export interface AttemptPage extends Page<'finished_at' | 'attempt_number' | 'delivery_row_id'> {
  tenantId: string
  eventId?: string | undefined
  eventType?: string | undefined
  status?: AttemptStatus | undefined
}

type AttemptRow = RowOf<TableOf<'', typeof attemptColumns & { delivery_row_id: ColumnKind<string> }, never, None>>
const viewColumns = ['delivery_row_id', ...(Object.keys(attemptColumns) as (keyof typeof attemptColumns)[])] as const

/** A tenant's attempts, newest first. */
export function listWebhookAttempts(
  db: ReadModels,
  names: WebhookNames,
  { attempts }: { attempts: Table },
  page: AttemptPage,
) {
  const { tenantId, eventId, eventType, status } = page
  const query = queriesOver<{ attempts: AttemptRow }>()
    .tables(db)
    .selectFrom(sql.table(attempts.name).$castTo<AttemptRow>().as('attempts'))
    .select(viewColumns)
    .where(sql.ref(snakeCase(names.tenant)), '=', tenantId)
    .$if(eventId !== undefined, (query) => query.where('event_id', '=', eventId!))
    .$if(eventType !== undefined, (query) => query.where('event_type', '=', eventType!))
    .$if(status !== undefined, (query) => query.where('status', '=', status!))
  return newestFirst(query, ['finished_at', 'attempt_number', 'delivery_row_id'], page).execute()
}
