/** Files of releases in the object store. No name of a bundle's is a part of a key: a file is found by the digest of its path. */
import { createHash, hash, randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eachFile } from '../../../adapters/archives/zip.ts'
import { refuse } from '../../../adapters/object-store/disk-files.ts'
import { hashing } from '../../../adapters/object-store/hashing.ts'
import { archiveLimitsOf, endingOf, WEB_TYPES } from './bundle.ts'
import type { Arcade } from './parts.ts'

/** Of all releases. */
export const ARCADE_FILES = 'files/arcade/'

/** Below the API's address: `/<release id>/<SHA-256>.webp`. */
export const COVERS_PATH = '/killatamata/arcade/covers'

const folderOf = (releaseId: string): string => `${ARCADE_FILES}${releaseId}/`

export const fileKeyOf = (releaseId: string, path: string): string => `${folderOf(releaseId)}${hash('sha256', path)}`
export const coverKeyOf = (releaseId: string): string => `${folderOf(releaseId)}cover`

/** Whose file a key is; undefined: it is no release's. */
export const releaseOfKey = (key: string): string | undefined =>
  key.startsWith(ARCADE_FILES) ? key.slice(ARCADE_FILES.length).split('/')[0] : undefined

export const typeOf = (path: string): string => WEB_TYPES[endingOf(path)] ?? 'application/octet-stream'

export const COVER_TYPE = 'image/webp'
const PRIVATE_FILE = 0o600

/** Stores every file of the archive, which was checked before, and the cover. Rejects with ObjectStoreUnavailable. */
export async function storeRelease(
  { objects, limits }: Pick<Arcade, 'objects' | 'limits'>,
  releaseId: string,
  { archive, cover, directory }: { archive: string; cover: Uint8Array | undefined; directory: string },
): Promise<void> {
  await eachFile(archive, archiveLimitsOf(limits), async ({ path }, bytes) => {
    // Files may be large, so that they go by the disk; the name is ours.
    const file = join(directory, randomUUID())
    try {
      const digest = createHash('sha256')
      await writeFile(file, hashing(bytes, digest), { flag: 'wx', mode: PRIVATE_FILE }).catch(refuse)
      const of = { contentType: typeOf(path), sha256: digest.digest('hex') }
      await objects.write(fileKeyOf(releaseId, path), file, of)
    } finally {
      await rm(file, { force: true })
    }
  })
  if (cover === undefined) return
  await objects.write(coverKeyOf(releaseId), cover, { contentType: COVER_TYPE, sha256: hash('sha256', cover) })
}

/** Removes what was stored of a release that there will not be. */
export async function removeRelease(
  { objects, limits }: Pick<Arcade, 'objects' | 'limits'>,
  releaseId: string,
): Promise<void> {
  const found = await objects.list(folderOf(releaseId), undefined, limits.ARCADE_ENTRIES_MAX + 1)
  for (const { key } of found) await objects.delete(key)
}
