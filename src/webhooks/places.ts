/**
 * The endpoints of a tenant, where a context lets it have several: each takes one of a bounded number of places, and the
 * places say which endpoints there are. The place is taken before the endpoint is set, and freed after it is deleted.
 */
import { type Aggregate, aggregateOf, type Decider } from '../commands/decider.ts'
import type { RejectedBy } from '../commands/rejection.ts'
import type { AnyEvent } from '../events/event.ts'
import type { EndpointEvent, Named, WebhookNames } from '../events/webhook.ts'

type Rejected = RejectedBy<'webhook_limit_reached'>

/** Ids of the endpoints that have a place, the longest there first. */
export interface PlacesState {
  endpointIds: readonly string[]
}

export type PlaceCommand =
  /** Rejects with webhook_limit_reached beyond `placesMax`. */
  { kind: 'take'; owner: Named; placesMax: number; at: string } | { kind: 'free'; owner: Named; at: string }

export type EndpointPlaces = Aggregate<PlacesState, PlaceCommand, AnyEvent>

/** The places of a context, which refuses as `Rejected` does. */
export const endpointPlacesOf = (names: WebhookNames, Rejected: Rejected): EndpointPlaces =>
  aggregateOf(names.context, 'webhookEndpoints', placesDecider(names, Rejected))

const placesDecider = (
  { endpoint }: WebhookNames,
  Rejected: Rejected,
): Decider<PlacesState, PlaceCommand, EndpointEvent> => ({
  initialState: { endpointIds: [] },

  evolve({ endpointIds }, event) {
    const id = String((event.data as Readonly<Record<string, unknown>>)[endpoint])
    const others = endpointIds.filter((each) => each !== id)
    return { endpointIds: event.type === 'WebhookEndpointPlaceTaken.v1' ? [...others, id] : others }
  },

  decide({ owner, at: occurredAt, ...command }, { endpointIds }) {
    const isTaken = endpointIds.includes(owner[endpoint] ?? '')
    if (isTaken === (command.kind === 'take')) return []
    if (command.kind === 'free') return [{ type: 'WebhookEndpointPlaceFreed.v1', data: { ...owner, occurredAt } }]
    if (endpointIds.length >= command.placesMax) {
      throw new Rejected('webhook_limit_reached', `There are ${command.placesMax} webhook endpoints already.`)
    }
    return [{ type: 'WebhookEndpointPlaceTaken.v1', data: { ...owner, occurredAt } }]
  },
})
