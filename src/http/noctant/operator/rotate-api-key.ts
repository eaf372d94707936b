/** POST /v1/me/rotate-api-key: another key in the place of the one that signed the request, shown this once. */

import { z } from '@hono/zod-openapi'
import { generateApiKey } from '../../../commands/noctant/api-key.ts'
import { operator } from '../../../commands/noctant/operator.ts'
import { environment } from '../../../events/noctant/vocabulary.ts'
import { untilSo } from '../../../runtime/until-so.ts'
import { json, withHeaders } from '../../answers.ts'
import { timeOut } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { requestIdHeader } from '../schemas.ts'

const answer = z
  .object({ api_key: z.string(), api_key_prefix: z.string(), rotated_at: timeOut })
  .openapi('RotateOperatorApiKeyResponse')

/**
 * There is no idempotency key: a caller that lost the answer signs with the old key again and gets yet another one.
 * The answer waits, within bounds, until this process has taken the new key into its directory.
 */
export const rotateOperatorApiKey = write({
  path: '/v1/me/rotate-api-key',
  id: 'rotateOperatorApiKey',
  tags: ['Operator'],
  summary: 'Replace the API key that signs this request',
  description:
    'Makes a key with the same scopes. The one that signed the request works a while longer and then ends by itself.',
  access: operatorKey('api_keys:rotate'),
  rate: 'rotations',
  headers: requestIdHeader,
  answers: {
    200: withHeaders(
      json(answer, 'The new key, shown this once; the old one works a while longer, should this answer get lost.'),
      'cache-control',
    ),
  },
  refuses: ['api_key_limit_reached', 'api_key_not_found', 'operator_not_found'],
  async handle({ bus, principal, credentials, keysPerOperatorMax: keysMax, command, ...times }) {
    const { keyRotationGraceMs, keyKnownWaitMs } = times
    const { operatorId, keyId, environment: of } = principal
    const { at } = command
    const validUntil = new Date(Date.parse(at) + keyRotationGraceMs).toISOString()
    const { key, ...replacement } = generateApiKey(environment.parse(of))
    const rotation = { kind: 'rotateKey', keyId, replacement, validUntil, keysMax, at } as const
    const handled = await bus.handle(operator, operatorId, rotation, command)
    await untilSo(keyKnownWaitMs, () => credentials.find(replacement.keyId) !== undefined)
    const body = { api_key: key, api_key_prefix: `nct_${of}_${replacement.keyId}`, rotated_at: at }
    return { status: 200, headers: { 'cache-control': 'no-store' }, body, handled }
  },
})
