/** Examples of the events around auditors: a key, what was read with it, and its end. */
import type { AuditorEvent } from '../../../src/events/audit/auditor.ts'
import type { ReadingEvent } from '../../../src/events/audit/reading.ts'

export type AuditStoryEvent = AuditorEvent | ReadingEvent

type Examples = {
  readonly [T in AuditStoryEvent['type']]: Extract<AuditStoryEvent, { type: T }>['data']
}

/** `timeAt` is that of examples.ts, which imports this file. */
export function auditExamples(operatorId: string, timeAt: (seconds: number) => string): Examples {
  const keyId = '0000AuditorExample'
  const read = {
    keyId,
    auditor: 'Grace of the auditors',
    operatorId,
    clientAddress: '203.0.113.7',
    upTo: '4711',
    eventsRead: 12,
    continued: false,
    occurredAt: timeAt(610),
  }
  return {
    'audit.AuditorKeyIssued.v1': {
      keyId,
      operatorId,
      name: 'Grace of the auditors',
      scopes: ['audit:read'],
      keyHash: 'ab'.repeat(32),
      occurredAt: timeAt(600),
    },
    'audit.HistoryRead.v1': { ...read, thing: 'ACC-1001' },
    'audit.TraceRead.v1': { ...read, of: 'a request' },
    'audit.StateRead.v1': { ...read, thing: 'ACC-1001', at: timeAt(30), diffFrom: null },
    'audit.VerificationRead.v1': { ...read, stream: null, category: 'noctant.account' },
    'audit.SealsRead.v1': { ...read, upTo: null, eventsRead: 0 },
    'audit.EventsRead.v1': { ...read, filters: 'type=noctant.Account' },
    'audit.AuditorKeyRevoked.v1': { keyId, operatorId, reason: 'the audit is over', occurredAt: timeAt(620) },
  }
}
