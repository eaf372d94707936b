/**
 * Webhooks with their names and places. The name decides; then one of the account's places is taken, which says which webhooks there
 * are; then the webhook is made. It goes the other way: the webhook ends, its place is free, its name is.
 */
import type { WebhookCreation } from '../../events/rungate/webhook.ts'
import { webhookNames } from '../../events/rungate/webhook.ts'
import { endpointPlacesOf } from '../../webhooks/places.ts'
import { stepContext } from '../context.ts'
import type { CommandBus, CommandContext } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import type { Asker } from './changing.ts'
import { claimForNew, releaseName, withNewName } from './naming.ts'
import { Rejected } from './rejection.ts'
import { seesWebhook, type WebhookCommand, webhook, webhookNotFound } from './webhook.ts'

export const webhookPlaces = endpointPlacesOf(webhookNames, Rejected)

/** The webhook as it is. Rejects with webhook_not_found where the caller sees none. */
export async function livingWebhook(bus: CommandBus, webhookId: string, asker: Pick<Asker, 'accountId' | 'memberId'>) {
  const state = await bus.current(webhook, webhookId)
  if (!seesWebhook(state, asker)) throw webhookNotFound()
  return state
}

const ownerOf = ({ accountId, webhookId: ownerId }: Pick<WebhookCreation, 'accountId' | 'webhookId'>) =>
  ({ accountId, kind: 'webhook', ownerId }) as const

/** `placesMax`: webhooks of an account. Rejects with name_taken and webhook_limit_reached. */
export async function createWebhook(
  bus: CommandBus,
  facts: WebhookCreation,
  placesMax: number,
  context: CommandContext,
) {
  await claimForNew(bus, ownerOf(facts), facts.webhook.name, facts, context)
  return finishWebhook(bus, facts, placesMax, context)
}

/** The webhook whose name is claimed. The name is free again where there is no place. */
export async function finishWebhook(
  bus: CommandBus,
  facts: WebhookCreation,
  placesMax: number,
  context: CommandContext,
) {
  const { accountId, webhookId } = facts
  try {
    const command = { kind: 'take', owner: { accountId, webhookId }, placesMax, at: context.at } as const
    await bus.handle(webhookPlaces, accountId, command, placeContext('take', webhookId, context))
  } catch (error) {
    if (error instanceof Rejected) await releaseName(bus, ownerOf(facts), facts.webhook.name, context)
    throw error
  }
  const handled = await bus.handle(webhook, webhookId, { kind: 'create', facts }, context)
  // Whoever finishes it once more, while it is deleted, gives it no place that nobody would free.
  if (handled.state.status === 'deleted') await freePlace(bus, facts, context)
  return handled
}

const placeContext = (step: 'take' | 'free', webhookId: string, context: CommandContext): CommandContext =>
  stepContext(context, deterministicId('rungate.webhook', step, webhookId))

type Change = Omit<Extract<WebhookCommand, { kind: 'change' }>, 'kind' | 'accountId' | 'memberId' | 'author' | 'at'>

/** Rejects with webhook_not_found and name_taken. */
export async function changeWebhook(
  bus: CommandBus,
  webhookId: string,
  change: Change,
  { accountId, memberId, author }: Asker,
  context: CommandContext,
) {
  const state = await livingWebhook(bus, webhookId, { accountId, memberId })
  const command = { kind: 'change', ...change, accountId, memberId, author, at: context.at } as const
  const make = () => bus.handle(webhook, webhookId, command, context)
  return withNewName(bus, ownerOf(state.created), { from: state.webhook.name, to: change.webhook.name }, make, context)
}

/** Rejects with webhook_not_found. */
export async function deleteWebhook(
  bus: CommandBus,
  webhookId: string,
  { accountId, memberId, author }: Asker,
  context: CommandContext,
) {
  const state = await livingWebhook(bus, webhookId, { accountId, memberId })
  const command = { kind: 'delete', accountId, memberId, author, at: context.at } as const
  const handled = await bus.handle(webhook, webhookId, command, context)
  await freePlace(bus, state.created, context)
  await releaseName(bus, ownerOf(state.created), state.webhook.name, context)
  return handled
}

/** The place of a webhook whose end is in the log. */
export function freePlace(
  bus: CommandBus,
  { accountId, webhookId }: Pick<WebhookCreation, 'accountId' | 'webhookId'>,
  context: CommandContext,
) {
  const command = { kind: 'free', owner: { accountId, webhookId }, at: context.at } as const
  return bus.handle(webhookPlaces, accountId, command, placeContext('free', webhookId, context))
}
