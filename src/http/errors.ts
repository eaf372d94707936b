/**
 * Refusals. The codes belong to the contexts: each has a table that gives every code its status and title, its own and the
 * kernel's, and writes the body. The kernel throws codes of its own and turns whatever is thrown into one of the table.
 */
import { z } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type KernelRejectionCode, Rejected } from '../commands/rejection.ts'
import { LogMismatch } from '../events/log-identity.ts'
import { UnknownPosition } from '../events/raw-events.ts'
import { PersonForgotten, PersonKeysUnavailable } from '../events/sealing.ts'
import { AppendRefused, StoreUnavailable } from '../events/store.ts'
import { MalformedJson } from './json.ts'

/** What the kernel itself refuses. */
export type KernelCode =
  | KernelRejectionCode
  | 'parameter_invalid'
  | 'validation_failed'
  | 'malformed_json'
  | 'malformed_request'
  | 'credential_missing'
  | 'credential_invalid'
  | 'credential_elsewhere'
  | 'scope_missing'
  | 'route_not_found'
  | 'method_not_allowed'
  | 'body_too_large'
  | 'content_type_unsupported'
  | 'upgrade_required'
  | 'upgrade_failed'
  | 'rate_limit_exceeded'
  | 'person_forgotten'
  | 'internal_error'
  | 'dependency_unavailable'
  | 'event_store_mismatch'
  | 'append_too_large'
  | 'append_refused'
  | 'read_model_behind'

export interface ErrorEntry {
  status: ContentfulStatusCode
  title: string
  /** The code that callers see, where it is not the entry's name. */
  shownAs?: string
  /** Seconds after which the request may be sent again: the header Retry-After. */
  retryAfterS?: number
}

/** A refusal on its way out. */
export interface Refusal {
  /** The code that callers see. */
  code: string
  status: number
  title: string
  detail: string
  errors: readonly FieldError[]
  /** More of what is at fault, for contexts whose refusals show it. */
  details?: object | undefined
  requestId: string
  /** Ways of signing in of the address that refuses. */
  schemes: readonly string[]
}

/** How a context refuses. `Code` is every code that it and its commands know: one without an entry does not compile. */
export interface ErrorTable<Code extends string = never> {
  codes: Readonly<Record<Code | KernelCode, ErrorEntry>>
  /** What the caller can do about each of the context's own codes, for the page that refusals link to. */
  help?: Readonly<Partial<Record<Code, string>>>
  body: (refusal: Refusal) => object
  /** Of the body, for the document. */
  schema: z.ZodType
  /** In its place, for addresses with these ways of signing in; undefined: `schema`. */
  schemaOf?: (status: number, schemes: readonly string[]) => z.ZodType | undefined
  /** Content type of the body; default `application/json`. */
  mediaType?: string
  /** Statuses that the contract documents for every operation, whether or not it can answer with them. */
  documented?: readonly number[]
}

/** One part's fault. `pointer` is a JSON pointer into the body, or `query/limit`, `path/…`, `header/…`, `cookie/…`. */
export interface FieldError {
  pointer: string
  code: string
  detail: string
}

interface ProblemExtra {
  errors?: readonly FieldError[]
  details?: object
  headers?: Readonly<Record<string, string>>
  cause?: unknown
  /** The caller is to hear of it so much later. */
  lateMs?: number
}

/** A refusal on HTTP's own grounds: of the kernel, or of a context with a code of its own table. */
export class Problem<Code extends string = KernelCode> extends Error {
  override name = 'Problem'
  readonly code: Code
  readonly errors: readonly FieldError[]
  readonly details: object | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly lateMs: number
  constructor(code: Code, detail: string, extra: ProblemExtra = {}) {
    super(detail, { cause: extra.cause })
    this.code = code
    this.errors = extra.errors ?? []
    this.details = extra.details
    this.headers = extra.headers ?? {}
    this.lateMs = extra.lateMs ?? 0
  }
}

/** For one part of the request, such as a parameter: `invalid('query/limit', 'out_of_range', '…')`. */
export const invalid = (pointer: string, code: string, detail: string): Problem =>
  new Problem(pointer.startsWith('/') ? 'validation_failed' : 'parameter_invalid', detail, {
    errors: [{ pointer, code, detail }],
  })

/** What was thrown, under the name of an entry. */
export interface Described {
  code: string
  detail: string
  errors?: readonly FieldError[]
  details?: object | undefined
  headers?: Readonly<Record<string, string>>
}

