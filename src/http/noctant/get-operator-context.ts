/** GET /v1/me: the operator whose key signed the request, and what that key may do. */
import { createRoute, z } from '@hono/zod-openapi'
import { Rejected } from '../../commands/rejection.ts'
import { apiAccess, apiScope, environment, rateLimitTier } from '../../events/noctant/vocabulary.ts'
import { findOperator } from '../../projections/noctant/operator.ts'
import { findWebhookEndpoint, type WebhookEndpointRow } from '../../projections/noctant/webhook.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { nullableTimeOut, timeOut, uuidOut } from '../schemas.ts'
import { forOperator, type NoctantDeps } from './route.ts'

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

const route = createRoute({
  method: 'get',
  path: '/v1/me',
  operationId: 'getOperatorContext',
  tags: ['Operator'],
  summary: 'Who the API key speaks for, and what it may do',
  ...forOperator(),
  responses: {
    200: json(z.object({ operator: view }).openapi('OperatorContextResponse'), 'The operator.'),
    ...problemResponses,
  },
})

export const getOperatorContext = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const { operatorId, scopes } = c.get('principal')
  const operator = await findOperator(db, operatorId)
  if (!operator) throw new Rejected('operator_not_found', 'The operator is not in the read models yet.')
  const granted = apiScope.options.filter((scope) => scopes.includes(scope))
  return c.json(
    {
      operator: {
        ...operator,
        operator_api_scopes: granted,
        webhook: webhookView(await findWebhookEndpoint(db, operatorId)),
      },
    },
    200,
  )
})
