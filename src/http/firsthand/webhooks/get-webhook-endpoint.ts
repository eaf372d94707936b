/** GET /v1/webhook_endpoints/{endpoint_id}: one endpoint, without its secret. */
import { endpointNotFound } from '../../../commands/firsthand/webhook-endpoint.ts'
import { findWebhookEndpoint } from '../../../projections/firsthand/webhook.ts'
import { json } from '../../answers.ts'
import { buyerKey, read } from '../access.ts'
import { endpointParams, endpointResponse, endpointView } from './endpoint-view.ts'

export const getWebhookEndpoint = read({
  path: '/v1/webhook_endpoints/{endpoint_id}',
  id: 'getWebhookEndpoint',
  tags: ['Webhooks'],
  summary: 'A webhook endpoint',
  description: 'Answers where the endpoint’s events go and whether it is active.',
  access: buyerKey('webhooks:read'),
  params: endpointParams,
  answer: json(endpointResponse, 'The endpoint, without its secret.'),
  refuses: ['webhook_not_configured'],
  async handle({ db, principal: { organizationId, environment }, params }) {
    const found = await findWebhookEndpoint(db, organizationId, environment, params.endpoint_id)
    if (!found) throw endpointNotFound()
    return endpointView(found)
  },
})
