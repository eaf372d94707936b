/**
 * Webhook delivery: follows the log, makes a durable delivery of every event that an operator's endpoint is subscribed
 * to, and sends it until it has arrived or is given up. A delivery's id follows from the event, so a batch that is
 * handled again makes none twice. Replays are followed by a process of their own: one of a thousand events takes
 * seconds to be written down, and nobody's news is to wait for that.
 */
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { deliveryIdOf, webhookDelivery } from '../../commands/noctant/webhook-delivery.ts'
import { isSubscribed, webhookEndpoint } from '../../commands/noctant/webhook-endpoint.ts'
import type { Recorded } from '../../events/event.ts'
import { partnerEventOf, partnerEvents } from '../../events/noctant/partner-events.ts'
import type { WebhookReplayEvent } from '../../events/noctant/webhook.ts'
import { UndecodableEvent } from '../../events/registry.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import { dueDeliveries } from '../../projections/noctant/webhook.ts'
import { createDueWork } from '../due-work.ts'
import { newProcessFigures, type ProcessDependencies, type ProcessFigures, runProcess } from '../process.ts'
import { type AttemptLimits, makeAttempt, systemContext } from './webhook-attempt.ts'
import { createWebhookEndpoints } from './webhook-endpoints.ts'
import { createOwnerOf, type EventOwner, payloadOf, personToldOf } from './webhook-payload.ts'
import { createResolve, type Resolve } from './webhook-request.ts'

export interface WebhookLimits extends AttemptLimits {
  /** Attempts under way at once, and those of one endpoint. */
  concurrencyMax: number
  endpointConcurrencyMax: number
  /** Deliveries waiting in memory for one endpoint; further ones are found when it is their turn. */
  endpointQueueMax: number
  pollIntervalMs: number
  /** Due deliveries that one look finds. */
  pollBatchMax: number
  /** Attempts under way at the stop may take so long; then they are interrupted and made again at the next start. */
  drainMs: number
  /** Endpoints and accounts that are kept in memory. */
  cachedMax: number
  /** How long an engine event waits for its account to come into the read models. */
  ownerWaitMaxMs: number
}

export interface WebhookFigures extends ProcessFigures {
  /** Deliveries made since the start, and attempts under way. */
  requested: number
  underWay: () => number
  replays: ProcessFigures
}

export const newWebhookFigures = (): WebhookFigures => ({
  ...newProcessFigures(),
  requested: 0,
  underWay: () => 0,
  replays: newProcessFigures(),
})

export interface WebhookOptions extends ProcessDependencies {
  bus: CommandBus
  /** Opens the secrets that events hold sealed. */
  sealingKey: Uint8Array
  figures: WebhookFigures
  limits: WebhookLimits
  resolve?: Resolve
  now?: () => Date
  random?: () => number
}

const ENDPOINT_EVENT = 'noctant.WebhookEndpoint'
const ENDPOINT_STREAM = `${webhookEndpoint.category}-`
const REPLAY_REQUESTED = 'noctant.WebhookReplayRequested.v1'

/** Any version of a type: one that this code does not know is to be noticed. */
const anyVersionOf = (type: string): string => type.replace(/\d+$/, '')
const NEWS = [...partnerEvents.keys()].map(anyVersionOf)

/** An attempt that failed on this side is made again within this time. */
const RETRY_MAX_MS = 5_000
/** Deliveries that are written at once. */
const WRITES_MAX = 16

