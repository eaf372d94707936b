/** Files that are uploaded: they go to a file of this machine, are hashed there, and to the object store once they are wanted. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { markedTypeOf } from '../../../adapters/inspection/sniffing.ts'
import { safeFilename } from '../../../adapters/object-store/content-disposition.ts'
import { refuse } from '../../../adapters/object-store/disk-files.ts'
import { hashing } from '../../../adapters/object-store/hashing.ts'
import type { ObjectStore } from '../../../adapters/object-store/object-store.ts'
import type { Content } from '../../../commands/killatamata/studio-asset.ts'
import { openUploadFolder, removeUploadFolder } from '../upload-folder.ts'
import { contentKeyOf } from './contents.ts'

export interface UploadedContent extends Content {
  mimeType: string
}

export interface StagedUpload {
  content: UploadedContent
  /** Stores it for the account, where it may be already. Rejects with ObjectStoreUnavailable. */
  store(objects: Pick<ObjectStore, 'write'>, accountId: string): Promise<void>
  /** To be called once it is stored, or is not wanted. */
  remove(): Promise<void>
}

/** Of a text: as much as is looked at. */
const HEAD_BYTES = 65_536
/** What follows may lack the rest of a character. */
const CUT_MAX_BYTES = 3
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what no text has
const NO_TEXT = /[\u0000-\u0008\u000e-\u001f]/

/** Takes in what comes, in a folder below the directory. Rejects with what the body throws; nothing is left then. */
export async function stageUpload(
  directory: string,
  filename: string,
  body: AsyncIterable<Uint8Array>,
): Promise<StagedUpload> {
  const folder = await openUploadFolder(directory)
  const remove = () => removeUploadFolder(folder)
  try {
    const path = join(folder, 'upload')
    const digest = createHash('sha256')
    await pipeline(hashing(body, digest), createWriteStream(path, { mode: 0o600 })).catch(refuse)
    const sha256 = digest.digest('hex')
    const { mimeType, sizeBytes } = await typeOf(path, filename)
    return {
      ...{ content: { sizeBytes, sha256, mimeType }, remove },
      store: (objects, accountId) =>
        objects.write(contentKeyOf(accountId, sha256), path, { contentType: mimeType, sha256 }),
    }
  } catch (error) {
    await remove()
    throw error
  }
}

async function typeOf(path: string, filename: string): Promise<{ mimeType: string; sizeBytes: number }> {
  const handle = await open(path, 'r')
  try {
    const { size: sizeBytes } = await handle.stat()
    const marked = await markedTypeOf(path)
    if (marked !== undefined) return { mimeType: marked, sizeBytes }
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    const head = buffer.subarray(0, bytesRead)
    const mimeType = isText(head, bytesRead < sizeBytes) ? textTypeOf(filename) : 'application/octet-stream'
    return { mimeType, sizeBytes }
  } finally {
    await handle.close()
  }
}

function isText(head: Buffer, isCut: boolean): boolean {
  const text = head.toString('utf8')
  const end = isCut ? text.length - CUT_MAX_BYTES : text.length
  return !text.slice(0, end).includes('\ufffd') && !NO_TEXT.test(text)
}

/** Bytes say that it is a text; of which kind, its name alone can say. */
function textTypeOf(filename: string): string {
  if (/\.(md|markdown)$/i.test(filename)) return 'text/markdown'
  if (/\.json$/i.test(filename)) return 'application/json'
  if (/\.csv$/i.test(filename)) return 'text/csv'
  return 'text/plain'
}

/** The name without the path that it came with. */
export const plainFilename = (given: string): string => safeFilename(given.split(/[\\/]/).at(-1) ?? '')
