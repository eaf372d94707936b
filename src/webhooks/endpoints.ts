/**
 * A context's webhook endpoints in memory, with their whole history: whether an event is delivered is decided by how the
 * endpoint stood at the event's place in the log, so that a batch that is handled again decides the same.
 */
import { type Aggregate, fold, streamName } from '../commands/decider.ts'
import type { AnyEvent, Recorded } from '../events/event.ts'
import type { EventStore } from '../events/store.ts'
import { createLru } from '../runtime/lru.ts'
import type { EndpointReport, WebhookEndpointState } from './endpoint.ts'
import type { PlacesState } from './places.ts'

export interface WebhookEndpoints {
  /** The endpoints of a tenant, as they stood at a position of the log. */
  of(tenantId: string, position: bigint): Promise<readonly { endpointId: string; state: WebhookEndpointState }[]>
  /** As it stands, as far as this process has read. */
  latest(endpointId: string): Promise<WebhookEndpointState>
  /** To be called for every event of this stream: it is then read again. */
  forget(stream: string): void
}

export interface EndpointAggregates {
  endpoint: Aggregate<WebhookEndpointState, EndpointReport, AnyEvent>
  /** Undefined: each tenant has one endpoint, named by the tenant's id. */
  places?: Aggregate<PlacesState, never, AnyEvent> | undefined
}

type History = readonly Recorded[]

export function createWebhookEndpoints(
  store: Pick<EventStore, 'readStream'>,
  { endpoint, places }: EndpointAggregates,
  cachedMax: number,
): WebhookEndpoints {
  // The cache holds the reading under way: one that began before a `forget` cannot put an old history back.
  const histories = createLru<string, Promise<History>>(cachedMax)

  function historyOf(stream: string): Promise<History> {
    const kept = histories.get(stream)
    if (kept) return kept
    const reading = Array.fromAsync(store.readStream(stream))
    histories.set(stream, reading)
    reading.catch(() => {
      if (histories.peek(stream) === reading) histories.delete(stream)
    })
    return reading
  }

  async function stateOf<S>(aggregate: Aggregate<S, never, AnyEvent>, id: string, position?: bigint): Promise<S> {
    const events = await historyOf(streamName(aggregate, id))
    return fold(aggregate, position === undefined ? events : events.filter((event) => event.position <= position))
  }

  return {
    async of(tenantId, position) {
      const ids = places ? (await stateOf(places, tenantId, position)).endpointIds : [tenantId]
      return Promise.all(
        ids.map(async (endpointId) => ({ endpointId, state: await stateOf(endpoint, endpointId, position) })),
      )
    },
    latest: (endpointId) => stateOf(endpoint, endpointId),
    forget: (stream) => void histories.delete(stream),
  }
}
