/** The audit API's refusals, as problem documents (RFC 9457). */
import { z } from '@hono/zod-openapi'
import { type ErrorTable, kernelErrors, Problem, problemDocument } from '../errors.ts'
import { help } from './help.ts'

export type AuditCode = 'audit_subject_not_found' | 'audit_too_large' | 'audit_busy'

const document = z
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

export const errors: ErrorTable<AuditCode> = {
  codes: {
    ...kernelErrors,
    audit_too_large: { status: 400, title: 'The question takes more events than one request may read' },
    audit_subject_not_found: { status: 404, title: 'Nothing is known of this' },
    audit_busy: { status: 429, title: 'Too many audit requests at a time', retryAfterS: 1 },
  },
  help,
  body: problemDocument,
  schema: document,
  mediaType: 'application/problem+json',
}

/** A refusal by one of the audit API's own codes. */
export const refuse = (code: AuditCode, detail: string) => new Problem<AuditCode>(code, detail)
