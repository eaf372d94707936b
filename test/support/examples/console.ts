/** Examples of the events around the console: a link, two sessions, and their ends. */
import type { AccessLinkEvent } from '../../../src/events/console/access-link.ts'
import type { SessionEvent } from '../../../src/events/console/session.ts'

export type ConsoleStoryEvent = AccessLinkEvent | SessionEvent

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
    'console.SessionEnded.v1': { ...session, reason: 'signed_out', occurredAt: timeAt(920) },
  }
}
