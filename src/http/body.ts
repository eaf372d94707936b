/**
 * The body, read once and within bounds. Hono itself bounds nothing. Here a body over the limit, declared or chunked, ends
 * with 413 as soon as that shows. The connection is closed instead of being read to its end.
 */
import type { IncomingMessage } from 'node:http'
import type { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { AppEnv } from './environment.ts'
import { Problem } from './errors.ts'

/** How an operation takes its body. `verbatim` is a member whose text is kept; a streamed one’s schema is for the document. */
export type BodySpec =
  | { kind: 'json'; schema: z.ZodType; isRequired: boolean; mediaType: string; verbatim?: string | undefined }
  | { kind: 'bytes'; mediaTypes: readonly string[] | undefined }
  | { kind: 'stream'; mediaTypes: readonly string[] | undefined; schema?: z.ZodType }

/** What a handler is given for it. A streamed body's chunks come as the handler asks for them. */
export type BodyOf<B> = B extends z.ZodType
  ? z.output<B>
  : B extends { kind: 'json'; schema: infer S extends z.ZodType; isRequired: infer Required }
    ? z.output<S> | (Required extends true ? never : undefined)
    : B extends { kind: 'bytes' }
      ? Uint8Array
      : B extends { kind: 'stream' }
        ? AsyncIterable<Uint8Array>
        : undefined

export const jsonBody = <S extends z.ZodType, Required extends boolean = true>(
  schema: S,
  { isRequired = true as Required, mediaType = JSON_TYPE, verbatim = undefined as string | undefined } = {},
) => ({ kind: 'json' as const, schema, isRequired: isRequired as Required, mediaType, verbatim })
/** The request may have no body at all. */
export const optionalBody = <S extends z.ZodType>(schema: S) => jsonBody<S, false>(schema, { isRequired: false })
/** The bytes as they came, for what is verified or kept as it is; any media type where none is named. */
export const rawBody = (...mediaTypes: string[]) => ({ kind: 'bytes' as const, mediaTypes: named(mediaTypes) })
/** Never whole in memory. */
export const streamedBody = (...mediaTypes: string[]) => ({ kind: 'stream' as const, mediaTypes: named(mediaTypes) })
const named = (types: readonly string[]) => (types.length === 0 ? undefined : types)

export const JSON_TYPE = 'application/json'
const BODYLESS_METHODS = ['GET', 'HEAD', 'OPTIONS']

/**
 * Reads the body, at most `bodyMaxBytes`, and sees to its media type; undefined where there is none. A streamed one is
 * handed over as it comes. Answers at once where the request's method has no body.
 */
export function readBody(spec: BodySpec | undefined, bodyMaxBytes: number, jsonTypes: readonly string[] = []) {
  const types = spec && spec.kind !== 'json' ? spec.mediaTypes : [spec ? spec.mediaType : JSON_TYPE, ...jsonTypes]
  const read = async (c: Context<AppEnv>): Promise<Uint8Array | undefined> => {
    const length = c.req.header('content-length')
    if (Number(length ?? 0) > bodyMaxBytes) throw tooLarge(bodyMaxBytes)
    proceed(c)
    // Node's parser holds a body to its declared length; the adapter can then hand it over without a stream of its own.
    const isBounded = length !== undefined && c.env?.incoming !== undefined
    const bytes = isBounded ? await whole(c.req.raw) : await collect(c.req.raw.body, bodyMaxBytes)
    if (bytes !== undefined) requireType(c, types)
    return bytes
  }
  const open = (c: Context<AppEnv>): AsyncIterable<Uint8Array> => {
    if (Number(c.req.header('content-length') ?? 0) > bodyMaxBytes) throw tooLarge(bodyMaxBytes)
    requireType(c, types)
    proceed(c)
    return chunksOf(streamOf(c), bodyMaxBytes)
  }
  return (c: Context<AppEnv>): Promise<Uint8Array | undefined> | AsyncIterable<Uint8Array> | undefined => {
    if (BODYLESS_METHODS.includes(c.req.method)) return undefined
    return spec?.kind === 'stream' ? open(c) : read(c)
  }
}

/** Tells a client that waits for it to send the body (RFC 9110, Expect: 100-continue). */
export function proceed(c: Context<AppEnv>): void {
  if (c.req.header('expect')?.toLowerCase() === '100-continue') c.env?.outgoing?.writeContinue()
}

/** Whether a body follows that has not come whole: it is not worth reading where the request is refused. */
export const hasMoreBody = ({ complete, headers }: IncomingMessage): boolean =>
  !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0)

