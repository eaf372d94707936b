/** POST /v1/webhook_endpoints/{endpoint_id}/rotate_secret: another secret, beside which the former one signs for a while. */
import { z } from '@hono/zod-openapi'
import { endpointNotFound, isOwnEndpoint, webhookEndpoint } from '../../../commands/firsthand/webhook-endpoint.ts'
import { isPrefixedId } from '../../../runtime/ulid.ts'
import { json, withHeaders } from '../../answers.ts'
import { headerKey } from '../../command.ts'
import { buyerKey, change } from '../access.ts'
import { idempotencyHeader } from '../schemas.ts'
import { endpointParams } from './endpoint-view.ts'
import { newSecret, shownSecret } from './secrets.ts'

const answer = z
  .object({ new_secret: z.string(), old_secret_invalidates_at: z.string().nullable() })
  .openapi('RotateWebhookSecretResponse')

export const rotateWebhookSecret = change({
  path: '/v1/webhook_endpoints/{endpoint_id}/rotate_secret',
  id: 'rotateWebhookSecret',
  tags: ['Webhooks'],
  summary: 'Replace a webhook endpoint’s secret, which signs on for a day',
  description: 'Makes a secret. For a day requests are signed with both; a third is dropped at once.',
  access: buyerKey('webhooks:write'),
  params: endpointParams,
  headers: idempotencyHeader,
  key: headerKey(),
  answers: { 200: withHeaders(json(answer, 'The new secret, shown this once.'), 'cache-control') },
  refuses: ['webhook_not_configured', 'webhook_secret_hidden'],
  async handle({ bus, webhooks, principal, params: { endpoint_id: endpointId }, command }) {
    const { organizationId, environment } = principal
    const owner = { organizationId, environment }
    const known = isPrefixedId('we', endpointId) && (await bus.current(webhookEndpoint, endpointId))
    if (!known || !isOwnEndpoint(known, owner)) throw endpointNotFound()
    const { at } = command
    const until = new Date(Date.parse(at) + webhooks.overlapMs).toISOString()
    const secret = await newSecret(webhooks, endpointId)
    const rotation = { kind: 'rotate', owner, secret, previousValidUntil: until, at } as const
    const handled = await bus.handle(webhookEndpoint, endpointId, rotation, command)
    const rotated = handled.events.find((event) => event.type === 'firsthand.WebhookSecretRotated.v1')?.data
    const made = rotated && { ...rotated, at: rotated.occurredAt }
    const body = {
      new_secret: await shownSecret(webhooks, endpointId, made, at),
      old_secret_invalidates_at: rotated?.previousValidUntil ?? null,
    }
    return { status: 200, headers: { 'cache-control': 'no-store' }, body, handled }
  },
})
