/** Webhooks: one row per attempt, one delivery per event, and nothing received that is not on record. */
import { partnerEvents } from '../../src/events/noctant/partner-events.ts'
import type { Evidence } from './evidence.ts'
import type { Operator } from './operators.ts'

const STARTED = 'noctant.WebhookAttemptStarted.v1'
const FINISHED = 'noctant.WebhookAttemptFinished.v1'

export function deliveryContradictions({ log, attempts }: Evidence, operators: readonly Operator[]): string[] {
  const found: string[] = []
  const rows = Map.groupBy(attempts, ({ event_id, operator_id }) => `${operator_id} ${event_id}`)
  const finished = log.filter(({ type }) => type === FINISHED)
  const rowIds = new Set(attempts.map(({ delivery_row_id }) => delivery_row_id))
  for (const { id, content } of finished) {
    const { attempt, deliveryId } = content
    if (!rowIds.has(id)) found.push(`attempt ${attempt} of delivery ${deliveryId} has no row`)
  }
  if (attempts.length > finished.length) {
    found.push(`${attempts.length} rows of webhook attempts, but ${finished.length} were made`)
  }
  const ended = new Set(finished.map(({ content }) => `${content.deliveryId} ${content.attempt}`))
  for (const { content } of log.filter(({ type }) => type === STARTED)) {
    const { deliveryId, attempt } = content
    if (!ended.has(`${deliveryId} ${attempt}`)) found.push(`attempt ${attempt} of delivery ${deliveryId} never ended`)
  }
  for (const operator of operators) found.push(...endpointContradictions(log, rows, operator))
  return found
}

/** What one endpoint has received, beside the record. */
function endpointContradictions(
  log: Evidence['log'],
  rows: ReadonlyMap<string, Evidence['attempts']>,
  { operatorId, receiver }: Operator,
): string[] {
  const found: string[] = []
  const received = Map.groupBy(receiver.received, ({ headers }) => String(headers['webhook-id']))
  for (const [eventId, requests] of received) {
    const made = rows.get(`${operatorId} ${eventId}`) ?? []
    if (requests.length > made.length) {
      found.push(`webhook ${eventId} was received ${requests.length} times, ${made.length} attempts are on record`)
    }
    if (new Set(requests.map(({ body }) => body)).size > 1) found.push(`webhook ${eventId} was sent with two bodies`)
  }
  const setAt = log.findIndex(
    ({ type, content }) => type === 'noctant.WebhookEndpointSet.v1' && content.operatorId === operatorId,
  )
  const news = log.slice(setAt + 1).filter(({ type, content }) => {
    return partnerEvents.has(type) && content.operatorId === operatorId
  })
  for (const { id, type } of news) {
    const delivered = (rows.get(`${operatorId} ${id}`) ?? []).filter(({ status }) => status === 'delivered')
    if (delivered.length !== 1) found.push(`event ${id} (${type}) was delivered ${delivered.length} times on record`)
    if (!received.has(id)) found.push(`event ${id} (${type}) was never received by its operator's endpoint`)
  }
  return found
}
