/** Operators' webhooks: who receives an event, what its body says, and which signature proves it genuine. */
import { user } from '../../commands/noctant/user.ts'
import { webhookDelivery } from '../../commands/noctant/webhook-delivery.ts'
import { webhookEndpoint } from '../../commands/noctant/webhook-endpoint.ts'
import { partnerEvents } from '../../events/noctant/partner-events.ts'
import { webhookNames } from '../../events/noctant/webhook.ts'
import { webhookTables } from '../../projections/noctant/webhook.ts'
import { runWebhooks as run, type WebhookLimits, type WebhookOptions } from '../../webhooks/process.ts'
import { standardWebhooks } from '../../webhooks/signing.ts'
import { outboxQueue } from '../../webhooks/tables.ts'
import { createOwnerOf, payloadOf } from './webhook-payload.ts'

export interface NoctantWebhookLimits extends Omit<WebhookLimits, 'secretsMax'> {
  /** How long an engine event waits for its account to come into the read models. */
  ownerWaitMaxMs: number
}

/** Every secret whose overlap is not over signs. */
const SECRETS_MAX = 16

/** Runs until `signal` aborts; stands by while another process leads. */
export function runWebhooks(options: Omit<WebhookOptions, 'limits'> & { limits: NoctantWebhookLimits }): Promise<void> {
  const { bus, db, limits } = options
  const { cachedMax, ownerWaitMaxMs: waitMaxMs } = limits
  return run(
    {
      names: webhookNames,
      aggregates: { endpoint: webhookEndpoint, delivery: webhookDelivery },
      queue: outboxQueue(webhookNames, webhookTables),
      published: partnerEvents,
      processes: { deliveries: 'webhooks', replays: 'webhook-replays' },
      sign: standardWebhooks,
      recipientOf: createOwnerOf({ bus, db, cachedMax, waitMaxMs }),
      bodyOf: payloadOf,
      isForgotten: async (globalUserId) => (await bus.current(user, globalUserId)).status === 'forgotten',
    },
    { ...options, limits: { ...limits, secretsMax: SECRETS_MAX } },
  )
}
