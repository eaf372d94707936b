/**
 * Operators' webhook endpoints in memory, with their whole history: whether an event is delivered is decided by how the
 * endpoint stood at the event's place in the log, so that a batch that is handled again decides the same.
 */
import { LRUCache } from 'lru-cache'
import { fold, streamName } from '../../commands/decider.ts'
import { type WebhookEndpointState, webhookEndpoint } from '../../commands/noctant/webhook-endpoint.ts'
import type { Recorded } from '../../events/event.ts'
import type { WebhookEndpointEvent } from '../../events/noctant/webhook.ts'
import type { EventStore } from '../../events/store.ts'

export interface WebhookEndpoints {
  /** As it stood at a position of the log. */
  at(operatorId: string, position: bigint): Promise<WebhookEndpointState>
  /** As it stands, as far as this process has heard. */
  latest(operatorId: string): Promise<WebhookEndpointState>
  /** To be called for every event of the endpoint: it is then read again. */
  forget(operatorId: string): void
}

type History = readonly Recorded<WebhookEndpointEvent>[]

export function createWebhookEndpoints(store: EventStore, cachedMax: number): WebhookEndpoints {
  // What is kept is the reading under way, so that one which began before a `forget` cannot put old news back.
  const histories = new LRUCache<string, Promise<History>>({ max: cachedMax })

  function historyOf(operatorId: string): Promise<History> {
    const kept = histories.get(operatorId)
    if (kept) return kept
    const stream = streamName(webhookEndpoint, operatorId)
    const reading = Array.fromAsync(store.readStream<WebhookEndpointEvent>(stream))
    histories.set(operatorId, reading)
    reading.catch(() => {
      if (histories.peek(operatorId) === reading) histories.delete(operatorId)
    })
    return reading
  }

  const stateAfter = (events: History): WebhookEndpointState =>
    fold(webhookEndpoint, events as unknown as readonly WebhookEndpointEvent[])

  return {
    at: async (operatorId, position) =>
      stateAfter((await historyOf(operatorId)).filter((event) => event.position <= position)),
    latest: async (operatorId) => stateAfter(await historyOf(operatorId)),
    forget: (operatorId) => void histories.delete(operatorId),
  }
}
