/** Operators' webhooks: who receives an event, what its body says, and which signature proves it genuine. */
import { user } from '../../commands/noctant/user.ts'
import { webhookDelivery } from '../../commands/noctant/webhook-delivery.ts'
import { webhookEndpoint } from '../../commands/noctant/webhook-endpoint.ts'
import type { Recorded } from '../../events/event.ts'
import { partnerEvents } from '../../events/noctant/partner-events.ts'
import { webhookNames } from '../../events/noctant/webhook.ts'
import type { EventStore } from '../../events/store.ts'
import { webhookTables } from '../../projections/noctant/webhook.ts'
import { type Recipient, runWebhooks as run, type WebhookLimits, type WebhookOptions } from '../../webhooks/process.ts'
import { standardWebhooks } from '../../webhooks/signing.ts'
import { outboxQueue } from '../../webhooks/tables.ts'
import { commandStream } from './relay.ts'
import { createOwnerOf, type EventOwner, type OwnerOf, payloadOf } from './webhook-payload.ts'

export interface NoctantWebhookLimits extends Omit<WebhookLimits, 'secretsMax'> {
  /** How long an engine event waits for its account to come into the read models. */
  ownerWaitMaxMs: number
}

/** Every secret whose overlap is not over signs. */
const SECRETS_MAX = 16
const DECIDED = 'noctant.EngineCommandDecided.v1'

/** What the engine says names no trace; that of the command stands in the record of its sends. */
const withTraces =
  (ownerOf: OwnerOf, store: Pick<EventStore, 'readStream'>) =>
  async (event: Recorded): Promise<(EventOwner & Recipient) | undefined> => {
    const owner = await ownerOf(event)
    const { commandId } = event.data as { commandId?: string | null }
    if (!owner || !commandId || event.type !== DECIDED) return owner
    return {
      ...owner,
      async traceOf() {
        const [sent] = await Array.fromAsync(store.readStream(commandStream(commandId), { maxCount: 1n }))
        return sent?.metadata.traceparent
      },
    }
  }

/** Runs until `signal` aborts; stands by while another process leads. */
export function runWebhooks(options: Omit<WebhookOptions, 'limits'> & { limits: NoctantWebhookLimits }): Promise<void> {
  const { bus, db, store, limits } = options
  const { cachedMax, ownerWaitMaxMs: waitMaxMs } = limits
  return run(
    {
      names: webhookNames,
      aggregates: { endpoint: webhookEndpoint, delivery: webhookDelivery },
      queue: outboxQueue(webhookNames, webhookTables),
      published: partnerEvents,
      processes: { deliveries: 'webhooks', replays: 'webhook-replays' },
      sign: standardWebhooks,
      recipientOf: withTraces(createOwnerOf({ bus, db, cachedMax, waitMaxMs }), store),
      bodyOf: payloadOf,
      isForgotten: async (globalUserId) => (await bus.current(user, globalUserId)).status === 'forgotten',
    },
    { ...options, limits: { ...limits, secretsMax: SECRETS_MAX } },
  )
}
