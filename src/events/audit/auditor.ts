/**
 * Facts of an auditor's key: who may read the log through the API, and whose part of it. Stream `audit.auditor-<keyId>`.
 * Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'

/** What an auditor's key may be allowed to do. */
const auditScope = z.enum(['audit:read'])
export type AuditScope = z.infer<typeof auditScope>

const key = {
  keyId: z.string(),
  /** Whose events it opens; null: everybody's. */
  operatorId: z.uuid().nullable(),
  occurredAt: z.iso.datetime(),
}

export const auditorEvents = {
  'audit.AuditorKeyIssued.v1': z.object({
    ...key,
    /** Whom it was given to. */
    name: z.string(),
    scopes: z.array(auditScope),
    /** SHA-256 of the whole key, hex; the key itself is shown once and kept nowhere. */
    keyHash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  'audit.AuditorKeyRevoked.v1': z.object({ ...key, reason: z.string().nullable() }),
}
export type AuditorEvent = EventOf<typeof auditorEvents>
