/**
 * Errors in the words of either format. A client's library reads only its own: one that it does not know it shows as an unknown
 * error, or takes for an answer.
 */
import { holdable } from '../../runtime/holdable.ts'
import type { Format } from './call-scan.ts'

/** An error, whatever format it came in. */
export interface Failure {
  message: string
  status: number
  /** The provider's own word for it, if it has one. */
  type: string | undefined
  code: string | undefined
  param: string | undefined
}

/** Anthropic's types by status; OpenAI has a type for each as well, and tells the rest by `code`. */
const TYPES: readonly { status: number; anthropic: string; openai: string; code?: string }[] = [
  { status: 400, anthropic: 'invalid_request_error', openai: 'invalid_request_error' },
  { status: 401, anthropic: 'authentication_error', openai: 'invalid_request_error', code: 'invalid_api_key' },
  { status: 402, anthropic: 'billing_error', openai: 'insufficient_quota', code: 'insufficient_quota' },
  { status: 403, anthropic: 'permission_error', openai: 'invalid_request_error', code: 'permission_denied' },
  { status: 404, anthropic: 'not_found_error', openai: 'invalid_request_error', code: 'not_found' },
  { status: 413, anthropic: 'request_too_large', openai: 'invalid_request_error', code: 'request_too_large' },
  { status: 422, anthropic: 'invalid_request_error', openai: 'invalid_request_error' },
  { status: 429, anthropic: 'rate_limit_error', openai: 'rate_limit_error', code: 'rate_limit_exceeded' },
  { status: 500, anthropic: 'api_error', openai: 'server_error' },
  { status: 504, anthropic: 'timeout_error', openai: 'server_error', code: 'timeout' },
  { status: 529, anthropic: 'overloaded_error', openai: 'server_error', code: 'overloaded' },
]
const typeOf = (status: number) =>
  TYPES.find((known) => known.status === status) ?? TYPES.find((known) => known.status === (status < 500 ? 400 : 500))!

/** The word that the format has for an error of this status. */
export const errorTypeOf = (format: Format, status: number): string => typeOf(status)[format]

/** A person reads it, in steps and in refusals. */
const MESSAGE_LENGTH_MAX = 1_000
/** Keys of the field's providers and of this one, bearer tokens, and long runs of letters and digits that may be either. */
const SECRET =
  /\b(?:sk|rk|pk|rg|xai|gsk)[-_][\w*-]{6,}|\bBearer\s+\S+|\bAIza[\w-]{20,}|\b(?=\w*\d)(?=\w*[a-zA-Z])\w{32,}\b/g

/** The text cut to 1,000 characters, without anything that looks like a key. */
export const cleanMessage = (text: string): string =>
  holdable(
    text
      .slice(0, 4 * MESSAGE_LENGTH_MAX)
      .replace(SECRET, '[removed]')
      .slice(0, MESSAGE_LENGTH_MAX),
  )

type Members = Record<string, unknown>
const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {}
const word = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, 100) : undefined

/** The error that a body or an event holds. `status`: of the answer; without one the error's type tells. */
export function failureIn(format: Format, body: unknown, status?: number): Failure {
  const outer = membersOf(body)
  // Servers of OpenAI's format exist that put the error's members, or a text alone, at the top.
  const inner = typeof outer.error === 'string' ? { message: outer.error } : membersOf(outer.error ?? body)
  const type = word(inner.type)
  const code = word(inner.code)
  const numeric = typeof inner.code === 'number' && inner.code >= 400 && inner.code < 600 ? inner.code : undefined
  const found = status ?? numeric ?? statusOf(format, type, code)
  const message =
    word(inner.message) === undefined ? `The provider answered with status ${found}.` : String(inner.message)
  return { status: found, type, message: cleanMessage(message), code, param: word(inner.param) }
}

/** The status that a type or a code stands for; 500 for what nobody knows. */
function statusOf(format: Format, type: string | undefined, code: string | undefined): number {
  const byCode = TYPES.find((known) => code !== undefined && known.code === code)
  const byType = TYPES.find((known) => type !== undefined && known[format] === type)
  return (byCode ?? byType)?.status ?? 500
}

/** The error of a provider's answer, whose body may be anything. */
export function failureOf(format: Format, status: number, body: Buffer): Failure {
  try {
    return failureIn(format, JSON.parse(body.toString('utf8')), status)
  } catch {
    return { ...failureIn(format, undefined, status), message: `The provider answered with status ${status}.` }
  }
}

/** The body of an error in the format; `type` and `code` only where they are words of that format. */
export function errorBody(format: Format, failure: Pick<Failure, 'message' | 'status'> & Partial<Failure>): string {
  const known = typeOf(failure.status)
  if (format === 'anthropic') {
    return JSON.stringify({ type: 'error', error: { type: failure.type ?? known.anthropic, message: failure.message } })
  }
  const { message, param = null } = failure
  return JSON.stringify({
    error: { message, type: failure.type ?? known.openai, param, code: failure.code ?? known.code ?? null },
  })
}

/** A provider's error in the client's format. The status stays. */
export function translatedError(from: Format, to: Format, status: number, body: Buffer): string {
  const failure = failureOf(from, status, body)
  return from === to ? errorBody(to, failure) : errorBody(to, { message: failure.message, status })
}

/** The frame that ends a stream which broke after content: without it clients take the end for a complete answer. */
export function errorFrame(format: Format, message: string, status = 502): string {
  if (format === 'anthropic') return `event: error\ndata: ${errorBody(format, { message, status })}\n\n`
  return `data: ${errorBody(format, { message, status, type: 'server_error', code: 'mid_stream_error' })}\n\n`
}
