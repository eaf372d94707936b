/**
 * What of an endpoint takes two streams: it is made when it has its place, and leaves it when it has been deleted. A crash in
 * between is made good by whoever comes first: the same request again, or the webhooks' process. The second step follows
 * from the first one's event alone.
 */
import type { EndpointFacts } from '../../events/firsthand/webhook.ts'
import type { SealedSecret } from '../../webhooks/endpoint.ts'
import { stepContext } from '../context.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { type EndpointOwner, type EndpointState, webhookEndpoint } from './webhook-endpoint.ts'
import { placesIdOf, webhookPlaces } from './webhook-places.ts'

/** Makes a secret for this endpoint and seals it. */
export type MakeSecret = (endpointId: string) => Promise<SealedSecret>

/** Makes an endpoint. Answers with it as it was made, now or at the first time. Rejects with webhook_limit_reached. */
export async function createEndpoint(
  bus: CommandBus,
  facts: EndpointFacts,
  { placesMax, makeSecret }: { placesMax: number; makeSecret: MakeSecret },
  context: CommandContext,
) {
  const command = { kind: 'take', facts, placesMax } as const
  const { events, replayed } = await bus.handle(webhookPlaces, placesIdOf(facts), command, context)
  const taken = events.find((event) => event.type === 'firsthand.WebhookEndpointPlaceTaken.v1')
  if (!taken) throw new Error(`${facts.endpointId} had a place before it was asked for`)
  const { state, position } = await finishCreating(bus, taken.data, makeSecret, context)
  return { facts: taken.data, state, handled: { position, replayed } }
}

/** The second step: the endpoint whose place is in the log. */
export async function finishCreating(
  bus: CommandBus,
  facts: EndpointFacts,
  makeSecret: MakeSecret,
  context: CommandContext,
): Promise<Pick<Handled<EndpointState, never>, 'state' | 'position'>> {
  const { endpointId } = facts
  const known = await bus.load(webhookEndpoint, endpointId)
  if (known.status !== 'absent') return { state: known, position: undefined }
  const command = { kind: 'create', facts, secret: await makeSecret(endpointId) } as const
  return bus.handle(webhookEndpoint, endpointId, command, followUp('create', endpointId, context))
}

/** Deletes the endpoint and frees its place. Rejects with webhook_not_configured. */
export async function deleteEndpoint(
  bus: CommandBus,
  endpointId: string,
  owner: EndpointOwner,
  context: CommandContext,
) {
  const deleted = await bus.handle(webhookEndpoint, endpointId, { kind: 'delete', owner, at: context.at }, context)
  await finishDeleting(bus, { ...owner, endpointId }, context)
  return deleted
}

/** The second step: the place of an endpoint whose end is in the log. */
export const finishDeleting = (
  bus: CommandBus,
  of: EndpointOwner & { endpointId: string },
  context: CommandContext,
) => {
  const { organizationId, environment, endpointId } = of
  const command = { kind: 'free', organizationId, environment, endpointId, at: context.at } as const
  return bus.handle(webhookPlaces, placesIdOf(of), command, followUp('free', endpointId, context))
}

const followUp = (step: 'create' | 'free', endpointId: string, context: CommandContext): CommandContext =>
  stepContext(context, deterministicId('firsthand.webhookEndpoint', step, endpointId))
