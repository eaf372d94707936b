/** POST /v1/webhook_events/{event_id}/replay: sends an event to its endpoint once more. */
import { requireDeliverable } from '../../../commands/firsthand/webhook-endpoint.ts'
import { eventNotFound, isOwnEvent, webhookEvent } from '../../../commands/firsthand/webhook-event.ts'
import { fileLinks } from '../../../processes/firsthand/objects.ts'
import { webhookData } from '../../../projections/firsthand/webhook-data.ts'
import { isPrefixedId } from '../../../runtime/ulid.ts'
import { json } from '../../answers.ts'
import { headerKey } from '../../command.ts'
import { buyerKey, change } from '../access.ts'
import { idempotencyHeader } from '../schemas.ts'
import { eventParams, eventResponse, eventView } from './event-view.ts'

export const replayWebhookEvent = change({
  path: '/v1/webhook_events/{event_id}/replay',
  id: 'replayWebhookEvent',
  tags: ['Webhooks'],
  summary: 'Send an event to its endpoint again',
  description: 'Queues the event once more, delivered or not. One that is pending already is left as it is.',
  access: buyerKey('webhooks:write'),
  params: eventParams,
  headers: idempotencyHeader,
  key: headerKey(),
  answers: { 202: json(eventResponse, 'The event is on its way again.') },
  refuses: ['webhook_event_not_found', 'webhook_not_configured', 'webhook_disabled'],
  async handle({ bus, db, objects, clock, principal, params: { event_id: eventId }, command }) {
    const { organizationId, environment } = principal
    const owner = { organizationId, environment }
    const known = isPrefixedId('evt', eventId) && (await bus.current(webhookEvent, eventId))
    if (!known || known.status === 'absent' || !isOwnEvent(known, owner)) throw eventNotFound()
    const { endpointId, eventType: event_type, createdAt: created_at } = known.told
    const replay = { kind: 'replay', owner, at: command.at } as const
    const deliverable = () => requireDeliverable(bus, endpointId)
    const handled = await bus.handle(webhookEvent, eventId, replay, command, deliverable)
    const [requested] = handled.events
    const { state } = handled
    const made = requested?.type === 'firsthand.WebhookReplayRequested.v1' ? requested.data : undefined
    const attempt_count = made?.attempts ?? (state.status === 'absent' ? 0 : state.attempts)
    // The same request gets the same answer, so a link is as old as the request.
    const linkedAt = made ? new Date(made.occurredAt) : clock()
    const [data] = await webhookData(db, [known.told], fileLinks(objects, linkedAt))
    const shown = { event_id: eventId, event_type, endpoint_id: endpointId, status: 'pending' as const }
    return { status: 202, body: eventView({ ...shown, attempt_count, created_at }, data), handled }
  },
})
