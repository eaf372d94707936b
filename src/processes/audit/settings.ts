/** Variables of the environment for what auditors ask: how much one request looks at, and how many ask at a time. */
import { z } from 'zod'
import { count, milliseconds } from '../../runtime/setting.ts'

export const auditSettings = z.object({
  AUDIT_SCAN_EVENTS_MAX: count(200_000).describe('events that one audit request looks at; a cursor goes on'),
  AUDIT_SCAN_TIME_MAX_MS: milliseconds(10_000).describe('time for the same'),
  AUDIT_STATE_EVENTS_MAX: count(200_000).describe('events that the state of one thing is folded from'),
  AUDIT_TRACE_EVENTS_MAX: count(300).describe('steps that one trace shows'),
  AUDIT_FINDINGS_MAX: count(1_000).describe('findings that one verification shows'),
  AUDIT_REQUESTS_PER_MINUTE_MAX: count(600).describe(
    'requests of all keys for the events of one operator together, or of all keys for those of everybody',
  ),
  AUDIT_CONCURRENCY_MAX: count(2).describe('audit requests at a time; more wait their turn'),
  AUDIT_WAITING_PER_OPERATOR_MAX: count(4).describe(
    'audit requests of one operator’s auditors that wait; more are 429',
  ),
  AUDIT_WAIT_MAX_MS: milliseconds(5_000).describe('how long they wait'),
  TRACE_URL_TEMPLATE: z
    .string()
    .regex(/^https?:\/\/[^\s{}]+\{trace_id\}[^\s{}]*$/, 'is to be an address with {trace_id} in it')
    .optional()
    .describe(
      'where the spans of a trace are shown, as https://traces.example.com/{trace_id}; the console links there',
    ),
})
