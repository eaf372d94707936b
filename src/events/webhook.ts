/**
 * Facts of webhooks, made for a context: endpoints, what is delivered to them, and what was asked to be delivered again.
 * Their types begin with the context's name: `noctant.WebhookEndpointSet.v1`. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from './event.ts'
import { personal } from './personal.ts'

/** The codes that a context's error table needs for its webhooks. */
export type WebhookRejectionCode =
  | 'webhook_not_configured'
  | 'webhook_limit_reached'
  | 'webhook_disabled'
  | 'webhook_url_refused'

/** How a context names things in the events of its webhooks, and so in the columns of their tables. */
export interface WebhookNames<
  Context extends string = string,
  Tenant extends string = string,
  Endpoint extends string = string,
  Person extends string = string,
> {
  /** First part of event types, of streams and of tables' names. */
  readonly context: Context
  /** The field that says whose an endpoint is: `operatorId`. */
  readonly tenant: Tenant
  /** The field that says which one it is; the tenant's where each tenant has one endpoint, named by the tenant's id. */
  readonly endpoint: Endpoint
  /** The field that names the person whose data a body holds. */
  readonly person: Person
}

/** Where an event stands in the log. */
export const eventReference = z.object({
  eventId: z.uuid(),
  stream: z.string(),
  /** 64 bits, decimal. */
  revision: z.string().regex(/^\d{1,19}$/),
})
export type EventReference = z.infer<typeof eventReference>

/** A delivery's last attempt is `dead_letter` where it was given up, `permanent_fail` where another would change nothing. */
export const attemptStatus = z.enum(['delivered', 'transient_fail', 'permanent_fail', 'dead_letter'])
export type AttemptStatus = z.infer<typeof attemptStatus>

const time = z.iso.datetime()
const uuid = z.uuid()

/** `Set` → `noctant.Set`, for each of these schemas. */
function typesOf<Context extends string, Schemas extends Record<string, z.ZodType>>(
  context: Context,
  schemas: Schemas,
) {
  const named = Object.entries(schemas).map(([type, schema]) => [`${context}.${type}`, schema])
  return Object.fromEntries(named) as { [T in keyof Schemas & string as `${Context}.${T}`]: Schemas[T] }
}

const fieldsOf = <T extends string, E extends string>({ tenant, endpoint }: WebhookNames<string, T, E>) =>
  ({ [tenant]: uuid, [endpoint]: uuid }) as Record<T | E, z.ZodUUID>

/** Stream `<context>.webhookEndpoint-<endpoint>`. */
export function endpointSchemas<T extends string, E extends string>(names: WebhookNames<string, T, E>) {
  const owner = fieldsOf(names)
  return {
    /** Where to deliver, and what: null stands for every type there is and will be. The first one enables the endpoint. */
    'WebhookEndpointSet.v1': z.object({
      ...owner,
      url: z.string(),
      eventTypes: z.array(z.string()).nullable(),
      occurredAt: time,
    }),
    /** A secret to sign with. Earlier ones also sign until `previousValidUntil`; null where there are none. */
    'WebhookEndpointSecretIssued.v1': z.object({
      ...owner,
      secretId: uuid,
      /** Under the instance's key, or the endpoint's in the vault: `<key id>.<base64 of nonce, ciphertext and tag>`. */
      sealed: z.string(),
      previousValidUntil: time.nullable(),
      occurredAt: time,
    }),
    'WebhookEndpointEnabled.v1': z.object({ ...owner, reason: z.string().nullable(), occurredAt: time }),
    'WebhookEndpointDisabled.v1': z.object({
      ...owner,
      /** An administrator; the endpoint answered 410; nothing but failures for too long. */
      cause: z.enum(['administrator', 'gone', 'failing']),
      reason: z.string().nullable(),
      occurredAt: time,
    }),
    /** The first failure after the last success. */
    'WebhookEndpointFailing.v1': z.object({ ...owner, since: time, occurredAt: time }),
    /** The first success after that. */
    'WebhookEndpointRecovered.v1': z.object({ ...owner, failingSince: time, occurredAt: time }),
  }
}

/** For contexts with many endpoints a tenant, which can be taken away. In the endpoint's stream. */
export const removalSchemas = <T extends string, E extends string>(names: WebhookNames<string, T, E>) => ({
  'WebhookEndpointDeleted.v1': z.object({ ...fieldsOf(names), occurredAt: time }),
})

/** For those contexts too. Stream `<context>.webhookEndpoints-<tenant>` has the places. */
export function placeSchemas<T extends string, E extends string>(names: WebhookNames<string, T, E>) {
  const owner = fieldsOf(names)
  return {
    'WebhookEndpointPlaceTaken.v1': z.object({ ...owner, occurredAt: time }),
    'WebhookEndpointPlaceFreed.v1': z.object({ ...owner, occurredAt: time }),
  }
}

