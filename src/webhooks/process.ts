/**
 * Webhook delivery: follows the log, makes a durable delivery of every event that an endpoint is subscribed to, and sends
 * it until it has arrived or is given up. A delivery's id follows from the event, so a batch that is handled again makes
 * none twice. Replays have a process of their own: writing one of a thousand events takes seconds, and new events do not
 * wait for that.
 */

import { streamName } from '../commands/decider.ts'
import type { CommandBus } from '../commands/handle.ts'
import { deterministicId } from '../commands/identity.ts'
import { anyVersionOf, type Recorded } from '../events/event.ts'
import type { PublishedEvent, PublishedEvents } from '../events/published.ts'
import { UndecodableEvent } from '../events/registry.ts'
import { type Delivered, isPoison } from '../events/subscription.ts'
import type { Named, WebhookNames } from '../events/webhook.ts'
import { createDueWork, type DueItem, type DueWork } from '../processes/due-work.ts'
import { newProcessHealth, type ProcessDependencies, type ProcessHealth, runProcess } from '../processes/process.ts'
import {
  type AttemptLimits,
  type DeliveryAggregate,
  type IsTurn,
  type MakeBody,
  makeAttempt,
  webhookContext,
} from './attempt.ts'
import { deliveryIdOf } from './delivery.ts'
import { type ConfiguredEndpoint, isSubscribed, type WebhookEndpointState } from './endpoint.ts'
import { createWebhookEndpoints, type EndpointAggregates } from './endpoints.ts'
import type { RequestedReplay } from './replay.ts'
import { createResolve, type Resolve } from './request.ts'
import type { OpenSecret } from './secret.ts'
import type { Sign } from './signing.ts'
import { type DeliveryQueue, dueDeliveries } from './tables.ts'
import { inOrder, inParallel, personToldOf, publishedEventsOf, type Told } from './telling.ts'
import { createDeliveryTraces } from './traces.ts'

export interface WebhookLimits extends AttemptLimits {
  /** Attempts under way at once, and those of one endpoint. */
  concurrencyMax: number
  endpointConcurrencyMax: number
  /** Deliveries waiting in memory for one endpoint; further ones are found when it is their turn. */
  endpointQueueMax: number
  pollIntervalMs: number
  /** Due deliveries that one look finds. */
  pollBatchMax: number
  /** Time for attempts under way at the stop. After it they are interrupted and made again at the next start. */
  drainMs: number
  /** Streams of endpoints that are kept in memory. */
  cachedMax: number
}

/** Who receives an event, and whatever else the context's bodies say of them. */
export interface Recipient {
  tenantId: string
  /** The tenant as the deliveries' events name it; default: by its id alone. */
  owner?: Named
  /** What is kept of the event where its body is made later. */
  about?: Named
  /** The trace of an event whose record names none. */
  traceOf?: () => Promise<string | undefined>
}

/** What a context declares of its webhooks. */
export interface WebhookDefinition<R extends Recipient> {
  names: WebhookNames
  aggregates: EndpointAggregates & { delivery: DeliveryAggregate }
  queue: DeliveryQueue
  /** Event type → how webhooks publish it. */
  published: PublishedEvents
  /** Types of the endpoints' events and of their places, as prefixes; default: those of endpoint.ts and places.ts. */
  endpointTypes?: readonly string[]
  /** Names of the processes, of their checkpoints and of their leaderships. No replays: `also` sees to them. */
  processes: { deliveries: string; replays?: string }
  sign: Sign
  /** The id of the delivery of an event to an endpoint; default: a UUID that follows from them. */
  deliveryIdOf?(event: Recorded, endpointId: string, published: PublishedEvent): string
  /** The id under which it is told; default: the event's own. */
  eventIdOf?(event: Recorded, published: PublishedEvent): string
  /** Whether an endpoint hears of it, in addition to its types. */
  isFor?(endpoint: ConfiguredEndpoint, event: Recorded, recipient: R): boolean | Promise<boolean>
  /** Events of one order are told in the log's order; undefined: it is in none. */
  orderOf?(event: Recorded): string | undefined
  /** Whether it is the delivery's turn: what comes before it in its order has ended. `also` wakes the sender when it may be. */
  isTurn?: IsTurn
  /** What else the context does about events of its webhooks; `sender` is told of deliveries that are due now. */
  also?: { types: readonly string[]; handle(event: Recorded, sender: Sender): Promise<void> }
  /** Work in the background, for as long as the process leads. */
  background?(signal: AbortSignal): Promise<void>[]
  /** Undefined: nobody that this context knows. Throws where that is not known yet. */
  recipientOf(event: Recorded): Promise<R | undefined>
  /**
   * The bytes to be signed and sent, which follow from the log up to the event: a replay sends the same. Undefined: nothing is left
   * to be told. In its place: makes them at each attempt.
   */
  bodyOf?(event: Recorded, published: PublishedEvent, recipient: R): string | undefined | Promise<string | undefined>
  makeBody?: MakeBody
  isForgotten(personId: string): Promise<boolean>
}

