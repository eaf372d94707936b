/** Refusals: what the bodies of all contexts have in common, under one name each. */
import { retryAfterMs } from './retry.ts'

/** A part of the request that is at fault: a JSON pointer, `query/limit`, or the name of a member. */
export type ProblemField = { pointer: string; detail: string }

/** Every code that a refusal of this type may have. */
export type CodeOf<Refusal> = Refusal extends { code: infer Code extends string }
  ? Code
  : Refusal extends { errorCode: infer Code extends string } | { error: { type: infer Code extends string } }
    ? Code
    : Refusal extends { error: string }
      ? 'unauthorized'
      : never

/** As openapi-fetch answers a call. */
export type Answered<Data, Refusal> =
  | { data: Data; error?: never; response: Response }
  | { data?: never; error: Refusal; response: Response }

type Texts<Name extends string> = Partial<Record<Name, string>>
type ByName = Record<string, string | string[]>
type Details = { details?: { field?: string; message: string }[]; fields?: ByName }
type Inner = Texts<'type' | 'message' | 'request_id'> & Details
/** `error` is firsthand's and rungate's; ostium's is a sentence beside `errorCode`, and its `code` a number. */
type Open = { errors?: ProblemField[]; error?: Inner | string; details?: { validationErrors?: ByName } }
type Body = Texts<'code' | 'errorCode' | 'title' | 'detail' | 'request_id'> & Open

/** A refusal; `Code` is every code that the operation documents. A body without one comes from something before the API. */
export class ApiProblem<Code extends string = string> extends Error {
  override name = 'ApiProblem'
  readonly status: number
  readonly code: Code
  readonly title: string
  /** The instance's log knows more under it. */
  readonly requestId: string | undefined
  readonly errors: readonly ProblemField[]
  /** Path of the page that explains the code, on the instance. */
  readonly help: string | undefined
  /** When the same request may be sent again, where the answer says so. */
  readonly retryAfterMs: number | undefined

  constructor(given: unknown, response: Response) {
    const { status, headers } = response
    const body = Object(given) as Body
    const { error, errorCode: type = 'unauthorized', details } = body
    const ofText = (message: string): Inner => ({ type, message, fields: details?.validationErrors ?? {} })
    const inner = typeof error === 'string' ? ofText(error) : (error ?? {})
    const title = body.title ?? inner.message ?? `refused with ${status}`
    super(body.detail ?? title)
    this.status = status
    this.title = title
    this.code = (inner.type ?? body.code ?? `status_${status}`) as Code
    const named = [...headers].find(([name]) => /^x-(\w+-)?request-id$/.test(name))
    this.requestId = body.request_id ?? inner.request_id ?? named?.[1]
    this.errors = [...(body.errors ?? []), ...faultsOf(inner)]
    this.help = /<([^>]+)>\s*;\s*rel="?help"?/.exec(headers.get('link') ?? '')?.[1]
    this.retryAfterMs = retryAfterMs(response)
  }
}

const faultsOf = ({ details = [], fields = {} }: Inner): ProblemField[] => [
  ...details.map(({ field = '', message }) => ({ pointer: field, detail: message })),
  ...Object.entries(fields).flatMap(([pointer, faults]) => [faults].flat().map((detail) => ({ pointer, detail }))),
]

/** The refusal of an answer; undefined: it is none. */
export const problemOf = <D, R>({ error, response }: Answered<D, R>): ApiProblem<CodeOf<R>> | undefined =>
  response.ok ? undefined : new ApiProblem(error, response)

/** What the call is answered with. Rejects with ApiProblem where it is refused. */
export async function unwrap<A extends Answered<unknown, unknown>>(call: Promise<A>): Promise<DataOf<A>> {
  const answered = await call
  const problem = problemOf<unknown, unknown>(answered)
  if (problem) throw problem
  return answered.data as DataOf<A>
}

/** Of an answer that is no refusal. */
export type DataOf<A> = A extends { data: infer Data; error?: never } ? Data : never