/** Stream `<context>.webhookDelivery-<delivery>`. */
export function deliverySchemas<T extends string, E extends string, P extends string>(
  names: WebhookNames<string, T, E, P>,
) {
  const owner = fieldsOf(names)
  /** Whose personal data the body holds; absent: nobody's. */
  const person = { [names.person]: uuid.optional() } as Record<P, z.ZodOptional<z.ZodUUID>>
  return {
    'WebhookDeliveryRequested.v1': z.object({
      deliveryId: uuid,
      ...owner,
      /** The event that is published; its id is the webhook's on every attempt, replays included. */
      eventId: uuid,
      eventType: z.string(),
      /** The replay that asked for it; null for the first delivery. */
      replayId: uuid.nullable(),
      ...person,
      /** The bytes that are signed and sent, as text. */
      body: personal(z.string()),
      occurredAt: time,
    }),
    /** Written before the request goes out: what happens to it is unknown until the attempt is recorded as finished. */
    'WebhookAttemptStarted.v1': z.object({
      deliveryId: uuid,
      ...owner,
      /** From 1. */
      attempt: z.int().positive(),
      occurredAt: time,
    }),
    'WebhookAttemptFinished.v1': z.object({
      deliveryId: uuid,
      ...owner,
      eventId: uuid,
      eventType: z.string(),
      attempt: z.int().positive(),
      status: attemptStatus,
      startedAt: time,
      finishedAt: time,
      durationMs: z.int().nonnegative(),
      responseStatus: z.int().nullable(),
      ...person,
      /** The beginning of the answer's body, which may repeat what was sent. */
      responseExcerpt: personal(z.string().nullable()),
      errorClass: z.string().nullable(),
      errorMessage: z.string().nullable(),
      /** When the next attempt is due; null where this was the last. */
      nextAttemptAt: time.nullable(),
      occurredAt: time,
    }),
    /** Nothing more is to be done about a delivery that did not get through. */
    'WebhookDeliveryDiscarded.v1': z.object({
      deliveryId: uuid,
      ...owner,
      eventId: uuid,
      reason: z.string().nullable(),
      occurredAt: time,
    }),
  }
}

/** Stream `<context>.webhookReplay-<replay>`. `wish`: by what else a context's replays choose their events. */
export function replaySchemas<T extends string, E extends string, Wish extends z.ZodRawShape>(
  names: WebhookNames<string, T, E>,
  wish: Wish,
) {
  return {
    'WebhookReplayRequested.v1': z.object({
      replayId: uuid,
      ...fieldsOf(names),
      /** Inclusive. */
      from: time,
      /** Exclusive. */
      to: time,
      eventTypes: z.array(z.string()).nullable(),
      ...wish,
      limit: z.int().positive(),
      /** The events that are delivered again, in the log's order. */
      sources: z.array(eventReference),
      occurredAt: time,
    }),
  }
}

/** The events of a context's webhooks, under its names. */
export function webhookEvents<
  C extends string,
  T extends string,
  E extends string,
  P extends string,
  Wish extends z.ZodRawShape,
>(names: WebhookNames<C, T, E, P>, wish: Wish) {
  const { context } = names
  return {
    endpoint: typesOf(context, endpointSchemas(names)),
    removal: typesOf(context, removalSchemas(names)),
    places: typesOf(context, placeSchemas(names)),
    delivery: typesOf(context, deliverySchemas(names)),
    replay: typesOf(context, replaySchemas(names, wish)),
  }
}

/** The events as src/webhooks knows them: without the context, and without the fields that a context names. */
type Bare<Schemas extends (names: WebhookNames<string, never, never, never>) => Record<string, z.ZodType>> = EventOf<
  ReturnType<Schemas>
>
type Names = WebhookNames<string, never, never, never>
export type EndpointEvent =
  | Bare<typeof endpointSchemas<never, never>>
  | Bare<typeof removalSchemas<never, never>>
  | Bare<typeof placeSchemas<never, never>>
export type DeliveryEvent = Bare<typeof deliverySchemas<never, never, never>>
export type ReplayEvent = Bare<
  (names: Names) => ReturnType<typeof replaySchemas<never, never, Record<never, z.ZodType>>>
>

/** Fields that a context names: whose an endpoint is and which one, and the person whose data a body holds. */
export type Named = Readonly<Record<string, string>>

/** The tenant and the endpoint in an event's data. */
export const ownerIn = ({ tenant, endpoint }: WebhookNames, data: Readonly<Record<string, unknown>>): Named => ({
  [tenant]: String(data[tenant]),
  [endpoint]: String(data[endpoint]),
})
