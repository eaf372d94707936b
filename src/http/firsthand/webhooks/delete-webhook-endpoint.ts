/** DELETE /v1/webhook_endpoints/{endpoint_id}: the endpoint is gone; what waited for it ends as failed. */
import { endpointNotFound } from '../../../commands/firsthand/webhook-endpoint.ts'
import { deleteEndpoint } from '../../../commands/firsthand/webhook-steps.ts'
import { isPrefixedId } from '../../../runtime/ulid.ts'
import { empty } from '../../answers.ts'
import { buyerKey, write } from '../access.ts'
import { endpointParams } from './endpoint-view.ts'

export const deleteWebhookEndpoint = write({
  method: 'delete',
  path: '/v1/webhook_endpoints/{endpoint_id}',
  id: 'deleteWebhookEndpoint',
  tags: ['Webhooks'],
  summary: 'Delete a webhook endpoint',
  description: 'Deletes the endpoint and its secret. Events that waited for it fail, and another may take its place.',
  access: buyerKey('webhooks:write'),
  params: endpointParams,
  answers: { 204: empty('The endpoint is deleted.') },
  refuses: ['webhook_not_configured'],
  async handle({ bus, principal: { organizationId, environment }, params: { endpoint_id: endpointId }, command }) {
    if (!isPrefixedId('we', endpointId)) throw endpointNotFound()
    return { status: 204, handled: await deleteEndpoint(bus, endpointId, { organizationId, environment }, command) }
  },
})
