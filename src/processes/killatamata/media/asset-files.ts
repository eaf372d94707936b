/**
 * Assets of the studio as inputs of media jobs, by their addresses: `/killatamata/studio/files/<asset>/<token>/<name>`. Whoever has the
 * address may use the file, as with files of jobs. Only pictures, clips and sounds are measured, each time they are asked for.
 */
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { NotTaken } from '../../../adapters/media/probe.ts'
import { refuse } from '../../../adapters/object-store/disk-files.ts'
import type { Measures } from '../../../events/killatamata/media.ts'
import { type AssetRow, findAssetById } from '../../../projections/killatamata/studio.ts'
import { isSameSecret } from '../../../runtime/secret.ts'
import type { SignInDigests } from '../digests.ts'
import { ASSET_FILES_PATH, contentKeyOf } from '../studio/contents.ts'
import type { FindOwnFile, Media } from './parts.ts'

/** What follows `ASSET_FILES_PATH`. */
const ADDRESS = /^\/([^/]{1,64})\/([0-9a-f]{48})\/[^/]{1,1024}$/
const KIND = /^(image|video|audio)\//

type Parts = Pick<Media, 'db' | 'objects' | 'workers' | 'prober' | 'directory'>

/** The finder rejects with ObjectStoreUnavailable. */
export function assetFileIn(parts: Parts, { fileTokenOf }: Pick<SignInDigests, 'fileTokenOf'>): FindOwnFile {
  return async (path) => {
    if (!path.startsWith(ASSET_FILES_PATH)) return undefined
    const [, assetId, token] = ADDRESS.exec(path.slice(ASSET_FILES_PATH.length)) ?? []
    if (!assetId || !token) return undefined
    if (!isSameSecret(await fileTokenOf('asset', assetId), token)) return null
    const asset = await findAssetById(parts.db, assetId)
    if (asset?.status !== 'active') return null
    const { account_id: accountId, sha256, mime_type: mimeType, size_bytes: sizeBytes } = asset
    const measures = await measuresIn(parts, asset)
    return { objectKey: contentKeyOf(accountId, sha256), sha256, mimeType, sizeBytes: Number(sizeBytes), measures }
  }
}

/** None of what is no medium, whatever it is called: the job that asks for one refuses it. */
async function measuresIn({ objects, workers, prober, directory }: Parts, asset: AssetRow): Promise<Measures> {
  const { account_id: accountId, sha256, mime_type: mimeType } = asset
  const [, wanted] = KIND.exec(mimeType) ?? []
  if (wanted !== 'image' && wanted !== 'video' && wanted !== 'audio') return {}
  const path = join(directory, randomUUID())
  try {
    const bytes = await objects.read(contentKeyOf(accountId, sha256), sha256)
    await pipeline(bytes, createWriteStream(path, { mode: 0o600 })).catch(refuse)
    return (await workers.probe({ path, wanted, prober: prober() })).measures
  } catch (error) {
    if (error instanceof NotTaken) return {}
    throw error
  } finally {
    await rm(path, { force: true })
  }
}
