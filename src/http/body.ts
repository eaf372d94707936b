/**
 * The body, read once and within bounds. Hono itself bounds nothing; here a body over the limit ends with 413 as soon as
 * that shows, declared or chunked, and the connection is closed instead of being read to its end.
 */
import type { Context } from 'hono'
import type { AppEnv } from './environment.ts'
import { parseJson } from './json.ts'
import { Problem } from './problem.ts'

const BODYLESS_METHODS = ['GET', 'HEAD', 'OPTIONS']

/** `application/json`, with no parameter but the charset that JSON has anyway. */
const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i

/** Reads the body, at most `bodyMaxBytes`; undefined where the request's method has none. */
export function readBody(bodyMaxBytes: number): (c: Context<AppEnv>) => Promise<void> | undefined {
  const read = async (c: Context<AppEnv>) => {
    const length = c.req.header('content-length')
    if (Number(length ?? 0) > bodyMaxBytes) throw tooLarge(bodyMaxBytes)
    // Node's parser holds a body to its declared length; the adapter can then hand it over without a stream of its own.
    const isBounded = length !== undefined && c.env?.incoming !== undefined
    c.set('body', isBounded ? await whole(c.req.raw) : await collect(c.req.raw.body, bodyMaxBytes))
    if (c.get('body') !== undefined) requireJson(c)
  }
  return (c) => (BODYLESS_METHODS.includes(c.req.method) ? undefined : read(c))
}

async function whole(request: Request): Promise<Uint8Array | undefined> {
  try {
    const bytes = new Uint8Array(await request.arrayBuffer())
    return bytes.byteLength === 0 ? undefined : bytes
  } catch (error) {
    throw cutShort(error)
  }
}

async function collect(stream: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Uint8Array | undefined> {
  if (!stream) return undefined
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = stream.getReader()
  for (let chunk = await next(reader); chunk; chunk = await next(reader)) {
    size += chunk.byteLength
    if (size > bytesMax) {
      // Not awaited: how the rest of the body ends is of no interest, and the server closes the connection.
      reader.cancel().catch(() => undefined)
      throw tooLarge(bytesMax)
    }
    chunks.push(chunk)
  }
  return size === 0 ? undefined : Buffer.concat(chunks)
}

async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return (await reader.read()).value
  } catch (error) {
    throw cutShort(error)
  }
}

const closing = { connection: 'close' }

const cutShort = (cause: unknown) =>
  new Problem('malformed_request', 'The body ended before it was complete.', { headers: closing, cause })

const tooLarge = (bytesMax: number) =>
  new Problem('body_too_large', `A body has at most ${bytesMax} bytes.`, { headers: closing })

function requireJson(c: Context<AppEnv>): void {
  const encoding = c.req.header('content-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new Problem('content_type_unsupported', 'A body is to be sent without content encoding.')
  }
  if (!JSON_TYPE.test(c.req.header('content-type') ?? '')) {
    throw new Problem('content_type_unsupported', 'A body is to be sent as application/json.')
  }
}

/** The request's body, parsed strictly. Throws a Problem where there is none, and MalformedJson. */
export function parsedBody(c: Context<AppEnv>, jsonDepthMax: number): unknown {
  const bytes = c.get('body')
  if (bytes === undefined) throw new Problem('malformed_json', 'The request is to have a JSON body.')
  return parseJson(bytes, jsonDepthMax)
}

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
