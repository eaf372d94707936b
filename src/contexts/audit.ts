/** Audit: the event log as auditors read it, with keys of their own; every read is an event. */
import { auditor } from '../commands/audit/auditor.ts'
import type { Context } from '../context.ts'
import { auditorEvents } from '../events/audit/auditor.ts'
import { READING_CATEGORY, readingEvents } from '../events/audit/reading.ts'
import { auditSentences } from '../events/audit/sentences.ts'
import { inStreams } from '../events/registry.ts'
import type { AuditDirectories } from '../http/audit/directories.ts'
import { auditSettings } from '../processes/audit/settings.ts'
import { auditorKeyProjection } from '../projections/audit/auditor-key.ts'

export const audit: Context<AuditDirectories> = {
  name: 'audit',
  events: {
    ...inStreams({ [auditor.category]: auditorEvents, [READING_CATEGORY]: readingEvents }),
    sentences: auditSentences,
    tenant: 'operatorId',
    things: ['keyId'],
  },
  settings: auditSettings,
  aggregates: [auditor],
  projections: [auditorKeyProjection],
  books: { categories: [READING_CATEGORY], readings: [READING_CATEGORY] },
  directories: async () => (await import('../http/audit/directories.ts')).auditDirectories(),
  processes: [],
  serve: async (parts) => (await import('../http/audit/serve.ts')).serveAudit(parts),
  api: async () => (await import('../http/audit/api.ts')).audit,
}
