/** An object store in a directory of this machine; its links lead to routes of our own (http/firsthand/objects). */
import { createHash, hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  addName,
  isCode,
  namesIn,
  placeOf,
  publish,
  refuse,
  removeFile,
  removeUnfinished,
  writeUnfinished,
} from './disk-files.ts'
import { checked, hashing, measure } from './hashing.ts'
import { createLinkTexts, type Grant } from './link-text.ts'
import {
  type ListedObject,
  ObjectDamaged,
  ObjectMissing,
  type ObjectStore,
  requireKey,
  requireLinkLife,
  type Upload,
} from './object-store.ts'

export interface DiskStoreOptions {
  directory: string
  /** The instance's own keys: the first signs links, any opens them. */
  keys: () => readonly Uint8Array[]
  /** Where clients reach the routes of this store, without a slash at its end. */
  linkBase: () => string
  now: () => Date
}

/** A file that was opened to be sent. */
export interface OpenedObject {
  handle: FileHandle
  sizeBytes: number
  /** A strong entity tag, with its quotation marks. */
  etag: string
}

export interface DiskStore extends ObjectStore {
  readonly kind: 'disk'
  /** What a link of this store allows, expired or not; undefined where it is none. */
  readLink(text: string): Grant | undefined
  /**
   * Stores an upload: exactly its size, once. Rejects with ObjectExists, UploadTooLong, UploadTooShort,
   * ObjectStoreUnavailable, and with what the body throws; nothing is stored then.
   */
  receive(upload: Upload, body: AsyncIterable<Uint8Array>): Promise<void>
  /** Opens an object; the caller closes it. Rejects with ObjectMissing. */
  open(key: string): Promise<OpenedObject>
}

/** The key was written before, and stays as it is. */
export class ObjectExists extends Error {
  override name = 'ObjectExists'
}
export class UploadTooLong extends Error {
  override name = 'UploadTooLong'
}
export class UploadTooShort extends Error {
  override name = 'UploadTooShort'
}

export const isDiskStore = (store: ObjectStore): store is DiskStore => store.kind === 'disk'

export function createDiskStore({ directory, keys, linkBase, now }: DiskStoreOptions): DiskStore {
  const links = createLinkTexts(keys)
  const place = (key: string) => placeOf(directory, key)
  const linkOf = (grant: Grant, madeAt = now()): string => {
    requireKey(grant.key)
    requireLinkLife(grant.expiresAt, madeAt)
    return `${linkBase()}/${links.write(grant)}`
  }

  async function read(key: string, sha256?: string): Promise<Readable> {
    const { handle } = await openFile(place(key), key)
    return checked(handle.createReadStream(), { key, sha256, refuse })
  }

  return {
    kind: 'disk',
    readLink: links.read,
    putLink: (upload) => ({
      url: linkOf({ method: 'PUT', ...upload }),
      headers: { 'content-type': upload.contentType },
    }),
    getLink: (download) => linkOf({ method: 'GET', ...download }, download.madeAt),
    read,
    async readRange(key, start, end) {
      const { handle } = await openFile(place(key), key)
      return handle.createReadStream({ start, end })
    },
    async open(key) {
      const { handle, sizeBytes, modifiedNs } = await openFile(place(key), key)
      return { handle, sizeBytes, etag: `"${hash('sha256', `${key} ${sizeBytes} ${modifiedNs}`).slice(0, 32)}"` }
    },
    async receive({ key, sizeBytes }, body) {
      const to = place(key)
      if (await exists(to)) throw new ObjectExists(key)
      const file = await writeUnfinished(directory, exactly(sizeBytes, body))
      // Until it is submitted, and copied, an upload that a power cut takes away is one that never came.
      if (!(await publish(file, to, { replaces: false, isFlushed: false }))) throw new ObjectExists(key)
    },
    async write(key, from, { sha256 }) {
      const to = place(key)
      const digest = createHash('sha256')
      const source = typeof from === 'string' ? createReadStream(from) : Readable.from([from])
      const file = await writeUnfinished(directory, hashing(source, digest))
      if (digest.digest('hex') === sha256) return void (await publish(file, to, { replaces: true, isFlushed: true }))
      await rm(file, { force: true })
      throw new ObjectDamaged(`what was to be stored under ${key} has another hash`)
    },
    async copy(from, to) {
      // No object is ever written to again, so a second name of the same bytes is as good as other bytes.
      if (!(await exists(place(to)))) await addName(place(from), place(to)).catch((error) => noObject(error, from))
      return measure(await read(to))
    },
    delete: async (key) => removeFile(directory, place(key)),
    async head(key) {
      const found = await stat(place(key)).catch(missing)
      return found && { sizeBytes: found.size }
    },
    async list(prefix, after, limit) {
      const found: ListedObject[] = []
      for await (const key of keysUnder(directory, prefix, after)) {
        const of = await stat(place(key)).catch(missing)
        if (of) found.push({ key, sizeBytes: of.size, storedAt: of.mtime })
        if (found.length >= limit) break
      }
      return found
    },
    discardUnfinished: (before) => removeUnfinished(directory, before),
  }
}

function noObject(error: unknown, key: string): never {
  missing(error)
  throw new ObjectMissing(`there is no object ${key}`)
}

const missing = (error: unknown): undefined => (isCode(error, 'ENOENT', 'ENOTDIR') ? undefined : refuse(error))

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(missing)) !== undefined

async function openFile(path: string, key: string) {
  const handle = await open(path, 'r').catch(missing)
  if (!handle) throw new ObjectMissing(`there is no object ${key}`)
  const { size, mtimeNs } = await handle.stat({ bigint: true })
  return { handle, sizeBytes: Number(size), modifiedNs: mtimeNs }
}

async function* exactly(sizeBytes: number, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > sizeBytes) throw new UploadTooLong(`more than ${sizeBytes} bytes`)
    yield chunk
  }
  if (size < sizeBytes) throw new UploadTooShort(`${size} of ${sizeBytes} bytes`)
}

/** Directory by directory, so that a page reads no more of them than it shows. */
async function* keysUnder(directory: string, prefix: string, after = ''): AsyncGenerator<string> {
  const lists = [{ at: '', names: await namesIn(directory) }]
  for (let list = lists.at(-1); list; list = lists.at(-1)) {
    const name = list.names.shift()
    if (name === undefined) {
      lists.pop()
      continue
    }
    const key = list.at === '' ? name : `${list.at}/${name}`
    if (name.startsWith('.') || !mayHold(key, prefix) || isBefore(key, after)) continue
    const found = await stat(join(directory, key)).catch(missing)
    if (found?.isDirectory()) lists.push({ at: key, names: await namesIn(join(directory, key)) })
    else if (found && key.startsWith(prefix) && key !== after) yield key
  }
}

const mayHold = (key: string, prefix: string): boolean => key.startsWith(prefix) || prefix.startsWith(`${key}/`)

/** Whether all under the key comes before `after`, part by part. */
function isBefore(key: string, after: string): boolean {
  const other = after.split('/')
  for (const [at, part] of key.split('/').entries()) {
    const limit = other[at]
    if (limit === undefined || part > limit) return false
    if (part < limit) return true
  }
  return false
}
