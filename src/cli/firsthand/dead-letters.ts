/** Webhook events that firsthand has given up: a replay sends one to its endpoint once more, as the API's own does. */
import { requireDeliverable } from '../../commands/firsthand/webhook-endpoint.ts'
import { webhookEvent } from '../../commands/firsthand/webhook-event.ts'
import { firsthandTables } from '../../projections/firsthand/tables.ts'
import type { WebhookEventRow } from '../../projections/firsthand/webhook.ts'
import type { AdminSession } from '../admin-session.ts'
import type { DeadLetter, DeadLetters } from '../dead-letters-settling.ts'
import { LISTED_MAX } from '../table-output.ts'
import { CliError, EXIT } from '../terminal.ts'

/** Of endpoints that are still there, newest first. */
const failedEvents = ({ db }: AdminSession): Promise<WebhookEventRow[]> =>
  firsthandTables(db)
    .selectFrom('firsthand_webhook_events as events')
    .innerJoin('firsthand_webhook_endpoints as endpoints', 'endpoints.endpoint_id', 'events.endpoint_id')
    .selectAll('events')
    .where('events.status', '=', 'failed')
    .orderBy('events.created_at', 'desc')
    .orderBy('events.event_id', 'desc')
    .limit(LISTED_MAX)
    .execute()

const letterOf = (value: WebhookEventRow): DeadLetter => ({
  ...{ kind: 'firsthand event', id: value.event_id, type: value.event_type },
  ...{ reason: `${value.attempt_count} attempts to ${value.endpoint_id}`, since: value.created_at, value },
})

export const firsthandDeadLetters: DeadLetters = {
  list: async (session) => ({ firsthand_events: (await failedEvents(session)).map(letterOf) }),
  async find({ bus, context }, id, { written }) {
    const known = await bus.current(webhookEvent, id)
    if (known.status !== 'given_up') return undefined
    const { organizationId, environment, endpointId } = known.told
    return {
      letters: [{ ...known.told, attempts: known.attempts }],
      async retry() {
        const circumstances = context()
        const replay = { kind: 'replay', owner: { organizationId, environment }, at: circumstances.at } as const
        const deliverable = () => requireDeliverable(bus, endpointId)
        const handled = await bus.handle(webhookEvent, id, replay, circumstances, deliverable)
        return [{ retried: id, ...written(handled) }, 'It is delivered again.']
      },
      async discard() {
        const hint = 'A retry that gets through takes it off the list, and so does the end of its endpoint.'
        throw new CliError(EXIT.refused, 'firsthand keeps its events: there is nothing to discard', hint)
      },
    }
  },
}
