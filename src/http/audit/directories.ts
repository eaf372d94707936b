/** What the audit API keeps in memory of the log. */
import { createAuditorDirectory } from '../../projections/audit/auditors.ts'

export const auditDirectories = () => ({ auditors: createAuditorDirectory() })
export type AuditDirectories = ReturnType<typeof auditDirectories>
