/** All tables of this context, as its queries know them. */
import { queriesOver } from '../../postgres/queries.ts'
import type { TablesOf } from '../projection.ts'
import type { auditorKeys } from './auditor-key.ts'

export type AuditTables = TablesOf<typeof auditorKeys>

/** The database, for queries over this context's tables. */
export const { tables: auditTables } = queriesOver<AuditTables>()