async function whole(request: Request): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(await request.arrayBuffer().catch(refuseCut))
  return bytes.byteLength === 0 ? undefined : bytes
}

async function collect(stream: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  for await (const chunk of chunksOf(stream?.[Symbol.asyncIterator](), bytesMax)) chunks.push(chunk)
  return chunks.length === 0 ? undefined : Buffer.concat(chunks)
}

/** Node's own stream: one of the web copies each chunk, and of large bodies that is most of the memory. */
const streamOf = ({ env, req }: Context<AppEnv>) =>
  env?.incoming?.iterator({ destroyOnReturn: false }) ?? req.raw.body?.[Symbol.asyncIterator]()

async function* chunksOf(chunks: AsyncIterator<Uint8Array> | undefined, bytesMax: number) {
  const next = async (): Promise<Uint8Array | undefined> => (await chunks?.next())?.value
  let size = 0
  for (let chunk = await next().catch(refuseCut); chunk; chunk = await next().catch(refuseCut)) {
    size += chunk.byteLength
    // How the rest of the body ends is of no interest, and the server closes the connection.
    if (size > bytesMax) throw tooLarge(bytesMax)
    if (chunk.byteLength > 0) yield chunk
  }
}

const closing = { connection: 'close' }

function refuseCut(cause: unknown): never {
  throw new Problem('malformed_request', 'The body ended before it was complete.', { headers: closing, cause })
}

const tooLarge = (bytesMax: number) =>
  new Problem('body_too_large', `A body has at most ${bytesMax} bytes.`, { headers: closing })

function requireType(c: Context<AppEnv>, types: readonly string[] | undefined): void {
  const encoding = c.req.header('content-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new Problem('content_type_unsupported', 'A body must be sent without content encoding.')
  }
  const [type = '', ...parameters] = (c.req.header('content-type') ?? '').split(';')
  const isTaken = types === undefined || types.includes(type.trim().toLowerCase())
  // JSON has no parameter but the charset that it has anyway.
  const isPlain = types === undefined || parameters.every((each) => CHARSET.test(each) || !isText(type))
  if (isTaken && isPlain) return
  throw new Problem('content_type_unsupported', `A body must be sent as ${types?.join(' or ')}.`)
}

const CHARSET = /^\s*charset\s*=\s*"?utf-8"?\s*$/i
const isText = (type: string): boolean => /^\s*(application\/json|text\/)/i.test(type)

/** How often a request has a header, whose name is in lower case: Node joins equal headers, or keeps one of them. */
export function headerCount(incoming: IncomingMessage | undefined, name: string): number {
  const raw = incoming?.rawHeaders ?? []
  let count = 0
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at]?.length === name.length && raw[at]?.toLowerCase() === name) count += 1
  }
  return count
}

/** The refusal of a second Host header: a proxy in front may have judged another than the one that Node keeps. */
export const secondHost = (incoming: IncomingMessage | undefined): Problem | undefined =>
  headerCount(incoming, 'host') > 1
    ? new Problem('malformed_request', 'A request has one Host header.', { headers: closing })
    : undefined

/** Refuses addresses whose percent-encoding is not valid UTF-8, or holds a NUL: no id that is kept looks like that. */
export function readableAddress(c: Context<AppEnv>): void {
  // Only an escape can spell either.
  if (!c.req.url.includes('%')) return
  const { pathname, search } = new URL(c.req.url)
  for (const part of [pathname, ...search.slice(1).split(/[&=]/)]) {
    const text = decoded(part)
    if (text === undefined) throw new Problem('malformed_request', 'The address is not valid percent-encoded UTF-8.')
    if (text.includes('\0')) throw new Problem('malformed_request', 'The address contains NUL (%00), as no id does.')
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
