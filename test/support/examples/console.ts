/** Examples of the events around the console: a link, two sessions, and their ends. */
import type { AccessLinkEvent } from '../../../src/events/console/access-link.ts'
import type { JobEvent } from '../../../src/events/console/job.ts'
import type { SessionEvent } from '../../../src/events/console/session.ts'

export type ConsoleStoryEvent = AccessLinkEvent | JobEvent | SessionEvent

type Examples = {
  readonly [T in ConsoleStoryEvent['type']]: Extract<ConsoleStoryEvent, { type: T }>['data']
}

/** `uuidOf` and `timeAt` are those of examples.ts, which imports this file. */
export function consoleExamples(
  operatorId: string,
  uuidOf: (name: string) => string,
  timeAt: (seconds: number) => string,
): Examples {
  const session = { sessionId: uuidOf('console session'), tenantId: operatorId }
  const job = { jobId: uuidOf('console job') }
  return {
    'console.AccessLinkIssued.v1': {
      linkId: uuidOf('console link'),
      tokenHash: 'cd'.repeat(32),
      issuedBy: 'grace',
      isReadOnly: false,
      expiresAt: timeAt(900),
      occurredAt: timeAt(600),
    },
    'console.SessionStarted.v1': {
      ...session,
      tokenHash: 'ef'.repeat(32),
      audience: 'operator',
      name: operatorId,
      context: 'noctant',
      keyId: '0000OperatorExample',
      linkId: null,
      isReadOnly: false,
      clientAddress: '203.0.113.7',
      expiresAt: timeAt(43_800),
      occurredAt: timeAt(610),
    },
    'console.SessionUsed.v1': { ...session, occurredAt: timeAt(900) },
    'console.JobRequested.v1': {
      ...job,
      ...{ kind: 'rebuild', context: null, projection: 'noctant.order', stream: null, category: null },
      ...{ reason: 'a row was edited by hand', requestedBy: 'grace', occurredAt: timeAt(700) },
    },
    'console.JobStarted.v1': { ...job, run: 1, occurredAt: timeAt(701) },
    'console.JobProgressed.v1': { ...job, percent: 40, events: 1_200, eventsPerSecond: 600, occurredAt: timeAt(703) },
    'console.JobCancelRequested.v1': { ...job, reason: 'the wrong one', occurredAt: timeAt(704) },
    'console.JobFinished.v1': {
      ...job,
      ...{ outcome: 'done', error: null, log: 'rebuild: 40 %, 1200 events, 600/s, 3 s left' },
      tables: [{ table: 'noctant_orders', rowsLive: 12, rowsRebuilt: 12, rowsDiffering: 1 }],
      findings: [
        {
          ...{ kind: 'hash', stream: 'noctant.account-1', revision: '3', position: '1234' },
          ...{ type: 'noctant.AccountOpened.v1', detail: 'the hash does not follow from the event' },
        },
      ],
      ...{ findingsTotal: 1, figures: { events: 3_000, duration_ms: 5_000 }, occurredAt: timeAt(706) },
    },
    'console.SessionEnded.v1': { ...session, reason: 'signed_out', occurredAt: timeAt(920) },
  }
}
