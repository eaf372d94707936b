/**
 * What an operation may answer with, and how its answer is built: the one place where a handler's reply becomes a response.
 * Headers stay a plain object until Node writes them. Hono's way through two Headers objects costs a request for one row
 * a tenth of its time.
 */
import type { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { type CookieOptions, serialize } from 'hono/utils/cookie'
import type { AppEnv, Exchange } from './environment.ts'
import { jsonText } from './json.ts'
import type { SocketHandlers } from './socket.ts'

/** Part of a reply to a command: what the bus has handled. */
export interface Handled {
  position: bigint | undefined
  replayed: boolean
}

/** One event of a stream of server-sent events; `data` is one line or several. */
export interface ServerSentEvent {
  data: string
  event?: string
  id?: string
}

type Chunk = Uint8Array | string

/** The headers that a reply may add to the kernel's own, with what the document says of them. */
export const replyHeaders = {
  'cache-control':
    '`no-store`: what the answer shows is shown this once, and nobody on the way may keep it. `no-cache`: it may be kept, and is asked for again before it is used.',
  location: 'Where to go.',
  'preference-applied': 'The part of the request’s `Prefer` that was heeded.',
  'set-cookie': 'Cookies that later requests send back.',
} as const
export type ReplyHeader = keyof typeof replyHeaders

export type Answer = {
  headers?: readonly ReplyHeader[]
  /** Those that are its own, in lower case, with what the document says of them; a refusal’s stand under its status. */
  says?: Readonly<Record<string, string>>
} & (
  | { kind: 'json'; schema: z.ZodType; description: string; example?: unknown }
  | { kind: 'text'; mediaType: string; description: string }
  | { kind: 'stream'; mediaType: string; description: string }
  | { kind: 'events'; description: string }
  | { kind: 'empty'; description: string }
  | { kind: 'upgrade'; description: string }
)
/** By status. */
export type Answers = Readonly<Record<number, Answer>>

export const json = <S extends z.ZodType>(schema: S, description: string, example?: unknown) => ({
  kind: 'json' as const,
  ...{ schema, description, example },
})
export const text = (mediaType: string, description: string) => ({ kind: 'text' as const, mediaType, description })
export const stream = (mediaType: string, description: string) => ({ kind: 'stream' as const, mediaType, description })
export const events = (description: string) => ({ kind: 'events' as const, description })
/** 204, or a redirect by the header `location`. */
export const empty = (description: string) => ({ kind: 'empty' as const, description })
export const upgrade = (description: string) => ({ kind: 'upgrade' as const, description })

/** The answer with headers that its reply may set. */
export const withHeaders = <A extends Answer, const H extends readonly ReplyHeader[]>(answer: A, ...headers: H) => ({
  ...answer,
  headers,
})

/** A body that is the same for everybody, such as a document. It answers by itself: compressed, or with 304 (`fixed-text.ts`). */
export type FixedBody = (c: Context<AppEnv>) => Promise<Response>

type ContentOf<A> = A extends { kind: 'json'; schema: infer S extends z.ZodType }
  ? { body: z.input<S> | FixedBody }
  : A extends { kind: 'text' }
    ? { body: string | FixedBody }
    : A extends { kind: 'stream' }
      ? { body: AsyncIterable<Chunk> }
      : A extends { kind: 'events' }
        ? { body: AsyncIterable<ServerSentEvent> }
        : A extends { kind: 'upgrade' }
          ? { socket: SocketHandlers }
          : { body?: undefined }

export type SetCookie = CookieOptions & { name: string; value: string }

type HeadersOf<A> = A extends { headers: readonly (infer H extends ReplyHeader)[] }
  ? {
      headers?: Readonly<Partial<Record<Exclude<H, 'set-cookie'>, string>>>
      cookies?: 'set-cookie' extends H ? readonly SetCookie[] : undefined
    }
  : A extends { says: Readonly<Record<infer N extends string, string>> }
    ? { headers?: Readonly<Partial<Record<N, string>>>; cookies?: undefined }
    : { headers?: undefined; cookies?: undefined }

/** What a handler returns: one of the statuses, with the content and the headers that go with it. */
export type ReplyOf<A extends Answers> = {
  [Status in keyof A & number]: { status: Status } & ContentOf<A[Status]> & HeadersOf<A[Status]> & { handled?: Handled }
}[keyof A & number]

/** A reply as the kernel sees it. */
export interface Reply {
  handled?: Handled
  status: number
  headers?: Readonly<Record<string, string | undefined>>
  cookies?: readonly SetCookie[]
  body?: unknown
  socket?: SocketHandlers
}

/** The response to a reply, with the exchange's headers. */
export function buildAnswer(exchange: Exchange, reply: Reply, answer: Answer | undefined): Response {
  const { headers } = exchange
  Object.assign(headers, reply.headers)
  switch (answer?.kind) {
    case 'text':
      return respond(exchange, reply, reply.body as string, `${answer.mediaType}; charset=utf-8`)
    case 'stream':
      return respond(exchange, reply, streamOf(reply.body as AsyncIterable<Chunk>), answer.mediaType)
    case 'events': {
      headers['cache-control'] ??= 'no-cache'
      const frames = streamOf(framesOf(reply.body as AsyncIterable<ServerSentEvent>))
      return respond(exchange, reply, frames, 'text/event-stream')
    }
    case 'json':
      return respond(exchange, reply, jsonText(reply.body), 'application/json')
    default:
      return respond(exchange, reply, null, undefined)
  }
}

/** A refusal’s response, and that of any JSON that no operation describes. */
export const respondJson = (exchange: Exchange, status: number, body: object, mediaType: string): Response =>
  respond(exchange, { status }, JSON.stringify(body), mediaType)

/** What is the same for everybody, as bytes: null for nothing. */
export function respondFixed(
  exchange: Exchange,
  status: number,
  body: Uint8Array<ArrayBuffer> | null,
  headers: Readonly<Record<string, string>>,
): Response {
  Object.assign(exchange.headers, headers)
  return respond(exchange, { status }, body, undefined)
}

/** Of an answer that is handed on as a text, which is faster for short ones. */
const TEXT_LENGTH_MAX = 16_384

function respond(
  exchange: Exchange,
  { status, cookies }: Reply,
  body: string | Uint8Array<ArrayBuffer> | ReadableStream | null,
  mediaType: string | undefined,
): Response {
  const { headers } = exchange
  if (mediaType !== undefined) headers['content-type'] ??= mediaType
  // A text waits in Node at up to three times its length, in memory that is not given back; bytes wait as they are.
  const content = typeof body === 'string' && body.length > TEXT_LENGTH_MAX ? Buffer.from(body) : body
  if (content instanceof Uint8Array) exchange.sentBytes = content.byteLength
  // Cookies alone may need a header more than once.
  const lines = cookies?.map(({ name, value, ...options }): [string, string] => [
    'set-cookie',
    serialize(name, value, options),
  ])
  exchange.answer = new Response(content, { status, headers: lines ? [...Object.entries(headers), ...lines] : headers })
  return exchange.answer
}

/** Asks for a chunk when the client takes one; ends the source where the client goes away. */
function streamOf(source: AsyncIterable<Chunk>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const iterator = source[Symbol.asyncIterator]()
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await iterator.next()
        if (done) controller.close()
        else controller.enqueue(typeof value === 'string' ? encoder.encode(value) : value)
      },
      async cancel() {
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

async function* framesOf(source: AsyncIterable<ServerSentEvent>): AsyncGenerator<string> {
  for await (const { data, event, id } of source) {
    const head = `${event === undefined ? '' : `event: ${event}\n`}${id === undefined ? '' : `id: ${id}\n`}`
    yield `${head}${data
      .split('\n')
      .map((line) => `data: ${line}\n`)
      .join('')}\n`
  }
}
