/** The noctant context, as the application puts it together: its document, its keys, its operations. */

import { createKeyProof } from '../../api-keys/key-proof.ts'
import { parseApiKey } from '../../commands/noctant/api-key.ts'
import type { Credential, CredentialDirectory } from '../../projections/noctant/credentials.ts'
import type { Verdict } from '../auth.ts'
import type { ContextDefinition } from '../context.ts'
import type { NoctantDeps } from './route.ts'
import { noctantOperations } from './routes.ts'

export const noctant: ContextDefinition<NoctantDeps> = {
  name: 'noctant',
  info: {
    title: 'Noctant Operator API',
    version: 'v1',
    description: [
      'Users, sponsored accounts and their trading, for operators.',
      'Every request is signed with an API key: `Authorization: Bearer nct_…`.',
      'Errors are problem documents (RFC 9457) with a `code`, a `request_id` and, where fields are at fault, `errors`.',
      'A write that is sent again, under its idempotency key or its natural key, is answered as it was the first time, ' +
        'with `Idempotency-Replayed: true`, and has no second effect.',
      'Answers carry `x-opslog-position`; a read that sends it back sees everything up to that position.',
      'Limits show in `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`; decimals are text.',
    ].join('\n\n'),
  },
  securityScheme: 'operatorBearerAuth',
  operations: noctantOperations,
}

/**
 * Checks keys against the directory. A revoked key, and a replaced one whose grace is over by the clock, are answered
 * like an unknown one.
 */
export function keyVerifier(
  credentials: Pick<CredentialDirectory, 'find'>,
  clock: () => Date,
): (key: string) => Verdict {
  const proven = createKeyProof<Credential>({
    idOf: (text) => parseApiKey(text)?.keyId,
    find: (keyId) => credentials.find(keyId),
    hashOf: ({ key }) => key.key_hash,
  })
  return (text) => {
    const found = proven(text)
    if (!found) return { kind: 'invalid' }
    const { key, operator } = found
    if (key.revoked_at !== null || key.environment !== operator.environment) return { kind: 'invalid' }
    if (key.valid_until !== null && Date.parse(key.valid_until) <= clock().getTime()) return { kind: 'invalid' }
    if (operator.status !== 'active') return { kind: 'operator_suspended' }
    if (operator.operator_api_access === 'disabled') return { kind: 'api_access_disabled' }
    return {
      kind: 'valid',
      principal: {
        operatorId: operator.operator_id,
        orgId: operator.org_id,
        environment: operator.environment,
        keyId: key.key_id,
        scopes: key.scopes,
        rateLimitTier: operator.rate_limit_tier,
      },
    }
  }
}
