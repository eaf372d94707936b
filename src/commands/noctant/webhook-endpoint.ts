/** An operator's webhook endpoint, which goes by the operator's id. */

import type { AnyEvent } from '../../events/event.ts'
import { webhookNames } from '../../events/noctant/webhook.ts'
import {
  type SetEndpoint,
  type WebhookEndpointState,
  webhookEndpointOf,
  deliverableEndpoint as whereDeliverable,
} from '../../webhooks/endpoint.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { operator } from './operator.ts'
import { Rejected } from './rejection.ts'

export { isSubscribed } from '../../webhooks/endpoint.ts'

export const webhookEndpoint = webhookEndpointOf(webhookNames, Rejected)

/** Sets where an operator's events go. Rejects with operator_not_found. The URL has been checked: webhooks/address.ts. */
export function setWebhookEndpoint(
  bus: CommandBus,
  { operatorId, ...command }: Omit<SetEndpoint, 'owner'> & { operatorId: string },
  context: CommandContext,
): Promise<Handled<WebhookEndpointState, AnyEvent>> {
  const set: SetEndpoint = { ...command, owner: { operatorId } }
  return bus.handle(webhookEndpoint, operatorId, set, context, async () => {
    const owner = await bus.load(operator, operatorId)
    if (owner.status === 'absent') throw new Rejected('operator_not_found', 'There is no such operator.')
  })
}

/** The endpoint, where it may be delivered to. Rejects with webhook_not_configured or webhook_disabled. */
export const deliverableEndpoint = (bus: CommandBus, operatorId: string) =>
  whereDeliverable(bus, webhookEndpoint, operatorId, Rejected)
