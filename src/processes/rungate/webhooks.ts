/**
 * Accounts' webhooks: who hears of an event, which signature proves it genuine, in which order, and when a webhook counts as failing.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { consequenceContext, systemContext } from '../../commands/context.ts'
import { deterministicId } from '../../commands/identity.ts'
import { SYSTEM } from '../../commands/rungate/registering.ts'
import { type ExistingWebhook, type SealedWebhookSecret, webhook } from '../../commands/rungate/webhook.ts'
import { webhookDelivery } from '../../commands/rungate/webhook-delivery.ts'
import { freePlace, webhookPlaces } from '../../commands/rungate/webhooks.ts'
import type { Recorded } from '../../events/event.ts'
import type { PublishedEvent } from '../../events/published.ts'
import { publishedEvents } from '../../events/rungate/published.ts'
import { type WebhookDeliveryEvent, type WebhookEvent, webhookNames } from '../../events/rungate/webhook.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { overlapsOver } from '../../projections/rungate/webhook.ts'
import { turnOf, webhookQueue } from '../../projections/rungate/webhook-delivery.ts'
import type { ObjectKeys } from '../../vault/object-keys.ts'
import type { ConfiguredEndpoint } from '../../webhooks/endpoint.ts'
import {
  type Recipient,
  runWebhooks as run,
  type Sender,
  type WebhookDefinition,
  type WebhookLimits,
  type WebhookOptions,
} from '../../webhooks/process.ts'
import { generateWebhookSecret, type OpenSecret, openWithVault, sealSecret } from '../../webhooks/secret.ts'
import { hexSignature, type Sign } from '../../webhooks/signing.ts'
import { createDueWork, type DueItem } from '../due-work.ts'
import { agentOf, payloadOf, personalOwnerOf, publishedIdOf } from './webhook-payload.ts'

export const WEBHOOKS = 'rungate-webhooks'
/** What the keys of webhooks are called in the vault. */
const WEBHOOK_KEYS = 'rungate.webhook'

const SHOWN_LAST = 4
/** `whsec_…` and the end of the secret, which tells secrets apart. */
const masked = (secret: string): string => `whsec_…${secret.slice(-SHOWN_LAST)}`

/** Seals a secret with the key of its webhook; absent, it is made. Rejects with ObjectKeyDestroyed for a deleted one. */
export async function sealWebhookSecret(
  keys: Pick<ObjectKeys, 'ensure'>,
  webhookId: string,
  secret = generateWebhookSecret(),
): Promise<{ secret: string; kept: SealedWebhookSecret }> {
  const secretId = randomUUID()
  const key = await keys.ensure(WEBHOOK_KEYS, webhookId)
  const sealed = sealSecret(secret, { endpointId: webhookId, secretId }, key)
  return { secret, kept: { secretId, sealed, masked: masked(secret) } }
}

/** Opens what was sealed so. Rejects with SecretUnreadable. */
export const openSecretWith = (keys: Pick<ObjectKeys, 'find'>): OpenSecret => openWithVault(keys, WEBHOOK_KEYS)

/** Secrets that sign at once: the current one, and the one before it. */
const SECRETS_MAX = 2

/** Each signs the body alone. */
export const sign: Sign = ({ deliveryId, eventType, timestampS, body }, [current = '', previous]) => ({
  ...{ 'x-rungate-event': eventType, 'x-rungate-delivery': deliveryId, 'x-rungate-timestamp': String(timestampS) },
  'x-rungate-signature-256': `sha256=${hexSignature(current, body)}`,
  ...(previous !== undefined && { 'x-rungate-signature-256-previous': `sha256=${hexSignature(previous, body)}` }),
})

export interface RungateWebhookLimits extends Omit<WebhookLimits, 'secretsMax' | 'disableAfterMs'> {
  /** Deliveries that are given up in a row until a webhook is failing. */
  failuresMax: number
  /** Between two looks at former secrets whose time is over, and what one finds. */
  sweep: { intervalMs: number; batchMax: number }
}

interface Options extends Omit<WebhookOptions, 'limits' | 'openSecret'> {
  keys: ObjectKeys
  limits: RungateWebhookLimits
}

/** Runs until `signal` aborts; stands by while another process leads. */
export function runRungateWebhooks({ keys, limits, ...options }: Options): Promise<void> {
  const definition = definitionOf({ ...options, keys, limits })
  // What a delivery's end means for its webhook is counted in `afterwards`.
  const transport = { ...limits, secretsMax: SECRETS_MAX, disableAfterMs: Infinity }
  return run(definition, { ...options, openSecret: openSecretWith(keys), limits: transport })
}

function definitionOf(options: Options): WebhookDefinition<Recipient> {
  const { db, store, limits } = options
  const parts = { db, store }
  const attemptsMax = String(limits.scheduleMs.length + 1)
  return {
    names: webhookNames,
    aggregates: { endpoint: webhook, places: webhookPlaces, delivery: webhookDelivery },
    endpointTypes: ['rungate.Webhook', 'rungate.SecretRotated.v', 'rungate.PreviousSecretExpired.v'],
    queue: webhookQueue,
    published: publishedEvents,
    processes: { deliveries: WEBHOOKS },
    sign,
    recipientOf: async ({ data: { accountId, runId }, position }) => ({
      tenantId: String(accountId),
      about: { attemptsMax, sourcePosition: position.toString(), ...(typeof runId === 'string' && { runId }) },
    }),
    isFor: (endpoint, event) => isFor(endpoint, event, parts),
    eventIdOf: publishedIdOf,
    deliveryIdOf: ({ id }, webhookId, { type }) => deterministicId('rungate.webhookDelivery', webhookId, id, type),
    bodyOf: onceEach((event, published) => payloadOf(parts, event, published)),
    orderOf: ({ data: { runId } }) => (typeof runId === 'string' ? runId : undefined),
    isTurn: async ({ deliveryId, about }) => about?.runId === undefined || isTurn(db, deliveryId),
    also: { types: AFTERWARDS, handle: (event, sender) => afterwards(options, event, sender) },
    background: (signal) => [createGraceEnd(options).run(signal)],
    // Bodies hold nothing personal.
    isForgotten: async () => false,
  }
}

