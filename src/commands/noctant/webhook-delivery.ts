/** Deliveries of events to operators' webhook endpoints. */
import { webhookNames } from '../../events/noctant/webhook.ts'
import { webhookDeliveryOf } from '../../webhooks/delivery.ts'

export const webhookDelivery = webhookDeliveryOf(webhookNames)
