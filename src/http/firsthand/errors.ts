/** Firsthand's refusals: the status and the type of every code, and the body that all of them have. */
import { z } from '@hono/zod-openapi'
import type { RejectionCode } from '../../commands/firsthand/rejection.ts'
import { type ErrorEntry, type ErrorTable, type FieldError, type KernelCode, kernelErrors } from '../errors.ts'
import { help } from './help.ts'

/** Of links, which no command knows. */
type LinkCode =
  | 'link_invalid'
  | 'link_expired'
  | 'object_not_found'
  | 'upload_differs'
  | 'upload_exists'
  | 'upload_too_long'
  | 'range_not_satisfiable'
  | 'transfers_full'

export type FirsthandCode = RejectionCode | LinkCode | 'form_foreign'

const errorType = z.enum([
  'invalid_request',
  'authentication_error',
  'authorization_error',
  'not_found',
  'conflict',
  'rate_limit_exceeded',
  'validation_error',
  'insufficient_credits',
  'internal_error',
])
type ErrorType = z.infer<typeof errorType>

/** Callers see one of few types; a status of its own for each of them but two. */
const TYPES: Readonly<Record<number, ErrorType>> = {
  401: 'authentication_error',
  402: 'insufficient_credits',
  403: 'authorization_error',
  404: 'not_found',
  409: 'conflict',
  422: 'validation_error',
  429: 'rate_limit_exceeded',
  500: 'internal_error',
  503: 'internal_error',
}
const typed = (entry: ErrorEntry): ErrorEntry => ({ ...entry, shownAs: TYPES[entry.status] ?? 'invalid_request' })

/** What the request cannot be read for is 400; what was read and does not fit is 422. */
const kernel: Record<KernelCode, ErrorEntry> = {
  ...kernelErrors,
  validation_failed: { ...kernelErrors.validation_failed, status: 422 },
  // 403 is for organizations and keys that may not; a worker's token says nothing of either, nor a buyer's key of a worker.
  credential_elsewhere: { ...kernelErrors.credential_elsewhere, status: 401 },
}

const own: Record<Exclude<FirsthandCode, KernelCode>, ErrorEntry> = {
  insufficient_credits: { status: 402, title: 'The credits do not suffice' },
  credits_owed: { status: 402, title: 'A payment that went back is owed' },
  organization_suspended: { status: 403, title: 'The organization is suspended' },
  worker_suspended: { status: 403, title: 'The worker is suspended' },
  key_beyond_own: { status: 403, title: 'The key that asks may do less' },
  organization_not_found: { status: 404, title: 'The organization does not exist' },
  api_key_not_found: { status: 404, title: 'The API key does not exist' },
  job_not_found: { status: 404, title: 'The job does not exist' },
  claim_not_found: { status: 404, title: 'The claim does not exist' },
  submission_not_found: { status: 404, title: 'The submission does not exist' },
  worker_not_found: { status: 404, title: 'The worker does not exist' },
  organization_exists: { status: 409, title: 'The organization exists already' },
  api_key_limit_reached: { status: 409, title: 'There are too many API keys that work' },
  api_key_ended: { status: 409, title: 'The API key works no more' },
  webhook_not_configured: { status: 404, title: 'The webhook endpoint does not exist' },
  webhook_event_not_found: { status: 404, title: 'The webhook event does not exist' },
  webhook_limit_reached: { status: 409, title: 'There are too many webhook endpoints' },
  webhook_disabled: { status: 409, title: 'The webhook endpoint is disabled' },
  webhook_secret_hidden: { status: 409, title: 'The secret is shown no more' },
  webhook_url_refused: { status: 422, title: 'Webhooks do not go to this URL' },
  job_completed: { status: 409, title: 'The job is completed' },
  job_ended: { status: 409, title: 'The job has ended' },
  no_free_seat: { status: 409, title: 'The job has no free seat' },
  open_claims_reached: { status: 409, title: 'There are too many open claims' },
  daily_claims_reached: { status: 409, title: 'There were too many claims today' },
  claim_ended: { status: 409, title: 'The claim has ended' },
  claim_submitted: { status: 409, title: 'The claim is submitted' },
  upload_missing: { status: 409, title: 'No file has arrived' },
  submission_not_rejected: { status: 409, title: 'The submission is not rejected' },
  submission_duplicate: { status: 409, title: 'The file was submitted before' },
  attempts_used: { status: 409, title: 'There are no attempts left' },
  worker_token_limit_reached: { status: 409, title: 'There are too many tokens that work' },
  earnings_too_low: { status: 409, title: 'The worker is owed less' },
  api_key_expiry_passed: { status: 422, title: 'The key would have ended' },
  fee_below_floor: { status: 422, title: 'The fee is too low' },
  top_up_incomplete: { status: 422, title: 'The top-up lacks a figure' },
  credits_out_of_range: { status: 422, title: 'The amount cannot be taken' },
  credits_end_passed: { status: 422, title: 'The credits would have ended' },
  upload_differs: { status: 400, title: 'The upload is not what the link is for' },
  form_foreign: { status: 403, title: 'The form is not from this page' },
  link_invalid: { status: 403, title: 'The link is not valid' },
  link_expired: { status: 403, title: 'The link has ended' },
  object_not_found: { status: 404, title: 'The file is not there' },
  upload_exists: { status: 409, title: 'The link was used' },
  upload_too_long: { status: 413, title: 'The upload is longer than the link is for' },
  range_not_satisfiable: { status: 416, title: 'The file ends before that range' },
  transfers_full: { status: 503, title: 'Too many files are under way', retryAfterS: 5 },
}

/** `/accepted_formats/1` → `accepted_formats.1`, `query/limit` → `limit`, `header/idempotency-key` → `Idempotency-Key`. */
function fieldOf(pointer: string): string | undefined {
  const [place = '', ...path] = pointer.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (place === 'header') return path.join('/').replaceAll(/(^|-)[a-z]/g, (letters) => letters.toUpperCase())
  return path.length === 0 ? undefined : path.join('.')
}

const detailOf = ({ pointer, code, detail: message }: FieldError) => ({ field: fieldOf(pointer), message, code })

export const errors: ErrorTable<FirsthandCode> = {
  codes: Object.fromEntries(
    Object.entries({ ...kernel, ...own }).map(([code, entry]) => [code, typed(entry)]),
  ) as Record<FirsthandCode | KernelCode, ErrorEntry>,
  help,
  body: ({ code: type, detail: message, errors: details, requestId: request_id }) => ({
    error: { type, message, request_id, ...(details.length > 0 && { details: details.map(detailOf) }) },
  }),
  schema: z
    .object({
      error: z.object({
        type: errorType,
        message: z.string(),
        request_id: z.string(),
        details: z
          .array(z.object({ field: z.string().optional(), message: z.string(), code: z.string().optional() }))
          .optional(),
      }),
    })
    .openapi('ErrorResponse'),
}