type PayloadOf = (event: Recorded, published: PublishedEvent) => Promise<string | undefined>

/** Makes the body of an event once, however many webhooks hear of it. */
function onceEach(make: PayloadOf): PayloadOf {
  const made = new WeakMap<Recorded, Map<string, Promise<string | undefined>>>()
  return (event, published) => {
    const bodies = made.get(event) ?? new Map<string, Promise<string | undefined>>()
    made.set(event, bodies)
    const body = bodies.get(published.type) ?? make(event, published)
    bodies.set(published.type, body)
    return body
  }
}

/** A webhook of one agent hears of that agent; of what is personal to a member, the member's personal webhooks alone. */
async function isFor(
  endpoint: ConfiguredEndpoint,
  event: Recorded,
  parts: Parameters<typeof agentOf>[0],
): Promise<boolean> {
  const { webhook: facts, created } = endpoint as ExistingWebhook
  if (facts.agentId !== null && facts.agentId !== (await agentOf(parts, event))) return false
  const ownerId = await personalOwnerOf(parts, event)
  return ownerId === undefined || (facts.scope === 'personal' && created.memberId === ownerId)
}

const SHOWN_POLL_MS = 5
const SHOWN_WAIT_MAX_MS = 1_000

/**
 * Whether nothing of the delivery's run waits that tells of something earlier. What is earlier was written earlier, so the read
 * models show it where they show the delivery. Rejects where they do not yet: it is tried again later.
 */
async function isTurn(db: ReadModels, deliveryId: string): Promise<boolean> {
  const deadlineMs = performance.now() + SHOWN_WAIT_MAX_MS
  for (;;) {
    const turn = await turnOf(db, deliveryId)
    if (turn !== 'unknown') return turn === 'first'
    if (performance.now() > deadlineMs) throw new Error(`the read models do not show the delivery ${deliveryId} yet`)
    await delay(SHOWN_POLL_MS)
  }
}

const DELETED = 'rungate.WebhookDeleted.v'
const AFTERWARDS = [DELETED, 'rungate.AttemptFinished.v', 'rungate.DeliveryGivenUp.v']

/** The end of a deleted webhook's secret and place; what follows from the end of a delivery. Repeatable. */
async function afterwards(options: Options, event: Recorded, sender: Sender): Promise<void> {
  const { bus, keys, now = () => new Date() } = options
  const { type, data } = event as unknown as WebhookEvent | WebhookDeliveryEvent
  const context = consequenceContext('webhooks', event, now().toISOString())
  switch (type) {
    case 'rungate.WebhookDeleted.v1':
      await freePlace(bus, data, context)
      await keys.destroy(WEBHOOK_KEYS, data.webhookId)
      return
    case 'rungate.AttemptFinished.v1':
      if (data.status === 'delivered') await ended(options, { event, data, isDelivered: true }, sender)
      return
    case 'rungate.DeliveryGivenUp.v1':
      await ended(options, { event, data, isDelivered: false }, sender)
  }
}

interface End {
  event: Recorded
  data: Extract<WebhookDeliveryEvent, { type: 'rungate.AttemptFinished.v1' | 'rungate.DeliveryGivenUp.v1' }>['data']
  isDelivered: boolean
}

/** A trial counts for nothing, nor does what was given up without an attempt. The next of its run may be due. */
async function ended(
  { bus, limits, now = () => new Date() }: Options,
  { event, data, isDelivered }: End,
  sender: Sender,
): Promise<void> {
  const { webhookId, deliveryId } = data
  const counts = data.eventType !== 'webhook.test' && (!('cause' in data) || data.cause === 'failed')
  if (counts) {
    const at = now().toISOString()
    const context = consequenceContext('webhooks', event, at, deterministicId('rungate.webhook.count', deliveryId))
    const { failuresMax } = limits
    const command = { kind: 'countEnd', isDelivered, failuresMax, position: event.position, at } as const
    await bus.handle(webhook, webhookId, command, context)
  }
  if (data.runId !== null) sender.wakeAt(now())
}

/** Puts on record that a former secret signs no more; it does not, recorded or not. */
function createGraceEnd({ db, bus, log, limits: { sweep }, now = () => new Date() }: Options) {
  return createDueWork<DueItem>({
    ...{ name: 'end of former webhook secrets', log, now },
    limits: {
      ...{ concurrencyMax: 4, keyConcurrencyMax: 4, keyQueueMax: sweep.batchMax, batchMax: sweep.batchMax },
      ...{ pollIntervalMs: sweep.intervalMs, retryMinMs: 500, retryMaxMs: 60_000, drainMs: 2_000 },
    },
    async findDue({ now: time, limit }) {
      const found = await overlapsOver(db, time, limit)
      return found.map(({ webhookId: id, accountId: key }) => ({ id, key }))
    },
    async work({ id }) {
      const at = now().toISOString()
      const context = systemContext(WEBHOOKS, deterministicId('rungate.webhook.grace', id, at), at)
      await bus.handle(webhook, id, { kind: 'endGrace', author: SYSTEM, at }, context)
    },
  })
}
