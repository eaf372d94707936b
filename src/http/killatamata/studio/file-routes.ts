/**
 * Files of assets, under addresses that cannot be guessed: `/studio/files/<asset>/<token>/<name>`. They are handed to browsers, so none
 * needs a key, and nothing of them ever runs in this origin.
 */

import { Readable } from 'node:stream'
import { type Context, Hono } from 'hono'
import { attachment } from '../../../adapters/object-store/content-disposition.ts'
import { ObjectMissing } from '../../../adapters/object-store/object-store.ts'
import { ASSET_FILES_PATH, contentKeyOf } from '../../../processes/killatamata/studio/contents.ts'
import { type AssetRow, findAssetById } from '../../../projections/killatamata/studio.ts'
import { isSameSecret } from '../../../runtime/secret.ts'
import { refuse } from '../../context.ts'
import type { AppEnv, Runtime } from '../../environment.ts'
import { Problem } from '../../errors.ts'
import type { KillatamataParts } from '../access.ts'
import { errors, type KillatamataCode } from '../errors.ts'
import { filePartOf, fileShield } from '../file-part.ts'

const OWN_HEADERS = { ...fileShield, 'cache-control': 'private, no-cache' }

/** Shown as they are; anything else is bytes, or a text without a meaning. */
const SHOWN =
  /^(image\/(png|jpeg|webp|gif)|audio\/[\w.+-]+|video\/[\w.+-]+|application\/(json|pdf)|model\/gltf-binary)$/
const typeOf = (mimeType: string): string => {
  if (SHOWN.test(mimeType)) return mimeType
  if (mimeType === 'text/markdown' || mimeType === 'text/csv') return `${mimeType}; charset=utf-8`
  return mimeType.startsWith('text/') ? 'text/plain; charset=utf-8' : 'application/octet-stream'
}

export function studioFileRoutes({ db, studio }: KillatamataParts, runtime: Runtime): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.onError((error, c) => refuse(c.get('exchange'), error, errors, runtime))

  async function assetAt(c: Context<AppEnv>): Promise<AssetRow> {
    const assetId = c.req.param('asset') ?? ''
    const isKnown = isSameSecret(await studio.fileTokenOf('asset', assetId), c.req.param('token') ?? '')
    const asset = isKnown ? await findAssetById(db, assetId) : undefined
    if (!asset) throw notFound()
    return asset
  }

  app.on(['GET', 'HEAD'], `${ASSET_FILES_PATH}/:asset/:token/:name`, async (c) => {
    const exchange = c.get('exchange')
    exchange.route = `${ASSET_FILES_PATH}/{asset}/{token}/{name}`
    const { account_id, sha256, mime_type, size_bytes, filename } = await assetAt(c)
    const etag = `"${sha256}"`
    Object.assign(exchange.headers, OWN_HEADERS, { etag, 'content-disposition': attachment(filename) })
    const isHead = c.req.method === 'HEAD'
    const whole = { isHead, etag, sizeBytes: size_bytes }
    const { status, first, last } = filePartOf((name) => c.req.header(name), whole)
    if (status === 304) return c.body(null, status, exchange.headers)
    const range = status === 206 && { 'content-range': `bytes ${first}-${last}/${size_bytes}` }
    const length = { 'content-length': String(last - first + 1), ...range }
    const headers = { ...exchange.headers, 'content-type': typeOf(mime_type), ...length }
    if (isHead) return c.body(null, status, headers)
    const key = contentKeyOf(account_id, sha256)
    const { objects } = studio
    const reading = status === 206 ? objects.readRange(key, first, last) : objects.read(key)
    const bytes = await reading.catch((cause: unknown) => {
      throw cause instanceof ObjectMissing ? notFound(cause) : cause
    })
    return c.body(Readable.toWeb(bytes) as ReadableStream, status, headers)
  })
  return app
}

const notFound = (cause?: unknown) =>
  new Problem<KillatamataCode>('file_not_found', 'There is no such file.', { cause })
