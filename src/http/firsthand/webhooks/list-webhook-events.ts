/** GET /v1/webhook_events: what endpoints were told, or are to be told, newest first. */
import { z } from '@hono/zod-openapi'
import { webhookEventType } from '../../../events/firsthand/webhook.ts'
import { fileLinks } from '../../../processes/firsthand/objects.ts'
import { listWebhookEvents as query, type WebhookEventRow } from '../../../projections/firsthand/webhook.ts'
import { subjectOf, webhookData } from '../../../projections/firsthand/webhook-data.ts'
import { json } from '../../answers.ts'
import { buyerKey, list } from '../access.ts'
import { newestFirst, oneOf, pageBody, pageOf } from '../schemas.ts'
import { eventResponse, eventStatus, eventView } from './event-view.ts'

export const listWebhookEvents = list({
  path: '/v1/webhook_events',
  id: 'listWebhookEvents',
  tags: ['Webhooks'],
  summary: 'The webhook events, newest first',
  description: 'Answers each event with the endpoint that it goes to, and what became of it, a page at a time.',
  access: buyerKey('webhooks:read'),
  query: z.object({ status: eventStatus.optional(), event_type: oneOf(webhookEventType.options).optional() }),
  answer: json(pageOf('WebhookEventListResponse', eventResponse), 'A page of events.'),
  paging: newestFirst<WebhookEventRow, 'event_id'>('event_id'),
  async rows({ db, objects, clock, principal, query: { status, event_type: type }, after: before, limit }) {
    const rows = await query(db, principal, { status, type }, { before, limit })
    const data = await webhookData(db, rows.map(subjectOf), fileLinks(objects, clock()))
    return { rows, dataOf: new Map(rows.map((row, index) => [row, data[index]])) }
  },
  page: (page, { dataOf }) =>
    pageBody(
      page.rows.map((row) => eventView(row, dataOf.get(row))),
      page,
    ),
})
