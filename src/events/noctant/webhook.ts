/** Facts of webhooks, under noctant's names: an operator has one endpoint, which goes by the operator's id. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { webhookEvents } from '../webhook.ts'

export const webhookNames = {
  context: 'noctant',
  tenant: 'operatorId',
  endpoint: 'operatorId',
  person: 'globalUserId',
} as const

export const {
  endpoint: webhookEndpointEvents,
  delivery: webhookDeliveryEvents,
  replay: webhookReplayEvents,
} = webhookEvents(webhookNames, { externalAccountId: z.string().nullable() })

export type WebhookEndpointEvent = EventOf<typeof webhookEndpointEvents>
export type WebhookDeliveryEvent = EventOf<typeof webhookDeliveryEvents>
export type WebhookReplayEvent = EventOf<typeof webhookReplayEvents>