/** What an error means to the caller. An unexpected one says nothing of its cause. */
export function describeError(error: unknown, isUnavailable: (error: unknown) => boolean): Described {
  if (error instanceof Problem) {
    const { code, message: detail, errors, details, headers } = error
    return { code, detail, errors, details, headers }
  }
  if (error instanceof Rejected) {
    const { code, message: detail, pointer } = error
    return { code, detail, errors: pointer === undefined ? [] : [{ pointer, code, detail }] }
  }
  if (error instanceof MalformedJson) {
    const { message: detail, pointer } = error
    return {
      code: 'malformed_json',
      detail,
      errors: pointer === undefined ? [] : [{ pointer, code: 'malformed', detail }],
    }
  }
  // Another process has forgotten the person a moment ago: the key is gone before this one has heard of it.
  if (error instanceof PersonForgotten) return { code: 'person_forgotten', detail: 'This user was forgotten.' }
  if (error instanceof LogMismatch) return { code: 'event_store_mismatch', detail: error.message }
  if (error instanceof StoreUnavailable || error instanceof PersonKeysUnavailable || isUnavailable(error)) {
    const detail = 'Nothing is known to have changed; send the same request again.'
    return { code: 'dependency_unavailable', detail }
  }
  if (error instanceof AppendRefused) {
    const code = error.isTooLarge ? 'append_too_large' : 'append_refused'
    return { code, detail: 'Nothing has changed, and the same request would be refused again.' }
  }
  if (error instanceof UnknownPosition) {
    const detail = 'The cursor names a position that this log does not have.'
    return {
      code: 'parameter_invalid',
      detail,
      errors: [{ pointer: 'query/cursor', code: 'unknown_position', detail }],
    }
  }
  if (error instanceof HTTPException && error.status < 500) return { code: codeOf(error), detail: error.message }
  return { code: 'internal_error', detail: 'The request failed; the log knows more under its id.' }
}

function codeOf({ status }: HTTPException): KernelCode {
  if (status === 404) return 'route_not_found'
  if (status === 413) return 'body_too_large'
  if (status === 415) return 'content_type_unsupported'
  return 'malformed_request'
}

/** The kernel's own codes as problem documents have them; a context takes these entries over or writes its own. */
export const kernelErrors: Readonly<Record<KernelCode, ErrorEntry>> = {
  parameter_invalid: { status: 400, title: 'The request does not fit its schema', shownAs: 'validation_failed' },
  validation_failed: { status: 400, title: 'The request does not fit its schema' },
  malformed_json: { status: 400, title: 'The body cannot be read' },
  malformed_request: { status: 400, title: 'The request cannot be read' },
  credential_missing: { status: 401, title: 'An API key is needed' },
  credential_invalid: { status: 401, title: 'The API key is not valid' },
  credential_elsewhere: { status: 403, title: 'The API key belongs to another part of the API' },
  scope_missing: { status: 403, title: 'The API key lacks a scope' },
  route_not_found: { status: 404, title: 'There is nothing at this address' },
  method_not_allowed: { status: 405, title: 'The address does not take this method' },
  idempotency_key_reused: { status: 409, title: 'The idempotency key was used for another request' },
  concurrent_change: { status: 409, title: 'The resource changed meanwhile', retryAfterS: 1 },
  person_forgotten: { status: 409, title: 'The user was forgotten' },
  body_too_large: { status: 413, title: 'The body is too large' },
  content_type_unsupported: { status: 415, title: 'The content type is not supported' },
  append_too_large: { status: 413, title: 'The change is larger than the event store takes' },
  upgrade_failed: { status: 400, title: 'The WebSocket cannot be opened' },
  upgrade_required: { status: 426, title: 'The address is a WebSocket' },
  rate_limit_exceeded: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Something went wrong on this side' },
  append_refused: { status: 500, title: 'The event store does not take the change' },
  event_store_mismatch: { status: 503, title: 'The event store has another log' },
  dependency_unavailable: { status: 503, title: 'A service behind this API does not answer', retryAfterS: 1 },
  read_model_behind: { status: 503, title: 'The read models have not come that far yet', retryAfterS: 1 },
}

/** A problem document (RFC 9457) with a code for programs and the request's id. */
export const problemDocument = ({ code, status, title, detail, errors, requestId }: Refusal): object => ({
  type: `urn:opslog:problem:${code}`,
  ...{ title, status, detail, code, request_id: requestId },
  ...(errors.length === 0 ? {} : { errors }),
})

/** For addresses that belong to no context. */
export const rootErrors: ErrorTable = { codes: kernelErrors, body: problemDocument, schema: z.looseObject({}) }
