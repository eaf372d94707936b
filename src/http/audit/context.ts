/** The audit context, as the application puts it together: its document, its keys, its operations. */

import { createKeyProof } from '../../api-keys/key-proof.ts'
import { auditorKeyIdOf } from '../../commands/audit/auditor-key.ts'
import type { AuditorKeyRow } from '../../projections/audit/auditor-key.ts'
import type { AuditorDirectory } from '../../projections/audit/auditors.ts'
import type { Verdict } from '../auth.ts'
import type { ContextDefinition } from '../context.ts'
import { ALL_OPERATORS } from './reading.ts'
import type { AuditDeps } from './route.ts'
import { auditOperations } from './routes.ts'

export const audit: ContextDefinition<AuditDeps> = {
  name: 'audit',
  info: {
    title: 'Audit API',
    version: 'v1',
    description: [
      'The event log, as auditors read it: who changed what, when, on whose authority, what was true on a given day, and ' +
        'whether anything was altered since.',
      'Every request is signed with an auditor’s key: `Authorization: Bearer audit_…`. A key opens the events of one ' +
        'operator or of all; whatever it does not open is answered as if it were not there.',
      'Every read is itself recorded as an event before it is answered: who asked, what, from where, and how far the ' +
        'log was read. Where it cannot be recorded there is no answer.',
      'One request looks at a bounded number of events. Where that was not enough, the answer has a `next_cursor`; ' +
        'send it with the same question to go on.',
      'Errors are problem documents (RFC 9457) with a `code`, a `request_id` and, where parts of the request are at ' +
        'fault, `errors`. 429 and 503 come with `Retry-After`.',
    ].join('\n\n'),
  },
  securityScheme: 'auditorBearerAuth',
  securityDescription: 'The key of an auditor.',
  problemType: 'application/problem+json',
  operations: auditOperations,
}

/** Checks keys against the directory. A revoked key is answered like an unknown one. */
export function auditorVerifier(auditors: Pick<AuditorDirectory, 'find'>): (key: string) => Verdict {
  const proven = createKeyProof<AuditorKeyRow>({
    idOf: auditorKeyIdOf,
    find: (keyId) => auditors.find(keyId),
    hashOf: ({ key_hash }) => key_hash,
  })
  return (text) => {
    const found = proven(text)
    if (!found || found.revoked_at !== null) return { kind: 'invalid' }
    return {
      kind: 'valid',
      principal: {
        operatorId: found.operator_id ?? ALL_OPERATORS,
        orgId: '',
        environment: '',
        keyId: found.key_id,
        scopes: found.scopes,
        rateLimitTier: 'standard',
      },
    }
  }
}
