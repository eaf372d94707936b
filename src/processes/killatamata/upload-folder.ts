/** Uploads lie in a folder of their own until they are stored. Of processes that end midway, the arcade's sweep removes it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { refuse } from '../../adapters/object-store/disk-files.ts'

/** What the sweep knows such folders by is that they are in this directory. Rejects with ObjectStoreUnavailable where the disk is full. */
export const openUploadFolder = (directory: string): Promise<string> =>
  mkdtemp(join(directory, 'upload-')).catch(refuse)

export const removeUploadFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true })

/** Does the work in a folder of its own, which is gone afterwards. */
export async function inUploadFolder<T>(directory: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await openUploadFolder(directory)
  try {
    return await work(folder)
  } finally {
    await removeUploadFolder(folder)
  }
}
