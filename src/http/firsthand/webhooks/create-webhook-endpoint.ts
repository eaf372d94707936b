/** POST /v1/webhook_endpoints: an endpoint, with its secret shown this once. */
import { z } from '@hono/zod-openapi'
import { isThere } from '../../../commands/firsthand/webhook-endpoint.ts'
import { createEndpoint } from '../../../commands/firsthand/webhook-steps.ts'
import { prefixedId } from '../../../runtime/ulid.ts'
import { json, withHeaders } from '../../answers.ts'
import { headerKey } from '../../command.ts'
import { text } from '../../schemas.ts'
import { buyerKey, write } from '../access.ts'
import { idempotencyHeader } from '../schemas.ts'
import { acceptUrl, endpointResponse, endpointView, url } from './endpoint-view.ts'
import { newSecret, shownSecret } from './secrets.ts'

const request = z.object({ url, description: text(500).optional() }).openapi('CreateWebhookEndpointRequest')

export const createWebhookEndpoint = write({
  path: '/v1/webhook_endpoints',
  id: 'createWebhookEndpoint',
  tags: ['Webhooks'],
  summary: 'Make a webhook endpoint',
  description: 'From now on the URL hears of what happens. Its signing secret is shown in this answer alone.',
  access: buyerKey('webhooks:write'),
  headers: idempotencyHeader,
  key: headerKey(),
  body: request,
  answers: {
    201: withHeaders(json(endpointResponse, 'The endpoint, with its secret shown this once.'), 'cache-control'),
  },
  refuses: ['webhook_limit_reached', 'webhook_not_configured', 'webhook_secret_hidden', 'webhook_url_refused'],
  async handle({ bus, webhooks, principal: { organizationId, environment }, body, command }) {
    await acceptUrl(webhooks, body.url)
    const { at, commandId } = command
    const wanted = {
      ...{ organizationId, environment, endpointId: prefixedId('we', at, commandId) },
      ...{ url: body.url, description: body.description ?? null, occurredAt: at },
    }
    const makeSecret = (endpointId: string) => newSecret(webhooks, endpointId)
    const making = { placesMax: webhooks.endpointsMax, makeSecret }
    const { facts, state, handled } = await createEndpoint(bus, wanted, making, command)
    const { endpointId, occurredAt, url: of, description } = facts
    const made = isThere(state) ? { ...state.firstSecret, at: occurredAt } : undefined
    const secret = await shownSecret(webhooks, endpointId, made, at)
    const times = { created_at: occurredAt, updated_at: occurredAt }
    const shown = { endpoint_id: endpointId, url: of, description, status: 'active' as const, ...times }
    return { status: 201, headers: { 'cache-control': 'no-store' }, body: endpointView(shown, secret), handled }
  },
})
