/**
 * A test event for an operator's endpoint: it tells of nothing that happened, and is sent like any other, whatever types the
 * endpoint takes. Its delivery is the one record of it, and gives it its id.
 */
import type { AnyEvent } from '../../events/event.ts'
import { webhookNames } from '../../events/noctant/webhook.ts'
import { deliveryIdOf, type WebhookDeliveryState } from '../../webhooks/delivery.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { webhookDelivery } from './webhook-delivery.ts'
import { deliverableEndpoint } from './webhook-endpoint.ts'

/** Its public name. No endpoint subscribes to it. */
export const WEBHOOK_TEST = 'webhook.test'

/** Once a command. Rejects with webhook_not_configured or webhook_disabled. */
export async function requestWebhookTest(
  bus: CommandBus,
  operatorId: string,
  context: CommandContext,
): Promise<Handled<WebhookDeliveryState, AnyEvent> & { eventId: string }> {
  await deliverableEndpoint(bus, operatorId)
  const { commandId, at } = context
  const eventId = deliveryIdOf(webhookNames, operatorId, commandId, null)
  const told = { eventId, eventType: WEBHOOK_TEST, replayId: null, person: {}, body: bodyOf(eventId, operatorId, at) }
  const facts = { deliveryId: eventId, owner: { operatorId }, ...told }
  const handled = await bus.handle(webhookDelivery, eventId, { kind: 'request', facts, at }, context)
  return { ...handled, eventId }
}

/** With the members that every webhook has. */
const bodyOf = (id: string, operatorId: string, at: string): string =>
  JSON.stringify({
    ...{ type: WEBHOOK_TEST, id, occurred_at: at, recorded_at: at },
    ...{ operator_id: operatorId, external_account_id: null },
    ...{ aggregate: 'webhook_delivery', aggregate_id: id, aggregate_revision: 0 },
    data: { message: 'This endpoint is sent webhooks.' },
  })
