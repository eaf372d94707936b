/** Auditors' keys: what may be shown of them, and the hash that a presented key is compared with. */
import type { AuditorEvent, AuditScope } from '../../events/audit/auditor.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { auditTables } from './tables.ts'

export const auditorKeys = defineTable({
  name: 'audit_auditor_keys',
  key: ['key_id'],
  columns: {
    key_id: text,
    /** Whose events it opens; null: everybody's. */
    operator_id: uuid.orNull,
    name: text,
    scopes: text.of<AuditScope>().array,
    /** SHA-256 of the key, hex. */
    key_hash: text,
    revoked_at: time.orNull,
    created_at: time,
  },
})
export type AuditorKeyRow = RowOf<typeof auditorKeys>

export const auditorKeyProjection = defineProjection<AuditorEvent>({
  name: 'audit.auditorKey',
  version: 1,
  onPoison: 'park',
  tables: [auditorKeys],
  handlers: {
    'audit.AuditorKeyIssued.v1': ({ data }) => [
      upsert(auditorKeys, { ...snake(data), revoked_at: null, created_at: data.occurredAt }),
    ],
    'audit.AuditorKeyRevoked.v1': ({ data }) => [
      patch(auditorKeys, snake(data, 'keyId'), { revoked_at: data.occurredAt }),
    ],
  },
})

/** Every auditor's key, revoked ones too, oldest first, at most `limit`. */
export const listAuditorKeys = (db: ReadModels, limit = 1_000): Promise<AuditorKeyRow[]> =>
  auditTables(db)
    .selectFrom('audit_auditor_keys')
    .selectAll()
    .orderBy('created_at')
    .orderBy('key_id')
    .limit(limit)
    .execute()
