/** PUT of an upload's link: exactly the bytes that it was made for, once. */
import type { IncomingMessage } from 'node:http'
import {
  type DiskStore,
  ObjectExists,
  UploadTooLong,
  UploadTooShort,
} from '../../../adapters/object-store/disk-store.ts'
import type { Upload } from '../../../adapters/object-store/object-store.ts'
import { headerCount } from '../../body.ts'
import { Problem } from '../../errors.ts'
import type { FirsthandCode } from '../errors.ts'

const refusal = (code: FirsthandCode, detail: string) => new Problem(code, detail)

/** How the body arrives. */
export interface Arrival {
  incoming: IncomingMessage
  /** Tells a client that waits for it to send the body. */
  proceed: () => void
  idleMs: number
}

/** Stores the body. Throws a Problem where it is not what the link allows; nothing is stored then. */
export async function putObject(objects: DiskStore, upload: Upload, arrival: Arrival): Promise<void> {
  requireHeaders(arrival.incoming, upload)
  try {
    await objects.receive(upload, arriving(arrival))
  } catch (error) {
    throw told(error, upload)
  }
}

function requireHeaders(incoming: IncomingMessage, { contentType, sizeBytes }: Upload): void {
  const { 'content-type': type, 'content-encoding': encoding, 'content-length': length } = incoming.headers
  if (type?.trim().toLowerCase() !== contentType || headerCount(incoming, 'content-type') > 1) {
    throw refusal('upload_differs', `The link takes Content-Type: ${contentType}.`)
  }
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw refusal('upload_differs', 'The bytes must be sent without content encoding.')
  }
  if (length === undefined) return
  if (Number(length) > sizeBytes) throw tooLong({ sizeBytes })
  if (Number(length) < sizeBytes) throw tooShort({ sizeBytes })
}

type Sized = Pick<Upload, 'sizeBytes'>
const tooLong = ({ sizeBytes }: Sized) => refusal('upload_too_long', `The link takes exactly ${sizeBytes} bytes.`)
const tooShort = ({ sizeBytes }: Sized) => refusal('upload_differs', `The link takes exactly ${sizeBytes} bytes.`)

function told(error: unknown, upload: Upload): unknown {
  if (error instanceof ObjectExists) return refusal('upload_exists', 'The link was used; an upload stays as it is.')
  if (error instanceof UploadTooLong) return tooLong(upload)
  if (error instanceof UploadTooShort) return tooShort(upload)
  if (error instanceof CutShort) {
    return new Problem('malformed_request', 'The body ended before it was complete.', { cause: error })
  }
  return error
}

/** The client went away, or stood still for too long. */
class CutShort extends Error {
  override name = 'CutShort'
}

/** The body as it comes. A client that sends nothing for `idleMs` loses its connection; the disk may take its time. */
async function* arriving({ incoming, proceed, idleMs }: Arrival): AsyncGenerator<Uint8Array> {
  proceed()
  // What is left unread is drained behind the answer, which a destroyed request would not get.
  const chunks: AsyncIterator<Uint8Array> = incoming.iterator({ destroyOnReturn: false })
  const next = async () => {
    const stalled = setTimeout(() => incoming.destroy(new CutShort(`nothing came for ${idleMs} ms`)), idleMs)
    try {
      return await chunks.next()
    } catch (cause) {
      throw new CutShort('the connection ended', { cause })
    } finally {
      clearTimeout(stalled)
    }
  }
  try {
    for (let step = await next(); !step.done; step = await next()) yield step.value
  } finally {
    await chunks.return?.()
  }
}
