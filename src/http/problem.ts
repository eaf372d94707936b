/**
 * Everything that can go wrong, as the caller sees it: a problem document (RFC 9457) with a code for programs, a sentence
 * for people and the request's id. One table gives each code its status; the documented responses follow from it.
 */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { Rejected, type RejectionCode } from '../commands/rejection.ts'
import { NoSuchPosition } from '../events/raw-events.ts'
import { PersonForgotten, PersonKeysUnavailable } from '../events/sealing.ts'
import { AppendRefused, StoreUnavailable } from '../events/store.ts'
import { isUnavailable } from '../postgres/database.ts'
import { MalformedJson } from './json.ts'

/** What HTTP itself refuses; the domain's refusals are RejectionCodes. */
export type HttpCode =
  | 'validation_failed'
  | 'malformed_json'
  | 'malformed_request'
  | 'credential_missing'
  | 'credential_invalid'
  | 'operator_suspended'
  | 'api_access_disabled'
  | 'scope_missing'
  | 'credential_elsewhere'
  | 'route_not_found'
  | 'attempt_not_found'
  | 'historical_session_not_found'
  | 'audit_subject_not_found'
  | 'audit_too_large'
  | 'audit_busy'
  | 'method_not_allowed'
  | 'body_too_large'
  | 'content_type_unsupported'
  | 'rate_limit_exceeded'
  | 'internal_error'
  | 'dependency_unavailable'
  | 'append_too_large'
  | 'append_refused'
  | 'read_model_behind'

export type ProblemCode = RejectionCode | HttpCode

