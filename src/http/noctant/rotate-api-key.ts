/** POST /v1/me/rotate-api-key: another key in the place of the one that signed the request, shown this once. */
import { setTimeout as delay } from 'node:timers/promises'
import { createRoute, z } from '@hono/zod-openapi'
import { generateApiKey } from '../../commands/noctant/api-key.ts'
import { operator } from '../../commands/noctant/operator.ts'
import { environment } from '../../events/noctant/vocabulary.ts'
import { waitForReadModels } from '../consistency.ts'
import { plainCommand } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { timeOut } from '../schemas.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { requestIdHeader } from './schemas.ts'

const answer = z
  .object({ api_key: z.string(), api_key_prefix: z.string(), rotated_at: timeOut })
  .openapi('RotateOperatorApiKeyResponse')

const route = createRoute({
  method: 'post',
  path: '/v1/me/rotate-api-key',
  operationId: 'rotateOperatorApiKey',
  tags: ['Operator'],
  summary: 'Replace the API key that signs this request',
  ...forOperator('api_keys:rotate'),
  request: { headers: requestIdHeader },
  responses: {
    200: json(answer, 'The new key, shown this once; the old one works a while longer, should this answer get lost.'),
    ...problemResponses,
  },
})

const KNOWN_POLL_MS = 5

/**
 * There is no idempotency key: a caller that lost the answer signs with the old key again and gets yet another one.
 * The answer waits, within bounds, until this process has taken the new key into its directory.
 */
export const rotateOperatorApiKey = operation(
  route,
  ({ bus, clock, credentials, keyRotationGraceMs, ...consistency }: NoctantDeps) =>
    async (c) => {
      const { operatorId, keyId, environment: of } = c.get('principal')
      const now = clock()
      const at = now.toISOString()
      const validUntil = new Date(now.getTime() + keyRotationGraceMs).toISOString()
      const { key, ...replacement } = generateApiKey(environment.parse(of))
      const command = { kind: 'rotateKey', keyId, replacement, validUntil, at } as const
      const handled = await bus.handle(operator, operatorId, command, plainCommand(c, { at }))
      await waitForReadModels(c, handled.position, consistency)
      const deadlineMs = performance.now() + consistency.waitMs
      while (!credentials.find(replacement.keyId) && performance.now() < deadlineMs) await delay(KNOWN_POLL_MS)
      c.header('cache-control', 'no-store')
      return c.json({ api_key: key, api_key_prefix: `nct_${of}_${replacement.keyId}`, rotated_at: at }, 200)
    },
)
