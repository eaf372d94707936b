/** PATCH /v1/webhook_endpoints/{endpoint_id}: changes what is given; a disabled endpoint collects nothing and gets nothing. */
import { z } from '@hono/zod-openapi'
import { endpointNotFound, webhookEndpoint } from '../../../commands/firsthand/webhook-endpoint.ts'
import { endpointStatus } from '../../../events/firsthand/webhook.ts'
import { isPrefixedId } from '../../../runtime/ulid.ts'
import { json } from '../../answers.ts'
import { text } from '../../schemas.ts'
import { buyerKey, write } from '../access.ts'
import { acceptUrl, endpointParams, endpointResponse, endpointView, shownOf, url } from './endpoint-view.ts'

const request = z
  .object({ url: url.optional(), description: text(500).optional(), status: endpointStatus.optional() })
  .openapi('UpdateWebhookEndpointRequest')

export const updateWebhookEndpoint = write({
  method: 'patch',
  path: '/v1/webhook_endpoints/{endpoint_id}',
  id: 'updateWebhookEndpoint',
  tags: ['Webhooks'],
  summary: 'Change a webhook endpoint',
  description: 'Changes what is given and leaves the rest. A disabled endpoint misses what happens meanwhile.',
  example: { status: 'disabled' },
  access: buyerKey('webhooks:write'),
  params: endpointParams,
  body: request,
  answers: { 200: json(endpointResponse, 'The endpoint as it is now.') },
  refuses: ['webhook_not_configured', 'webhook_url_refused'],
  async handle({ bus, webhooks, principal: owner, params: { endpoint_id: endpointId }, body, command }) {
    if (!isPrefixedId('we', endpointId)) throw endpointNotFound()
    if (body.url !== undefined) await acceptUrl(webhooks, body.url)
    const given = Object.entries(body).filter(([, value]) => value !== undefined)
    const change = { kind: 'change', owner, change: Object.fromEntries(given), at: command.at } as const
    const handled = await bus.handle(webhookEndpoint, endpointId, change, command)
    return { status: 200, body: endpointView(shownOf(handled.state)), handled }
  },
})