/** Runs until `signal` aborts; stands by while another process leads. */
export async function runWebhooks(options: WebhookOptions): Promise<void> {
  const { bus, db, store, log, limits, figures, now = () => new Date(), random = Math.random } = options
  const endpoints = createWebhookEndpoints(store, limits.cachedMax)
  const ownerOf = createOwnerOf({ bus, db, cachedMax: limits.cachedMax, waitMaxMs: limits.ownerWaitMaxMs })
  const { sealingKey, resolve = createResolve() } = options
  const deps = { bus, endpoints, sealingKey, resolve, now, random }
  const sender = createDueWork({
    name: 'webhook attempts',
    async findDue({ now: at, keyMax: perOperatorMax, limit }) {
      const due = await dueDeliveries(db, { now: at, perOperatorMax, limit })
      return due.map(({ delivery_id: id, operator_id: key }) => ({ id, key }))
    },
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
  figures.underWay = sender.underWay

  async function deliver(event: Recorded, owner: EventOwner, replayId: string | null): Promise<void> {
    const partner = partnerEventOf(event)
    if (!partner) return
    const { operatorId } = owner
    const deliveryId = deliveryIdOf(operatorId, event.id, replayId)
    const body = payloadOf(event, partner, owner)
    const told = { eventId: event.id, eventType: partner.type, replayId }
    const facts = { deliveryId, operatorId, ...told, ...personToldOf(event, partner, store.registry), body }
    const at = now().toISOString()
    const context = systemContext(deterministicId('webhookDelivery', deliveryId), event.metadata.$correlationId, at)
    const requested = await bus.handle(webhookDelivery, deliveryId, { kind: 'request', facts, at }, context)
    if (requested.events.length === 0) return
    figures.requested += 1
    sender.offer({ id: deliveryId, key: operatorId })
  }

  async function follow(event: Recorded): Promise<void> {
    const partner = partnerEventOf(event)
    const owner = partner && (await ownerOf(event))
    if (!partner || !owner) return
    const endpoint = await endpoints.at(owner.operatorId, event.position)
    if (isSubscribed(endpoint, partner.type)) await deliver(event, owner, null)
  }

  async function replay({ data }: Recorded<WebhookReplayEvent>): Promise<void> {
    await side(data.sources, async ({ stream, revision }) => {
      const [source] = await Array.fromAsync(store.readStream(stream, { from: BigInt(revision), maxCount: 1n }))
      const owner = source && (await ownerOf(source))
      // Chosen among the operator's own; looked at once more, because this is what goes out.
      if (source && owner?.operatorId === data.operatorId) await deliver(source, owner, data.replayId)
    })
  }

  /** What cannot be read stays undelivered, told to the log, and holds up nothing else. */
  async function unlessUnreadable(event: Delivered, work: (event: Recorded) => Promise<void>): Promise<void> {
    const { id: eventId, type } = event
    if (isPoison(event)) return log.error({ eventId, type, fault: event.fault }, 'an event does not decode; no webhook')
    await work(event).catch((err) => {
      if (!(err instanceof UndecodableEvent)) throw err
      log.error({ err, eventId, type }, 'what a webhook rests on does not decode; none was made')
    })
  }

  const isAboutEndpoint = ({ type }: Delivered) => type.startsWith(ENDPOINT_EVENT)
  const news = runProcess(
    {
      name: 'webhooks',
      types: [...NEWS, ENDPOINT_EVENT],
      async handle(events) {
        for (const { stream } of events.filter(isAboutEndpoint)) endpoints.forget(stream.slice(ENDPOINT_STREAM.length))
        const rest = events.filter((event) => !isAboutEndpoint(event))
        await side(rest, (event) => unlessUnreadable(event, follow))
      },
      background: (signal) => [sender.run(signal)],
    },
    options,
  )
  const replays = runProcess(
    {
      name: 'webhook-replays',
      types: [anyVersionOf(REPLAY_REQUESTED)],
      async handle(events) {
        for (const event of events) {
          await unlessUnreadable(event, (asked) => replay(asked as Recorded<WebhookReplayEvent>))
        }
      },
    },
    { ...options, figures: figures.replays },
  )
  await Promise.all([news, replays])
}

/** Does the work for all of them, some side by side. Throws the first failure after all that had begun have ended. */
async function side<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += WRITES_MAX) {
    const settled = await Promise.allSettled(items.slice(start, start + WRITES_MAX).map(work))
    const failed = settled.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}
