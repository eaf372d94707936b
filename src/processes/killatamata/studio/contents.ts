/** What assets hold, in the object store: by account and hash, so that what is stored again is what is there. */
import { hash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import type { ObjectStore } from '../../../adapters/object-store/object-store.ts'
import type { Content } from '../../../commands/killatamata/studio-asset.ts'

/** Where files of assets are served: `…/<asset>/<token>/<name>`. */
export const ASSET_FILES_PATH = '/killatamata/studio/files'

export const contentKeyOf = (accountId: string, sha256: string): string => `files/studio/${accountId}/${sha256}`

type Kept = Pick<ObjectStore, 'write' | 'read'>

/** A text, and what stores it before anything names it, which rejects with ObjectStoreUnavailable. */
export function textToStore(objects: Kept, accountId: string, text: string, mimeType: string) {
  const bytes = Buffer.from(text)
  const sha256 = hash('sha256', bytes)
  const content: Content = { sizeBytes: bytes.length, sha256 }
  return {
    content,
    store: () => objects.write(contentKeyOf(accountId, sha256), bytes, { contentType: mimeType, sha256 }),
  }
}

/** Rejects with ObjectMissing, ObjectDamaged. */
export async function readText(
  objects: Kept,
  { accountId, sha256 }: { accountId: string; sha256: string },
): Promise<string> {
  const stream = await objects.read(contentKeyOf(accountId, sha256), sha256)
  return (await buffer(stream)).toString('utf8')
}
