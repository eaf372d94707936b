/** All tables of this context, as its queries know them. */
import { databaseOf, type ReadModels } from '../../postgres/database.ts'
import type { AuditorKeyRow } from './auditor-key.ts'

export interface AuditTables {
  audit_auditor_keys: AuditorKeyRow
}

/** The database, for queries over this context's tables. */
export const auditTables = (db: ReadModels) => databaseOf<AuditTables>(db)