/** `offer`: a delivery that is due now; `wakeAt`: some are at this time. */
export type Sender = Pick<DueWork<DueItem>, 'offer' | 'wakeAt'>

export interface WebhookHealth extends ProcessHealth {
  /** Deliveries made since the start, and attempts under way. */
  requested: number
  underWay: () => number
  replays: ProcessHealth
}

export const newWebhookHealth = (): WebhookHealth => ({
  ...newProcessHealth(),
  requested: 0,
  underWay: () => 0,
  replays: newProcessHealth(),
})

export interface WebhookOptions extends ProcessDependencies {
  bus: CommandBus
  openSecret: OpenSecret
  health: WebhookHealth
  limits: WebhookLimits
  resolve?: Resolve
  now?: () => Date
  random?: () => number
}

/** An attempt that failed on this side is made again within this time. */
const RETRY_MAX_MS = 5_000
/** Runs until `signal` aborts; stands by while another process leads. */
export async function runWebhooks<R extends Recipient>(
  definition: WebhookDefinition<R>,
  options: WebhookOptions,
): Promise<void> {
  const { names, aggregates, published } = definition
  const { bus, store, log, limits, health, now = () => new Date() } = options
  const endpoints = createWebhookEndpoints(store, aggregates, limits.cachedMax)
  const sender = createSender(definition, options, endpoints)
  health.underWay = sender.underWay

  async function deliver({ event, entry, recipient }: Told<R>, endpointId: string, replayId: string | null) {
    const { tenantId, owner: tenant = { [names.tenant]: tenantId }, about = {}, traceOf } = recipient
    const body = definition.bodyOf ? await definition.bodyOf(event, entry, recipient) : null
    if (body === undefined) return
    const deliveryId =
      definition.deliveryIdOf?.(event, endpointId, entry) ?? deliveryIdOf(names, endpointId, event.id, replayId)
    const person = personToldOf(names, store.registry, event, entry)
    const owner: Named = { ...tenant, [names.endpoint]: endpointId }
    const eventId = definition.eventIdOf?.(event, entry) ?? event.id
    const facts = { deliveryId, owner, eventId, eventType: entry.type, replayId, person, body, about }
    const [at, commandId] = [now().toISOString(), deterministicId('webhookDelivery', deliveryId)]
    const { $correlationId: correlationId, traceparent = await traceOf?.() } = event.metadata
    const context = webhookContext(commandId, correlationId, at, event.id, traceparent)
    const requested = await bus.handle(aggregates.delivery, deliveryId, { kind: 'request', facts, at }, context)
    if (requested.events.length === 0) return
    health.requested += 1
    sender.offer({ id: deliveryId, key: endpointId }, traceparent)
  }

  async function toldBy(event: Recorded): Promise<Told<R>[]> {
    const entries = publishedEventsOf(published, event)
    const recipient = entries.length > 0 ? await definition.recipientOf(event) : undefined
    return recipient ? entries.map((entry) => ({ event, entry, recipient })) : []
  }

  const hears = async (state: WebhookEndpointState, { event, entry, recipient }: Told<R>): Promise<boolean> =>
    isSubscribed(state, entry.type) && (!definition.isFor || (await definition.isFor(state, event, recipient)))

  async function follow(event: Recorded): Promise<void> {
    for (const told of await toldBy(event)) {
      for (const { endpointId, state } of await endpoints.of(told.recipient.tenantId, event.position)) {
        if (await hears(state, told)) await deliver(told, endpointId, null)
      }
    }
  }

  async function replay({ data }: Recorded): Promise<void> {
    const { sources, replayId } = data as RequestedReplay
    await inParallel(sources, async ({ stream, revision }) => {
      const [source] = await Array.fromAsync(store.readStream(stream, { from: BigInt(revision), maxCount: 1n }))
      for (const told of source ? await toldBy(source) : []) {
        // Chosen among the tenant's own; looked at once more, because this is what goes out.
        if (told.recipient.tenantId === data[names.tenant]) {
          await deliver(told, String(data[names.endpoint]), replayId)
        }
      }
    })
  }

  /** An event that cannot be read stays undelivered; the process logs it and goes on. */
  async function unlessUnreadable(event: Delivered, work: (event: Recorded) => Promise<void>): Promise<void> {
    const { id: eventId, type } = event
    if (isPoison(event)) return log.error({ eventId, type, fault: event.fault }, 'an event does not decode; no webhook')
    await work(event).catch((err) => {
      if (!(err instanceof UndecodableEvent)) throw err
      log.error({ err, eventId, type }, 'what a webhook rests on does not decode; none was made')
    })
  }

  const { context } = names
  const { also, endpointTypes = [`${context}.WebhookEndpoint`, `${context}.WebhookSecret`], orderOf } = definition
  const isAny = (prefixes: readonly string[], { type }: Delivered) => prefixes.some((each) => type.startsWith(each))
  const deliveries = runProcess(
    {
      name: definition.processes.deliveries,
      // Any version of a type: one that this code does not know is to be noticed.
      types: [...[...published.keys()].map(anyVersionOf), ...endpointTypes, ...(also?.types ?? [])],
      async handle(events) {
        for (const event of events) if (isAny(endpointTypes, event)) endpoints.forget(event.stream)
        for (const event of events) {
          if (also && isAny(also.types, event)) {
            await unlessUnreadable(event, (recorded) => also.handle(recorded, sender))
          }
        }
        const rest = events.filter((event) => !isAny(endpointTypes, event))
        const orders = inOrder(rest, (event) => (isPoison(event) ? undefined : orderOf?.(event)))
        await inParallel(orders, async (order) => {
          for (const event of order) await unlessUnreadable(event, follow)
        })
      },
      background: (signal) => [sender.run(signal), ...(definition.background?.(signal) ?? [])],
    },
    options,
  )
  const { replays: name } = definition.processes
  if (name === undefined) return deliveries
  const replays = runProcess(
    {
      name,
      types: [`${context}.WebhookReplayRequested.v`],
      async handle(events) {
        for (const event of events) await unlessUnreadable(event, replay)
      },
    },
    { ...options, health: health.replays },
  )
  await Promise.all([deliveries, replays])
}

