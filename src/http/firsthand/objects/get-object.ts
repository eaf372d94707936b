/**
 * GET and HEAD of a delivered file's link. What people have made is never shown in this origin: it is an attachment, of
 * a type of ours, in a sandbox.
 */
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { type ByteRange, byteRangeOf } from '../../../adapters/object-store/byte-range.ts'
import { attachment } from '../../../adapters/object-store/content-disposition.ts'
import type { DiskStore, OpenedObject } from '../../../adapters/object-store/disk-store.ts'
import { type Download, ObjectMissing } from '../../../adapters/object-store/object-store.ts'
import { format } from '../../../events/firsthand/vocabulary.ts'
import type { Exchange } from '../../environment.ts'
import { Problem } from '../../errors.ts'
import type { FirsthandCode } from '../errors.ts'

/** What the request asks beside the link. */
export interface Asked {
  isHead: boolean
  header: (name: string) => string | undefined
}

const SHIELD = {
  'content-security-policy': "sandbox; default-src 'none'",
  'cross-origin-resource-policy': 'same-site',
  'referrer-policy': 'no-referrer',
  'cache-control': 'private, no-cache',
}

const isServed = (type: string): boolean => (format.options as readonly string[]).includes(type)

/**
 * Sends the file, or what the request asks of it; resolves when it has left. Where the answer has no bytes, its headers
 * are gathered alone and its status is answered. Throws a Problem before anything has left.
 */
export async function sendObject(
  objects: DiskStore,
  { key, contentType, filename }: Download,
  asked: Asked,
  { exchange, outgoing, idleMs }: { exchange: Exchange; outgoing: ServerResponse; idleMs: number },
): Promise<200 | 304 | undefined> {
  const opened = await openObject(objects, key)
  try {
    const { status, range } = answerTo(asked, opened)
    const { sizeBytes, etag } = opened
    const whole = { first: 0, last: sizeBytes - 1 }
    const { first, last } = range ?? whole
    Object.assign(exchange.headers, SHIELD, {
      ...{ etag, 'accept-ranges': 'bytes', 'content-disposition': attachment(filename) },
      ...(status !== 304 && {
        'content-type': isServed(contentType) ? contentType : 'application/octet-stream',
        'content-length': String(last - first + 1),
      }),
      ...(range && { 'content-range': `bytes ${first}-${last}/${sizeBytes}` }),
    })
    if (status === 304 || asked.isHead || sizeBytes === 0) return status === 304 ? 304 : 200
    exchange.status = status
    // A client that takes nothing holds a file open.
    outgoing.setTimeout(idleMs, () => outgoing.destroy())
    outgoing.writeHead(status, exchange.headers)
    await pipeline(opened.handle.createReadStream({ start: first, end: last, autoClose: false }), outgoing)
    return undefined
  } finally {
    await opened.handle.close()
  }
}

async function openObject(objects: DiskStore, key: string): Promise<OpenedObject> {
  try {
    return await objects.open(key)
  } catch (error) {
    if (!(error instanceof ObjectMissing)) throw error
    throw new Problem<FirsthandCode>('object_not_found', 'The file is not here any more.', { cause: error })
  }
}

/** The status, and the part that is asked for; undefined: the whole. */
function answerTo({ isHead, header }: Asked, { sizeBytes, etag }: OpenedObject): { status: number; range?: ByteRange } {
  const known = header('if-none-match')?.split(',') ?? []
  if (known.some((each) => [etag, `W/${etag}`, '*'].includes(each.trim()))) return { status: 304 }
  const condition = header('if-range')
  const isWhole = isHead || (condition !== undefined && condition.trim() !== etag)
  const range = isWhole ? undefined : byteRangeOf(header('range'), sizeBytes)
  if (range === undefined) return { status: 200 }
  if (range !== 'unsatisfiable') return { status: 206, range }
  throw new Problem<FirsthandCode>('range_not_satisfiable', `The file has ${sizeBytes} bytes.`, {
    headers: { 'content-range': `bytes */${sizeBytes}` },
  })
}