/** The status and the title of every code: the one place where a refusal meets a status. */
export const problems: Record<ProblemCode, { status: ContentfulStatusCode; title: string }> = {
  validation_failed: { status: 400, title: 'The request does not fit its schema' },
  malformed_json: { status: 400, title: 'The body cannot be read' },
  malformed_request: { status: 400, title: 'The request cannot be read' },
  invalid_amount: { status: 400, title: 'The amount cannot be used' },
  invalid_currency: { status: 400, title: 'The currency is unknown' },
  status_not_settable: { status: 400, title: 'The status cannot be set' },
  settlement_reference_missing: { status: 400, title: 'The payment needs a reference' },
  kyc_report_invalid: { status: 400, title: 'The KYC report is incomplete' },
  market_range_invalid: { status: 400, title: 'The market range cannot be used' },
  origin_invalid: { status: 400, title: 'The origin cannot be used' },
  launch_route_invalid: { status: 400, title: 'The route cannot be used' },
  launch_return_invalid: { status: 400, title: 'The return URL cannot be used' },
  launch_mode_invalid: { status: 400, title: 'The product mode does not go with this launch' },
  backtest_invalid: { status: 400, title: 'The backtest cannot be read from the route' },
  webhook_url_refused: { status: 400, title: 'The webhook URL cannot be used' },
  webhook_event_type_unknown: { status: 400, title: 'The event type is not delivered' },
  webhook_window_invalid: { status: 400, title: 'The window cannot be used' },
  audit_too_large: { status: 400, title: 'The question takes more events than one request may read' },
  credential_missing: { status: 401, title: 'An API key is needed' },
  credential_invalid: { status: 401, title: 'The API key is not valid' },
  operator_suspended: { status: 403, title: 'The operator is suspended' },
  api_access_disabled: { status: 403, title: 'The operator has no access to the API' },
  credential_elsewhere: { status: 403, title: 'The API key belongs to another part of the API' },
  scope_missing: { status: 403, title: 'The API key lacks a scope' },
  feed_not_granted: { status: 403, title: 'The feed is not granted for this range' },
  route_not_found: { status: 404, title: 'There is nothing at this address' },
  attempt_not_found: { status: 404, title: 'The attempt does not exist' },
  operator_not_found: { status: 404, title: 'The operator does not exist' },
  api_key_not_found: { status: 404, title: 'The API key does not exist' },
  api_key_limit_reached: { status: 409, title: 'There are too many API keys that work' },
  user_not_found: { status: 404, title: 'The user does not exist' },
  product_not_found: { status: 404, title: 'The product does not exist' },
  payout_request_not_found: { status: 404, title: 'The payout request does not exist' },
  correction_not_found: { status: 404, title: 'The correction does not exist' },
  account_not_found: { status: 404, title: 'The account does not exist' },
  feed_not_found: { status: 404, title: 'The feed does not exist' },
  launch_session_not_found: { status: 404, title: 'The launch session does not exist' },
  audit_subject_not_found: { status: 404, title: 'Nothing is known of this' },
  historical_session_not_found: { status: 404, title: 'The historical session does not exist' },
  webhook_not_configured: { status: 409, title: 'There is no webhook endpoint' },
  webhook_limit_reached: { status: 409, title: 'There are too many webhook endpoints' },
  webhook_disabled: { status: 409, title: 'The webhook endpoint is disabled' },
  method_not_allowed: { status: 405, title: 'The address does not take this method' },
  idempotency_key_reused: { status: 409, title: 'The idempotency key was used for another request' },
  concurrent_change: { status: 409, title: 'The resource changed meanwhile' },
  operator_slug_taken: { status: 409, title: 'The slug is taken' },
  operator_already_exists: { status: 409, title: 'The operator exists already' },
  operator_terminated: { status: 409, title: 'The operator is terminated' },
  account_facts_differ: { status: 409, title: 'The account exists with other facts' },
  template_not_found: { status: 404, title: 'The template does not exist' },
  product_not_sellable: { status: 409, title: 'The product is not for sale' },
  product_slug_taken: { status: 409, title: 'The slug is taken' },
  product_status_conflict: { status: 409, title: 'The product cannot take this status' },
  product_rules_owner: { status: 400, title: 'The product needs another owner of the rules' },
  invalid_price: { status: 400, title: 'The price cannot be used' },
  challenge_not_found: { status: 404, title: 'The challenge does not exist' },
  challenge_account_unfit: { status: 409, title: 'The account does not suit the challenge' },
  challenge_under_way: { status: 409, title: 'A challenge is under way' },
  challenge_limit_reached: { status: 409, title: 'The user has as many challenges as the product allows' },
  challenge_cooling_down: { status: 409, title: 'The user has to wait after a breach' },
  challenge_state_conflict: { status: 409, title: 'The challenge is in another state' },
  challenge_reset_refused: { status: 409, title: 'The reset policy does not allow it' },
  user_forgotten: { status: 409, title: 'The user was forgotten' },
  kyc_required: { status: 409, title: 'The user has to be verified' },
  payout_not_eligible: { status: 409, title: 'The account is not eligible for this payout' },
  payout_state_conflict: { status: 409, title: 'The payout request is in another state' },
  account_replaced: { status: 409, title: 'The account is traded on another execution account' },
  account_closed: { status: 409, title: 'The account is closed' },
  feed_already_exists: { status: 409, title: 'The feed exists with other content' },
  launch_session_redeemed: { status: 409, title: 'The launch session has been used' },
  launch_session_expired: { status: 409, title: 'The launch session has expired' },
  launch_session_withdrawn: { status: 409, title: 'The launch session is not available any more' },
  body_too_large: { status: 413, title: 'The body is too large' },
  content_type_unsupported: { status: 415, title: 'The content type is not supported' },
  rate_limit_exceeded: { status: 429, title: 'Too many requests' },
  audit_busy: { status: 429, title: 'Too many audit requests at a time' },
  append_too_large: { status: 413, title: 'The change is larger than the event store takes' },
  append_refused: { status: 500, title: 'The event store does not take the change' },
  internal_error: { status: 500, title: 'Something went wrong on this side' },
  dependency_unavailable: { status: 503, title: 'A service behind this API does not answer' },
  read_model_behind: { status: 503, title: 'The read models have not come that far yet' },
}