/** Makes the attempts that are due. What an attempt rests on is the delivery's own stream, so late rows do no harm. */
function createSender<R extends Recipient>(
  { names, aggregates, queue, sign, isForgotten, makeBody, isTurn }: WebhookDefinition<R>,
  { db, bus, store, log, limits, openSecret, resolve = createResolve(), ...options }: WebhookOptions,
  endpoints: ReturnType<typeof createWebhookEndpoints>,
) {
  const { now = () => new Date(), random = Math.random } = options
  const { endpoint, delivery } = aggregates
  const traces = createDeliveryTraces(store, (id) => streamName(delivery, id), limits.cachedMax)
  const using = { openSecret, sign, isForgotten, makeBody, isTurn, resolve, now, random, traceOf: traces.of }
  const deps = { bus, names, endpoint, delivery, endpoints, ...using }
  const sender = createDueWork({
    name: 'webhook attempts',
    findDue: (bounds) => dueDeliveries(db, queue, bounds),
    async work({ id }, signal) {
      const nextAttemptAt = await makeAttempt(deps, limits, id, signal)
      if (nextAttemptAt !== null) sender.wakeAt(new Date(nextAttemptAt))
    },
    limits: {
      concurrencyMax: limits.concurrencyMax,
      keyConcurrencyMax: limits.endpointConcurrencyMax,
      keyQueueMax: limits.endpointQueueMax,
      batchMax: limits.pollBatchMax,
      pollIntervalMs: limits.pollIntervalMs,
      retryMinMs: limits.pollIntervalMs,
      retryMaxMs: RETRY_MAX_MS,
      drainMs: limits.drainMs,
    },
    log,
    now,
    random,
  })
  return {
    ...sender,
    offer(item: DueItem, traceparent?: string) {
      traces.note(item.id, traceparent)
      sender.offer(item)
    },
  }
}
