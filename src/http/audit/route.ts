/** What each of the audit API's routes says of itself beside its own parameters and answers. */
import { z } from '@hono/zod-openapi'
import type { AuditRules } from '../../audit/declarations.ts'
import type { RawLog } from '../../audit/raw-log.ts'
import type { KnownOwners, OwnersOf } from '../../audit/scope.ts'
import type { ReadingRecorder } from '../../commands/audit/reading.ts'
import type { AuditScope } from '../../events/audit/auditor.ts'
import type { PersonKeys } from '../../events/sealing.ts'
import type { AuditorDirectory } from '../../projections/audit/auditors.ts'
import type { Waiter } from '../consistency.ts'
import { type ProblemCode, problems } from '../problem.ts'
import type { Gate } from './gate.ts'

export interface AuditLimits {
  /** Events of the log that one request looks at; then its answer ends with a cursor. */
  eventsMax: number
  /** Events that the state of one thing may be made of. */
  stateEventsMax: number
  /** Time for one request's walk over the log; then its answer ends with a cursor. */
  timeMaxMs: number
  /** Steps of one trace. */
  traceEventsMax: number
  /** Findings in one answer. */
  findingsMax: number
  /** Requests that walk over the log at the same time. */
  concurrencyMax: number
}

/** What the handlers work with. */
export interface AuditDeps {
  log: RawLog
  rules: AuditRules
  /** The keys that seals are held against; without any, none is judged. */
  sealKeys: readonly string[]
  ownersOf: OwnersOf
  knownOwners: KnownOwners
  /** For the personal fields of what is shown. */
  personKeys: PersonKeys | undefined
  recorder: ReadingRecorder
  auditors: Pick<AuditorDirectory, 'find'>
  gate: Gate
  limits: AuditLimits
  waiter: Waiter
  /** How long a question waits for the read models, which know what belongs to whom. */
  waitMs: number
  trustProxy: boolean
  /** Now, in UTC. */
  clock: () => Date
}

/** The part of a route that makes it one for auditors. */
export const forAuditor = (...scopes: AuditScope[]) => ({
  security: [{ auditorBearerAuth: [] }],
  'x-required-scopes': scopes,
})

const problemDocument = z
  .object({
    type: z.string().openapi({ description: 'Names the kind of problem.', example: 'urn:opslog:problem:audit_busy' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: 'What is the matter with this request, in a sentence.' }),
    code: z.string().openapi({ description: 'The kind of problem, for programs.', example: 'audit_busy' }),
    request_id: z.string().openapi({ description: 'Under which the instance’s log knows the request.' }),
    errors: z
      .array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() }))
      .optional()
      .openapi({ description: 'The parts of the request that are at fault.' }),
  })
  .openapi('Problem')

/** What a read may be refused with. */
const CODES: readonly ProblemCode[] = [
  'validation_failed',
  'malformed_request',
  'audit_too_large',
  'credential_missing',
  'credential_invalid',
  'credential_elsewhere',
  'scope_missing',
  'audit_subject_not_found',
  'audit_busy',
  'rate_limit_exceeded',
  'dependency_unavailable',
  'read_model_behind',
]
const STATUSES = [400, 401, 403, 404, 429, 503] as const
type Refused = { content: { 'application/problem+json': { schema: typeof problemDocument } }; description: string }

/** The refusals, as each route documents them. */
export const auditProblems = Object.fromEntries(
  STATUSES.map((status) => {
    const codes = CODES.filter((code) => problems[code].status === status)
    const description = `Refused: ${codes.join(', ')}.`
    return [status, { content: { 'application/problem+json': { schema: problemDocument } }, description }]
  }),
) as Record<(typeof STATUSES)[number], Refused>