/** One field's fault. `pointer` is a JSON pointer into the body, or `query/limit`, `path/…`, `header/…`. */
export interface FieldError {
  pointer: string
  code: string
  detail: string
}

/** A refusal on HTTP's own grounds. */
export class Problem extends Error {
  override name = 'Problem'
  readonly code: HttpCode
  readonly errors: readonly FieldError[]
  readonly headers: Readonly<Record<string, string>>
  constructor(
    code: HttpCode,
    detail: string,
    extra: { errors?: readonly FieldError[]; headers?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    super(detail, { cause: extra.cause })
    this.code = code
    this.errors = extra.errors ?? []
    this.headers = extra.headers ?? {}
  }
}

/** A 400 for one part of the request: `invalid('query/limit', 'out_of_range', '…')`. */
export const invalid = (pointer: string, code: string, detail: string): Problem =>
  new Problem('validation_failed', detail, { errors: [{ pointer, code, detail }] })

/** Seconds after which a refused request may be sent again. */
const retryLater = { 'retry-after': '1' }

interface Described {
  code: ProblemCode
  detail: string
  errors?: readonly FieldError[]
  headers?: Readonly<Record<string, string>>
}

/** What an error means to the caller. An unexpected one says nothing of its cause. */
export function describeError(error: unknown): Described {
  if (error instanceof Problem) {
    const { code, message: detail, errors, headers } = error
    return { code, detail, errors, headers }
  }
  if (error instanceof Rejected) {
    const { code, message: detail, pointer } = error
    const errors = pointer === undefined ? [] : [{ pointer, code, detail }]
    return { code, detail, errors, ...(code === 'concurrent_change' ? { headers: retryLater } : {}) }
  }
  if (error instanceof MalformedJson) {
    const { message: detail, pointer } = error
    const errors = pointer === undefined ? [] : [{ pointer, code: 'malformed', detail }]
    return { code: 'malformed_json', detail, errors }
  }
  // Another process has forgotten the person a moment ago: the key is gone before this one has heard of it.
  if (error instanceof PersonForgotten) return { code: 'user_forgotten', detail: 'This user was forgotten.' }
  if (error instanceof StoreUnavailable || error instanceof PersonKeysUnavailable || isUnavailable(error)) {
    const detail = 'Nothing is known to have changed; send the same request again.'
    return { code: 'dependency_unavailable', detail, headers: retryLater }
  }
  if (error instanceof AppendRefused) {
    const code = error.isTooLarge ? 'append_too_large' : 'append_refused'
    return { code, detail: 'Nothing has changed, and the same request would be refused again.' }
  }
  if (error instanceof NoSuchPosition) {
    const detail = 'The cursor names a position that this log does not have.'
    return {
      code: 'validation_failed',
      detail,
      errors: [{ pointer: 'query/cursor', code: 'unknown_position', detail }],
    }
  }
  if (error instanceof HTTPException && error.status < 500) return { code: codeOf(error), detail: error.message }
  return { code: 'internal_error', detail: 'The request failed; the log knows more under its id.' }
}

function codeOf({ status }: HTTPException): HttpCode {
  if (status === 404) return 'route_not_found'
  if (status === 413) return 'body_too_large'
  if (status === 415) return 'content_type_unsupported'
  return 'malformed_request'
}

/** The problem document for an error, with the headers that belong to it. */
export function respondWithProblem(c: Context, error: unknown, requestId: string): Response {
  const { code, detail, errors = [], headers = {} } = describeError(error)
  const { status, title } = problems[code]
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  const document = { type: `urn:opslog:problem:${code}`, title, status, detail, code, request_id: requestId }
  const problemType: string | undefined = c.get('problemType')
  const content = problemType === undefined ? undefined : { 'content-type': problemType }
  return c.json(errors.length === 0 ? document : { ...document, errors }, status, content)
}
