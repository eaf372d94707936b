/** Webhook deliveries that rungate has given up. They are shown; its deliveries have as many attempts as their webhook says. */
import { webhookDelivery } from '../../commands/rungate/webhook-delivery.ts'
import { isUuid } from '../../events/uuid.ts'
import { rungateTables } from '../../projections/rungate/tables.ts'
import type { WebhookDeliveryRow } from '../../projections/rungate/webhook-delivery.ts'
import type { AdminSession } from '../admin-session.ts'
import type { DeadLetter, DeadLetters } from '../dead-letters-settling.ts'
import { LISTED_MAX } from '../table-output.ts'
import { CliError, EXIT } from '../terminal.ts'

/** Of webhooks that are still there, newest first. */
const failedDeliveries = ({ db }: AdminSession): Promise<WebhookDeliveryRow[]> =>
  rungateTables(db)
    .selectFrom('rungate_webhook_deliveries as deliveries')
    .innerJoin('rungate_webhooks as webhooks', 'webhooks.webhook_id', 'deliveries.webhook_id')
    .selectAll('deliveries')
    .where('deliveries.status', '=', 'failed')
    .orderBy('deliveries.created_at', 'desc')
    .orderBy('deliveries.delivery_id', 'desc')
    .limit(LISTED_MAX)
    .execute()

const letterOf = (value: WebhookDeliveryRow): DeadLetter => ({
  ...{ kind: 'rungate delivery', id: value.delivery_id, type: value.event_type },
  reason: value.response_status === null ? 'no answer' : `answered ${value.response_status}`,
  ...{ since: value.completed_at, value },
})

async function refused(): Promise<never> {
  const hint = 'Deleting its webhook takes it off the list; `opslog admin rungate webhook list` shows how each fares.'
  throw new CliError(EXIT.refused, 'a delivery of rungate that was given up stays so', hint)
}

export const rungateDeadLetters: DeadLetters = {
  list: async (session) => ({ rungate_deliveries: (await failedDeliveries(session)).map(letterOf) }),
  async find({ bus }, id) {
    if (!isUuid(id)) return undefined
    const known = await bus.current(webhookDelivery, id)
    return known.status === 'given_up' ? { letters: [known.facts], retry: refused, discard: refused } : undefined
  },
}
