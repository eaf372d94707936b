/**
 * The places for webhook endpoints of an organization in one environment. An endpoint takes its place before it is made, and
 * leaves it after it was deleted, so that there are never more than may be.
 */
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import type { EndpointFacts, WebhookPlaceEvent } from '../../events/firsthand/webhook.ts'
import type { PlacesState } from '../../webhooks/places.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export type PlaceCommand =
  | { kind: 'take'; facts: EndpointFacts; placesMax: number }
  | { kind: 'free'; organizationId: string; environment: Environment; endpointId: string; at: string }

/** The id of its stream. */
export const placesIdOf = ({ organizationId, environment }: { organizationId: string; environment: Environment }) =>
  `${organizationId}_${environment}`

export const webhookPlaces: Aggregate<PlacesState, PlaceCommand, WebhookPlaceEvent> = {
  category: 'firsthand.webhookEndpoints',
  initialState: { endpointIds: [] },

  evolve({ endpointIds }, { type, data: { endpointId } }) {
    const others = endpointIds.filter((each) => each !== endpointId)
    return { endpointIds: type === 'firsthand.WebhookEndpointPlaceTaken.v1' ? [...others, endpointId] : others }
  },

  decide(command, { endpointIds }) {
    if (command.kind === 'free') {
      const { organizationId, environment, endpointId, at: occurredAt } = command
      if (!endpointIds.includes(endpointId)) return []
      const data = { organizationId, environment, endpointId, occurredAt }
      return [{ type: 'firsthand.WebhookEndpointPlaceFreed.v1', data }]
    }
    const { facts, placesMax } = command
    if (endpointIds.includes(facts.endpointId)) return []
    if (endpointIds.length >= placesMax) {
      throw new Rejected('webhook_limit_reached', `There are ${placesMax} webhook endpoints already; delete one first.`)
    }
    return [{ type: 'firsthand.WebhookEndpointPlaceTaken.v1', data: facts }]
  },
}
