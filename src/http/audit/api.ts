/** The audit context's HTTP: its document, its ways of signing in, its refusals and limits, its operations. */
import type { ContextApi } from '../context.ts'
import { uuidRequestIds } from '../request-id.ts'
import { type AuditParts, auditorKey, schemes, verifiers } from './access.ts'
import { auditConsole } from './console/pages.ts'
import { errors } from './errors.ts'
import { operations } from './operations.ts'
import { words } from './words.ts'

export const audit: ContextApi<AuditParts> = {
  name: 'audit',
  info: {
    title: 'Audit API',
    version: 'v1',
    description: [
      'The event log, as auditors read it: who changed what, when, on whose authority, what was true on a given day, and ' +
        'whether anything was altered since.',
      'Every request is signed with an auditor’s key: `Authorization: Bearer audit_…`. A key opens the events of one ' +
        'operator or of all; whatever it does not open is answered as if it were not there.',
      'Every read is itself recorded as an event before it is answered: who asked, what, from where, and how far the ' +
        'log was read. Where it cannot be recorded there is no answer.',
      'One request looks at a bounded number of events. Where that was not enough, the answer has a `next_cursor`; ' +
        'send it with the same question to go on.',
      'Errors are problem documents (RFC 9457) with a `code`, a `request_id` and, where parts of the request are at ' +
        'fault, `errors`. 429 and 503 come with `Retry-After`.',
    ].join('\n\n'),
  },
  words,
  tags: {
    Reading: 'What happened to a thing, what a request has caused, and how things stood at a moment.',
    Verification: 'Whether anything was altered: chains, sums, transitions, and the seals of the log.',
  },
  schemes,
  verifiers,
  access: auditorKey(),
  errors,
  requestIds: uuidRequestIds('x-noctant-request-id'),
  rates: ({ requestsPerMinuteMax }) => ({
    standard: {
      by: 'tenant',
      perMinuteMax: () => requestsPerMinuteMax,
      detail: (max) => `The operator's tier allows ${max} requests per minute.`,
    },
  }),
  operations,
  console: auditConsole,
}
