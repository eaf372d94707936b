/** Buyers' webhooks: who hears of an event, what its body says, and which signature proves it genuine. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { ObjectStore } from '../../adapters/object-store/object-store.ts'
import { consequenceContext } from '../../commands/context.ts'
import { webhookEndpoint } from '../../commands/firsthand/webhook-endpoint.ts'
import { toldOf, webhookEvent } from '../../commands/firsthand/webhook-event.ts'
import { placesIdOf, webhookPlaces } from '../../commands/firsthand/webhook-places.ts'
import { finishCreating, finishDeleting, type MakeSecret } from '../../commands/firsthand/webhook-steps.ts'
import type { CommandBus } from '../../commands/handle.ts'
import type { Recorded } from '../../events/event.ts'
import { publishedEvents } from '../../events/firsthand/published.ts'
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import {
  type WebhookEndpointEvent,
  type WebhookEventEvent,
  type WebhookPlaceEvent,
  webhookNames,
} from '../../events/firsthand/webhook.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { LinkTo } from '../../projections/firsthand/file.ts'
import { webhookQueue } from '../../projections/firsthand/webhook.ts'
import { webhookData } from '../../projections/firsthand/webhook-data.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import type { KeyRing } from '../../vault/key-ring.ts'
import { createObjectKeys, type ObjectKeys } from '../../vault/object-keys.ts'
import type { MakeBody } from '../../webhooks/attempt.ts'
import { type Recipient, runWebhooks as run, type WebhookLimits, type WebhookOptions } from '../../webhooks/process.ts'
import { generateWebhookSecret, type OpenSecret, openWithVault, sealSecret } from '../../webhooks/secret.ts'
import { hexSignature, type Sign } from '../../webhooks/signing.ts'
import type { DueItem } from '../due-work.ts'
import { fileLinks } from './objects.ts'
import { WEBHOOKS } from './process-names.ts'

/** What the keys of endpoints are called in the vault. */
const ENDPOINT_KEYS = 'firsthand.webhookEndpoint'
/** Keys in memory; one that another process destroys is noticed within this time. */
const CACHE = { cachedMax: 1_000, ttlMs: 5_000 }

export const endpointKeysOf = (db: ReadModels, ring: KeyRing): ObjectKeys => createObjectKeys(db, ring, CACHE)

/** Makes secrets, each sealed with the key of its endpoint. Rejects with ObjectKeyDestroyed for a deleted one. */
export const newSecretWith =
  (keys: ObjectKeys): MakeSecret =>
  async (endpointId) => {
    const secretId = randomUUID()
    const key = await keys.ensure(ENDPOINT_KEYS, endpointId)
    return { secretId, sealed: sealSecret(generateWebhookSecret('base64url'), { endpointId, secretId }, key) }
  }

/** Opens what `newSecretWith` has sealed. Rejects with SecretUnreadable. */
export const openSecretWith = (keys: ObjectKeys): OpenSecret => openWithVault(keys, ENDPOINT_KEYS)

/** Secrets that sign at once. */
const SECRETS_MAX = 2

/** `t=<seconds>,v1=<hex>`, and a second `v1` while two secrets are valid: of the time and the body, joined by a point. */
export const sign: Sign = ({ deliveryId, timestampS, body }, secrets) => ({
  'x-firsthand-event-id': deliveryId,
  'x-firsthand-signature': [
    `t=${timestampS}`,
    ...secrets.map((secret) => `v1=${hexSignature(secret, `${timestampS}.${body}`)}`),
  ].join(','),
})

/** The organization in its environment, and what is kept of the event. */
function recipientOf({ stream, revision, data }: Recorded): Recipient {
  const of = { organizationId: String(data.organizationId), environment: data.environment as Environment }
  const subject = Object.fromEntries(
    ['jobId', 'submissionId', 'topUpId'].flatMap((name) =>
      typeof data[name] === 'string' ? [[name, data[name]]] : [],
    ),
  )
  const { stars, reason } = data
  const verdict = stars !== undefined && { verdict: JSON.stringify({ stars, reason }) }
  const source = { stream, revision: revision.toString(), createdAt: String(data.occurredAt) }
  return { tenantId: placesIdOf(of), owner: of, about: { ...source, ...subject, ...verdict } }
}

