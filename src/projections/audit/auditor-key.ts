/** Auditors' keys: what may be shown of them, and the hash that a presented key is compared with. */
import type { AuditorEvent, AuditScope } from '../../events/audit/auditor.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, patch, upsert } from '../projection.ts'
import { auditTables } from './tables.ts'

export type AuditorKeyRow = {
  key_id: string
  /** Whose events it opens; null: everybody's. */
  operator_id: string | null
  name: string
  scopes: AuditScope[]
  /** SHA-256 of the key, hex. */
  key_hash: string
  revoked_at: string | null
  created_at: string
}

export const auditorKeys = defineTable<AuditorKeyRow, 'key_id'>({
  name: 'audit_auditor_keys',
  key: ['key_id'],
  columns: {
    key_id: 'text NOT NULL',
    operator_id: 'uuid',
    name: 'text NOT NULL',
    scopes: 'text[] NOT NULL',
    key_hash: 'text NOT NULL',
    revoked_at: 'timestamptz(3)',
    created_at: 'timestamptz(3) NOT NULL',
  },
})

export const auditorKeyProjection = defineProjection<AuditorEvent>({
  name: 'audit.auditorKey',
  version: 1,
  onPoison: 'park',
  tables: [auditorKeys],
  handlers: {
    'audit.AuditorKeyIssued.v1': ({ data }) => [
      upsert(auditorKeys, {
        key_id: data.keyId,
        operator_id: data.operatorId,
        name: data.name,
        scopes: data.scopes,
        key_hash: data.keyHash,
        revoked_at: null,
        created_at: data.occurredAt,
      }),
    ],
    'audit.AuditorKeyRevoked.v1': ({ data }) => [
      patch(auditorKeys, { key_id: data.keyId }, { revoked_at: data.occurredAt }),
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
