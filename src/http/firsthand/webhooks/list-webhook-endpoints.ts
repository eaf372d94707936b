/** GET /v1/webhook_endpoints: the endpoints of the key's world, newest first. */
import { listWebhookEndpoints as query, type WebhookEndpointRow } from '../../../projections/firsthand/webhook.ts'
import { json } from '../../answers.ts'
import { buyerKey, list } from '../access.ts'
import { newestFirst, pageBody, pageOf } from '../schemas.ts'
import { endpointResponse, endpointView } from './endpoint-view.ts'

export const listWebhookEndpoints = list({
  path: '/v1/webhook_endpoints',
  id: 'listWebhookEndpoints',
  tags: ['Webhooks'],
  summary: 'The webhook endpoints, newest first',
  description: 'Answers the endpoints of the world of the key, a page at a time, without their secrets.',
  access: buyerKey('webhooks:read'),
  answer: json(pageOf('WebhookEndpointListResponse', endpointResponse), 'A page of endpoints.'),
  paging: newestFirst<WebhookEndpointRow, 'endpoint_id'>('endpoint_id'),
  rows: async ({ db, principal, after: before, limit }) => ({ rows: await query(db, principal, { before, limit }) }),
  page: (page) =>
    pageBody(
      page.rows.map((row) => endpointView(row)),
      page,
    ),
})
