/** What the audit API works with: a client of its own on the log, which never stands in the way of the others. */
import { auditRulesOf } from '../../audit/declarations.ts'
import { openRawLog } from '../../audit/raw-log.ts'
import { pinnedSealKeys } from '../../audit/seal-key.ts'
import { createReadingRecorder } from '../../commands/audit/reading.ts'
import type { ApiParts, Served } from '../../context.ts'
import { auditSettings } from '../../processes/audit/settings.ts'
import { createOwnersOf } from '../../projections/audit/ownership.ts'
import type { AuditDirectories } from './directories.ts'
import { createAuditParts } from './parts.ts'

/** Auditors whose last reading is remembered. */
const AUDITORS_MAX = 1_000

export async function serveAudit(parts: ApiParts<AuditDirectories>): Promise<Served> {
  const { config, contexts, services, registry, bus, store, db, waiter, clock, vault } = parts
  const log = openRawLog(services.eventStore.url, registry, config.EVENTSTORE_DEADLINE_MS)
  parts.onClose(() => log.close())
  const own = parts.settings(auditSettings)
  const limits = { auditorsMax: AUDITORS_MAX, conflictRetriesMax: config.CONFLICT_RETRIES_MAX }
  return {
    parts: createAuditParts({
      ...{ bus, db, waiter, clock: clock.now, log, personKeys: vault },
      rules: auditRulesOf(contexts),
      sealKeys: pinnedSealKeys(config.SEAL_PUBLIC_KEYS),
      caughtUp: () => parts.caughtUp((prefix) => log.head(({ type }) => type.startsWith(prefix))),
      ownersOf: createOwnersOf(db, contexts),
      recorder: createReadingRecorder(store, limits),
      ...{ auditors: parts.directories.auditors, logReaders: parts.logReaders },
      requestsPerMinuteMax: own.AUDIT_REQUESTS_PER_MINUTE_MAX,
      traceUrlTemplate: own.TRACE_URL_TEMPLATE,
      limits: {
        eventsMax: own.AUDIT_SCAN_EVENTS_MAX,
        timeMaxMs: own.AUDIT_SCAN_TIME_MAX_MS,
        stateEventsMax: own.AUDIT_STATE_EVENTS_MAX,
        traceEventsMax: own.AUDIT_TRACE_EVENTS_MAX,
        findingsMax: own.AUDIT_FINDINGS_MAX,
        concurrencyMax: own.AUDIT_CONCURRENCY_MAX,
        waitingMax: own.AUDIT_WAITING_PER_OPERATOR_MAX,
        waitMaxMs: own.AUDIT_WAIT_MAX_MS,
      },
    }),
  }
}
