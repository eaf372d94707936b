/**
 * The sample context's webhooks: several endpoints a tenant, a signature and headers of its own, secrets under keys of
 * the vault. All that the kernel needs to be told.
 */
import { Rejected } from '../../src/commands/rejection.ts'
import type { EventOf } from '../../src/events/event.ts'
import { createRegistry, type EventDeclarations, inStreams } from '../../src/events/registry.ts'
import { webhookEvents } from '../../src/events/webhook.ts'
import type { Projection } from '../../src/projections/projection.ts'
import { webhookDeliveryOf } from '../../src/webhooks/delivery.ts'
import { webhookEndpointOf } from '../../src/webhooks/endpoint.ts'
import { endpointPlacesOf } from '../../src/webhooks/places.ts'
import type { Recipient, WebhookDefinition } from '../../src/webhooks/process.ts'
import { webhookReplayOf } from '../../src/webhooks/replay.ts'
import { hexSignature, type Sign } from '../../src/webhooks/signing.ts'
import {
  outboxQueue,
  webhookDeliveryProjection,
  webhookEndpointProjection,
  webhookTables,
} from '../../src/webhooks/tables.ts'
import { noteEvents } from './note.ts'

export const names = { context: 'sample', tenant: 'tenantId', endpoint: 'hookId', person: 'memberId' } as const

const { endpoint, removal, places, delivery, replay } = webhookEvents(names, {})
export const sampleEvents: EventDeclarations = {
  ...noteEvents,
  ...inStreams({
    'sample.note': noteEvents.schemas,
    'sample.webhookEndpoint': { ...endpoint, ...removal },
    'sample.webhookEndpoints': places,
    'sample.webhookDelivery': delivery,
    'sample.webhookReplay': replay,
  }),
  published: new Map([
    ['sample.NoteWritten.v1', { type: 'note.written', says: 'A note.', fields: ['noteId', 'text'] }],
  ]),
  person: names.person,
}

export const sampleRegistry = createRegistry([{ events: sampleEvents }])

export type HookEvent = EventOf<typeof endpoint>
export type HookDeliveryEvent = EventOf<typeof delivery>

export const hook = webhookEndpointOf(names, Rejected)
export const hookPlaces = endpointPlacesOf(names, Rejected)
export const hookDelivery = webhookDeliveryOf(names)
export const hookReplay = webhookReplayOf(names)
export const tables = webhookTables(names)
export const hookProjections: readonly Projection[] = [
  webhookEndpointProjection(names, tables, 1),
  webhookDeliveryProjection(names, tables, 1),
]

/** A time and every secret's signature of it and the body in one header. */
export const sign: Sign = ({ id, timestampS, body }, secrets) => ({
  'x-sample-event': id,
  'x-sample-signature': [
    `t=${timestampS}`,
    ...secrets.map((s) => `v1=${hexSignature(s, `${timestampS}.${body}`)}`),
  ].join(),
})

export const hooks: WebhookDefinition<Recipient> = {
  names,
  aggregates: { endpoint: hook, places: hookPlaces, delivery: hookDelivery },
  queue: outboxQueue(names, tables),
  published: sampleEvents.published ?? new Map(),
  processes: { deliveries: 'sample.webhooks', replays: 'sample.webhook-replays' },
  sign,
  recipientOf: async ({ data }) => ({ tenantId: String(data.tenantId) }),
  bodyOf: ({ id, data }, { type }) => JSON.stringify({ id, type, note: data.text }),
  isForgotten: async () => false,
}