/** Between two looks at read models that do not show yet what is to be told, and how long until it is tried later. */
const SHOWN_POLL_MS = 10
const SHOWN_WAIT_MAX_MS = 5_000

/** JSON.rawJSON of ECMAScript, which the compiler's library does not know yet: a number as exact as its text. */
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): object }

export const createMakeBody =
  (db: ReadModels, linkTo: () => LinkTo): MakeBody =>
  async (facts) => {
    const { deliveryId: id, about = {} } = facts
    const told = toldOf(facts)
    const deadlineMs = performance.now() + SHOWN_WAIT_MAX_MS
    for (;;) {
      const [data] = await webhookData(db, [told], linkTo())
      const { eventType: type, createdAt: created_at } = told
      const { revision = '0' } = about
      if (data) return JSON.stringify({ id, type, created_at, sequence: rawJSON(revision), data })
      if (performance.now() > deadlineMs) throw new Error(`the read models do not show yet what ${id} tells`)
      await delay(SHOWN_POLL_MS)
    }
  }

type Own = WebhookEndpointEvent | WebhookPlaceEvent | WebhookEventEvent

/** Second steps that a crash may have left, the end of a deleted endpoint's secret, and replays. Repeatable. */
async function afterwards(
  { bus, keys, now }: { bus: CommandBus; keys: ObjectKeys; now: () => Date },
  event: Recorded,
  offer: (item: DueItem) => void,
): Promise<void> {
  const { type, data } = event as unknown as Own
  const context = consequenceContext('webhooks', event, now().toISOString())
  switch (type) {
    case 'firsthand.WebhookEndpointPlaceTaken.v1':
      await finishCreating(bus, data, newSecretWith(keys), context)
      return
    case 'firsthand.WebhookEndpointDeleted.v1':
      await finishDeleting(bus, data, context)
      await keys.destroy(ENDPOINT_KEYS, data.endpointId)
      return
    case 'firsthand.WebhookReplayRequested.v1':
      offer({ id: data.eventId, key: data.endpointId })
  }
}

const AFTERWARDS = [
  'firsthand.WebhookEndpointPlaceTaken.v',
  'firsthand.WebhookEndpointDeleted.v',
  'firsthand.WebhookReplayRequested.v',
]

type Options = Omit<WebhookOptions, 'limits' | 'openSecret'> & {
  keys: ObjectKeys
  /** Approved files are told with links. */
  objects: Pick<ObjectStore, 'getLink'>
  limits: Omit<WebhookLimits, 'secretsMax'>
}

/** Runs until `signal` aborts; stands by while another process leads. */
export function runFirsthandWebhooks({ keys, objects, limits, ...options }: Options): Promise<void> {
  const { bus, db, now = () => new Date() } = options
  return run(
    {
      names: webhookNames,
      aggregates: { endpoint: webhookEndpoint, places: webhookPlaces, delivery: webhookEvent },
      queue: webhookQueue,
      published: publishedEvents,
      processes: { deliveries: WEBHOOKS },
      sign,
      recipientOf: async (event) => recipientOf(event),
      deliveryIdOf: ({ id, data }, endpointId) => prefixedId('evt', String(data.occurredAt), `${id} ${endpointId}`),
      makeBody: createMakeBody(db, () => fileLinks(objects, now())),
      also: { types: AFTERWARDS, handle: (event, { offer }) => afterwards({ bus, keys, now }, event, offer) },
      // A body is made when it is sent, of what is there then.
      isForgotten: async () => false,
    },
    { ...options, openSecret: openSecretWith(keys), limits: { ...limits, secretsMax: SECRETS_MAX } },
  )
}
