/**
 * Addresses beside the contract: files of jobs, whole or a range of them, the public keys of callbacks, and where a provider's queue
 * says that its work has ended. A file's address is its only credential: it is handed to browsers and to other tasks.
 */
import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { type Context, Hono } from 'hono'
import { safeFilename } from '../../../adapters/object-store/content-disposition.ts'
import { ObjectMissing, type ObjectStore, ObjectStoreUnavailable } from '../../../adapters/object-store/object-store.ts'
import { systemContext } from '../../../commands/context.ts'
import type { CallbackKeys } from '../../../processes/killatamata/media/callback-keys.ts'
import { FILES_PATH, readFilePath } from '../../../processes/killatamata/media/files.ts'
import type { Media } from '../../../processes/killatamata/media/parts.ts'
import {
  PROVIDER_CALLBACKS_PATH,
  takeProviderCallback,
} from '../../../processes/killatamata/media/provider-callbacks.ts'
import { findMediaFiles, type MediaFileRow } from '../../../projections/killatamata/media.ts'
import { alreadySent } from '../../already-sent.ts'
import { hasMoreBody, rawBody, readBody } from '../../body.ts'
import { refuse } from '../../context.ts'
import type { AppEnv, Exchange, Runtime } from '../../environment.ts'
import { Problem } from '../../errors.ts'
import { methodNotAllowed } from '../../serve-operation.ts'
import { errors, type KillatamataCode } from '../errors.ts'
import { type FilePart, filePartOf, fileShield } from '../file-part.ts'

export const CALLBACK_KEYS_PATH = '/killatamata/.well-known/callback-keys.json'
const IDLE_MS = 60_000
/** Of what a queue says, whose own words count for nothing. */
const PROVIDER_CALLBACK_MAX_BYTES = 1_048_576

const OWN_HEADERS = { ...fileShield, 'cross-origin-resource-policy': 'cross-origin' }

export interface FilePageParts {
  media: Pick<Media, 'bus' | 'db' | 'addresses' | 'objects' | 'limits' | 'providerOf' | 'providerCallbacks'>
  callbackKeys: Pick<CallbackKeys, 'jwks'>
  clock: () => Date
}

const refusal = (code: KillatamataCode, detail: string) => new Problem<KillatamataCode>(code, detail)

/** Throws a Problem where the address is none of ours, or its file is gone. */
async function findFile({ media, clock }: FilePageParts, path: string): Promise<MediaFileRow> {
  const { db, addresses, limits } = media
  const address = readFilePath(path)
  const files = address ? await findMediaFiles(db, address.jobId) : []
  for (const file of files) {
    if (!address || file.name !== address.name) continue
    if (!(await addresses.isTokenOf(file.file_id, address.token))) continue
    const isOver = Date.parse(file.completed_at) + limits.MEDIA_FILE_LIFE_MS <= clock().getTime()
    if (isOver || file.deleted_at !== null) throw refusal('file_expired', 'Files of jobs are deleted after some days.')
    return file
  }
  throw refusal('file_not_found', 'There is no file at this address.')
}

/** Sends the bytes. Throws a Problem before anything has left. */
async function send(
  objects: ObjectStore,
  { object_key: key }: Pick<MediaFileRow, 'object_key'>,
  { status, first, last }: FilePart,
  { exchange, outgoing }: { exchange: Exchange; outgoing: ServerResponse },
): Promise<void> {
  const bytes = await objects.readRange(key, first, last).catch((cause: unknown) => {
    if (cause instanceof ObjectMissing) throw refusal('file_expired', 'The file is not here any more.')
    if (cause instanceof ObjectStoreUnavailable)
      throw new Problem('dependency_unavailable', 'The file cannot be read now.', { cause })
    throw cause
  })
  exchange.status = status
  // A client that takes nothing holds a file open.
  outgoing.setTimeout(IDLE_MS, () => outgoing.destroy())
  outgoing.writeHead(status, exchange.headers)
  await pipeline(bytes, outgoing)
}

async function serveFile(c: Context<AppEnv>, parts: FilePageParts, runtime: Runtime): Promise<Response> {
  const exchange = c.get('exchange')
  exchange.route = `${FILES_PATH}/{jobId}/{token}/{name}`
  const { outgoing } = c.env
  if (!outgoing) throw new Error('a file goes over a connection')
  const isHead = c.req.method === 'HEAD'
  const file = await findFile(parts, c.req.path)
  const [etag, sizeBytes] = [`"${file.sha256}"`, Number(file.size_bytes)]
  const part = filePartOf((name) => c.req.header(name), { isHead, etag, sizeBytes })
  const { status, first, last } = part
  Object.assign(exchange.headers, OWN_HEADERS, {
    ...{ etag, 'cache-control': 'private, max-age=3600, immutable' },
    'content-disposition': `inline; filename="${safeFilename(file.name)}"`,
    ...(status !== 304 && { 'content-type': file.mime_type, 'content-length': String(last - first + 1) }),
    ...(status === 206 && { 'content-range': `bytes ${first}-${last}/${sizeBytes}` }),
  })
  if (isHead || status === 304) return c.body(null, status === 304 ? 304 : 200, exchange.headers)
  try {
    await send(parts.media.objects, file, part, { exchange, outgoing })
  } catch (error) {
    // The client has gone, or the file ended midway: the broken connection says so.
    if (!outgoing.headersSent) throw error
    outgoing.destroy()
    runtime.log.info({ requestId: exchange.requestId, err: error }, 'a download was not finished')
  }
  return alreadySent(exchange)
}

/** Adds the addresses to the app of the pages. */
export function mediaPages(parts: FilePageParts, runtime: Runtime): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.onError((error, c) => {
    const exchange = c.get('exchange')
    if (c.env?.incoming && hasMoreBody(c.env.incoming)) exchange.headers.connection = 'close'
    return refuse(exchange, error, errors, runtime)
  })
  app.get(CALLBACK_KEYS_PATH, async (c) => c.json(await parts.callbackKeys.jwks()))
  app.all(`${FILES_PATH}/*`, (c) => {
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') throw methodNotAllowed(['GET', 'HEAD'])
    return serveFile(c, parts, runtime)
  })
  const bodyOf = readBody(rawBody(), PROVIDER_CALLBACK_MAX_BYTES)
  app.post(`${PROVIDER_CALLBACKS_PATH}/*`, async (c) => {
    c.get('exchange').route = `${PROVIDER_CALLBACKS_PATH}/{requestId}/{attempt}/{token}`
    // Nobody's body is read who does not have the address from us.
    const address = await parts.media.providerCallbacks.read(c.req.path)
    if (!address) throw refusal('signature_invalid', 'The address is not one that was given to a provider.')
    const body = ((await bodyOf(c)) ?? new Uint8Array()) as Uint8Array
    const at = parts.clock().toISOString()
    await takeProviderCallback(parts.media, address, body, systemContext('killatamata-media', randomUUID(), at))
    return c.json({ received: true })
  })
  return app
}
