/** What the audit API works with: a client of its own on the log, which never stands in the way of the others. */
import { auditRulesOf } from '../../audit/declarations.ts'
import { openRawLog } from '../../audit/raw-log.ts'
import { pinnedSealKeys } from '../../audit/seal-key.ts'
import { createReadingRecorder } from '../../commands/audit/reading.ts'
import type { ApiParts, Served } from '../../context.ts'
import { createOwnersOf } from '../../projections/audit/ownership.ts'
import type { AuditDirectories } from './directories.ts'
import { createAuditParts } from './parts.ts'

/** Auditors whose last reading is remembered. */
const AUDITORS_MAX = 1_000

export async function serveAudit(parts: ApiParts<AuditDirectories>): Promise<Served> {
  const { config, contexts, services, registry, bus, store, db, waiter, clock, vault } = parts
  const log = openRawLog(services.eventStore.url, registry, config.EVENTSTORE_DEADLINE_MS)
  parts.onClose(() => log.close())
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
      limits: {
        eventsMax: config.AUDIT_SCAN_EVENTS_MAX,
        timeMaxMs: config.AUDIT_SCAN_TIME_MAX_MS,
        stateEventsMax: config.AUDIT_STATE_EVENTS_MAX,
        traceEventsMax: config.AUDIT_TRACE_EVENTS_MAX,
        findingsMax: config.AUDIT_FINDINGS_MAX,
        concurrencyMax: config.AUDIT_CONCURRENCY_MAX,
        waitingMax: config.AUDIT_WAITING_PER_OPERATOR_MAX,
        waitMaxMs: config.AUDIT_WAIT_MAX_MS,
      },
    }),
  }
}
