/** GET /v1/me: the operator whose key signed the request, and what that key may do. */
import { z } from '@hono/zod-openapi'
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { apiAccess, apiScope, environment, rateLimitTier } from '../../../events/noctant/vocabulary.ts'
import { findOperator } from '../../../projections/noctant/operator.ts'
import { findWebhookEndpoint, type WebhookEndpointRow } from '../../../projections/noctant/webhook.ts'
import { json } from '../../answers.ts'
import { nullableTimeOut, timeOut, uuidOut } from '../../schemas.ts'
import { operatorKey, read } from '../access.ts'

const webhook = z
  .object({
    configured: z.boolean(),
    enabled: z.boolean(),
    event_types: z.array(z.string()).nullable().optional(),
    url_fingerprint: z.string().nullable().optional(),
    url_origin: z.string().nullable().optional(),
  })
  .openapi('OperatorWebhookConfigView')

const view = z
  .object({
    operator_id: uuidOut,
    org_id: uuidOut,
    name: z.string(),
    slug: z.string(),
    status: z.enum(['pending', 'active', 'suspended', 'terminated']).openapi('OperatorStatus'),
    environment: z.enum(environment.options).openapi('OperatorEnvironment'),
    rate_limit_tier: z.enum(rateLimitTier.options).openapi('OperatorRateLimitTier'),
    operator_api_access: z.enum(apiAccess.options).openapi('OperatorApiAccess'),
    operator_api_scopes: z.array(z.enum(apiScope.options)),
    webhook,
    allowed_origins: z.array(z.string()),
    activated_at: nullableTimeOut.optional(),
    created_at: timeOut,
    updated_at: timeOut,
  })
  .openapi('OperatorContextView')

/** The URL itself may hold a secret: where it points and what it hashes to is enough to know it by. */
function webhookView(endpoint: WebhookEndpointRow | undefined) {
  const { enabled, event_types = null, url_fingerprint = null, url_origin = null } = endpoint ?? {}
  return { configured: endpoint !== undefined, enabled: enabled ?? false, event_types, url_fingerprint, url_origin }
}

export const getOperatorContext = read({
  path: '/v1/me',
  id: 'getOperatorContext',
  tags: ['Operator'],
  summary: 'Who the API key speaks for, and what it may do',
  description: 'Answers which operator the key belongs to, what it may do, and where webhooks go. Try a new key on it.',
  access: operatorKey(),
  answer: json(z.object({ operator: view }).openapi('OperatorContextResponse'), 'The operator.'),
  refuses: ['operator_not_found'],
  async handle({ db, principal: { operatorId, scopes } }) {
    const found = await findOperator(db, operatorId)
    if (!found) throw new Rejected('operator_not_found', 'The operator is not in the read models yet.')
    const operator_api_scopes = apiScope.options.filter((scope) => scopes.includes(scope))
    const webhook = webhookView(await findWebhookEndpoint(db, operatorId))
    return { operator: { ...found, operator_api_scopes, webhook } }
  },
})
