/**
 * A refusal of order entry as a problem document (RFC 9457).
 */

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export interface FieldProblem {
  /** JSON pointer of the field, `/quantity`. */
  pointer: string
  detail: string
}

/** Thrown by order entry's handlers; `answer` makes the response of it. */
export class Problem extends Error {
  override name = 'Problem'
  readonly status: number
  readonly code: string
  readonly errors: readonly FieldProblem[] | undefined

  constructor(status: number, code: string, detail: string, errors?: readonly FieldProblem[]) {
    super(detail)
    this.status = status
    this.code = code
    this.errors = errors
  }

  answer(headers: Record<string, string> = {}, more: object = {}): Response {
    const { status, code, message: detail, errors } = this
    const title = titles[status] ?? 'Error'
    const body = { type: 'about:blank', title, status, detail, code, ...(errors && { errors }), ...more }
    const extra = status === 401 ? { 'www-authenticate': 'Bearer' } : {}
    return Response.json(body, {
      status,
      headers: { 'content-type': 'application/problem+json', ...extra, ...headers },
    })
  }
}
