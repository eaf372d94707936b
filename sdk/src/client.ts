/** The client: openapi-fetch, typed by an API's document, with a key over all sends of a request, and reads that see the client's writes. */
import openApiFetch, { defaultBodySerializer, type Client as FetchClient, type Middleware } from 'openapi-fetch'
import type { PathsWithMethod } from 'openapi-typescript-helpers'
import { type Contexts, contexts } from './contexts.ts'
import { type List, type ListInit, paginate, type WaitForCommand, waitForCommand } from './lists.ts'
import { type Retry, type RetryLimits, send } from './retry.ts'

export type { Contexts } from './contexts.ts'
export { type CommandWaiting, type EngineCommand, paginate, waitForCommand } from './lists.ts'
export { type Answered, ApiProblem, type CodeOf, type DataOf, type ProblemField, problemOf, unwrap } from './problem.ts'
export { type Retry, type RetryLimits, triesOf } from './retry.ts'
export { type VerifyOptions, verifyWebhook, type WebhookHeaders, WebhookRefused } from './webhooks.ts'

export interface ClientOptions<Name extends keyof Contexts> {
  /** Of the instance: `http://127.0.0.1:8080`. */
  url: string
  /** Bearer token, or of an agent of ostium; a function is asked before each request, so that a rotated key is heeded. */
  key?: string | (() => string | undefined)
  context: Name
  /** Bounds in place of 4 sends within 30 s. */
  retry?: Partial<RetryLimits>
  onRetry?: (retry: Retry) => void
  /** Makes one send; default: the global one. */
  fetch?: (request: Request) => Promise<Response>
  headers?: Readonly<Record<string, string>>
}

interface Beside<Paths extends object> {
  /** Where this client's last write stands in the log, as the instance named it; its reads send it. */
  readonly position: string | undefined
  /** As the functions, on this client: `for await (const account of client.paginate('/v1/accounts'))`. */
  paginate<P extends PathsWithMethod<Paths, 'get'>>(path: P, init?: ListInit<Paths, P>): List<Paths, P>
  waitForCommand: WaitForCommand
}
export type Client<Name extends keyof Contexts> = FetchClient<Contexts[Name]> & Beside<Contexts[Name]>

const POSITION = 'x-opslog-position'
const retryLimits: RetryLimits = { triesMax: 4, totalMsMax: 30_000, firstWaitMsMax: 200 }

/** A key that nobody has used. Who sends a request again after a crash needs the one that it was first sent under. */
export const idempotencyKey = (): string => crypto.randomUUID()

export function createClient<const Name extends keyof Contexts>(options: ClientOptions<Name>): Client<Name> {
  const { prefix, keys, media, isBearer } = contexts[options.context]
  const limits = { ...retryLimits, ...options.retry }
  const sending = { fetch: options.fetch ?? ((request: Request) => fetch(request)), limits, onRetry: options.onRetry }
  const repeatable = new WeakSet<Request>()
  const url = options.url.replace(/\/+$/, '')
  let position: string | undefined

  const client = openApiFetch<Contexts[Name]>({
    baseUrl: url.endsWith(prefix) ? url : url + prefix,
    headers: { ...options.headers },
    bodySerializer: serialized,
    async fetch(request) {
      const before = position
      const response = await send(request, repeatable.has(request), sending)
      // A read that was under way while something was written may stand before the write.
      if (request.method !== 'GET' || position === before) position = response.headers.get(POSITION) ?? position
      return response
    },
  })
  const own: Middleware = {
    async onRequest({ request: asked, schemaPath }) {
      const operation = `${asked.method} ${schemaPath}`
      const [place, type] = [keys[operation], media[operation]]
      const [kind, name = ''] = place?.split(':') ?? []
      const request = kind === 'body' ? await withKeyInBody(asked, name) : asked
      const { headers, method } = request
      const add = (name: string, value = '') => value === '' || headers.has(name) || headers.set(name, value)
      if (kind === 'header') add(name, idempotencyKey())
      if (method === 'GET') add(POSITION, position)
      if (type !== undefined) headers.set('content-type', type)
      const key = typeof options.key === 'function' ? options.key() : options.key
      add(isBearer ? 'authorization' : 'x-api-key', key && (isBearer ? `Bearer ${key}` : key))
      if (place !== undefined || method === 'GET') repeatable.add(request)
      return request
    },
  }
  client.use(own)
  const { use, eject } = client
  // What others change of a request, it is sent with: ours comes last.
  client.use = (...others) => {
    eject(own)
    use(...others, own)
  }
  const beside: Omit<Beside<Contexts[Name]>, 'position'> = {
    paginate: (path, init) => paginate(client, path, init),
    waitForCommand: (...asked) => waitForCommand(client as never, ...asked),
  }
  return Object.defineProperty(Object.assign(client, beside), 'position', { get: () => position }) as Client<Name>
}

/** The request with a key in this member of its body, where the caller names none: there, or in the header that killatamata takes too. */
async function withKeyInBody(request: Request, member: string): Promise<Request> {
  if (request.headers.has('x-idempotency-key')) return request
  const body: unknown = request.body && (await request.clone().json())
  if (typeof body !== 'object' || body === null || member in body) return request
  return new Request(request, { body: JSON.stringify({ ...body, [member]: idempotencyKey() }) })
}

/** A file as it is, what has files as a form, everything else as JSON. */
function serialized(body: unknown): string | Blob | FormData {
  const members = Object.entries(Object(body) as Record<string, string | Blob | undefined>)
  const hasFiles = members.some(([, value]) => value instanceof Blob)
  if (!hasFiles) return body instanceof Blob ? body : defaultBodySerializer(body)
  const form = new FormData()
  for (const [name, value] of members) if (value !== undefined) form.append(name, value)
  return form
}
