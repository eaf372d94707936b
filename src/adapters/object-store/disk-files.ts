/**
 * Files of the disk store. Bytes go to a temporary file, which is flushed to the disk and only then gets its name, so an
 * object is whole or not there; a crash or a full disk leaves at most a temporary file.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ObjectStoreUnavailable, requireKey } from './object-store.ts'

/** No part of a key begins with a dot. */
const UNFINISHED = '.unfinished'
const PRIVATE_FILE = 0o600
const PRIVATE_DIRECTORY = 0o700
/** Bytes that may wait for the disk. */
const WRITE_BUFFER_BYTES = 1_048_576
/** A directory that another has just found empty may go before a file comes into it. */
const PLACING_ATTEMPTS_MAX = 5

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error ? String(error.code) : undefined
export const isCode = (error: unknown, ...codes: string[]): boolean => codes.includes(codeOf(error) ?? '')

/** What passes when the disk has room, or is there, again. */
const PASSING = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'EPERM', 'ENODEV']

/** Throws ObjectStoreUnavailable for what a disk does that is full or away, anything else as it is. */
export function refuse(error: unknown): never {
  if (!isCode(error, ...PASSING)) throw error
  throw new ObjectStoreUnavailable(`the disk of the object store does not take or give bytes (${codeOf(error)})`, {
    cause: error,
  })
}

/** Where the object of this key lies. Throws where the key is none of ours. */
export const placeOf = (directory: string, key: string): string => join(directory, ...requireKey(key).split('/'))

/** Writes the source's bytes to a temporary file that is on the disk when this resolves. It is gone where it rejects. */
export async function writeUnfinished(directory: string, source: AsyncIterable<Uint8Array>): Promise<string> {
  const file = join(directory, UNFINISHED, randomUUID())
  try {
    await mkdir(dirname(file), { recursive: true, mode: PRIVATE_DIRECTORY })
    // Opened before a byte comes: a stream that opens it itself may do so after a source that ended at once, and after `rm`.
    const handle = await open(file, 'wx', PRIVATE_FILE)
    await pipeline(source, handle.createWriteStream({ flush: true, highWaterMark: WRITE_BUFFER_BYTES }))
    return file
  } catch (error) {
    await rm(file, { force: true })
    return refuse(error)
  }
}

/** How a temporary file gets its name. */
export interface Publishing {
  /** It may take the place of another. */
  replaces: boolean
  /** The name is on the disk, too, when this resolves. Without it a power cut may take the object away, whole. */
  isFlushed: boolean
}

/** Gives a temporary file its name. Answers false, without it, where the name is taken and may not be replaced. */
export async function publish(file: string, place: string, { replaces, isFlushed }: Publishing): Promise<boolean> {
  try {
    await inDirectory(place, () => (replaces ? rename(file, place) : link(file, place)))
    if (isFlushed) await flushDirectory(dirname(place))
    return true
  } catch (error) {
    if (!replaces && isCode(error, 'EEXIST')) return false
    return refuse(error)
  } finally {
    await rm(file, { force: true })
  }
}

/**
 * Gives a file, which nobody writes to any more, another name beside its own; that name is on the disk when this resolves.
 * Without effect where the name is taken. Rejects with ENOENT where the file is not there.
 */
export async function addName(file: string, place: string): Promise<void> {
  await stat(file)
  try {
    await inDirectory(place, () => link(file, place))
    await flushDirectory(dirname(place))
  } catch (error) {
    if (isCode(error, 'ENOENT')) throw error
    if (!isCode(error, 'EEXIST')) refuse(error)
  }
}

async function inDirectory(place: string, step: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await mkdir(dirname(place), { recursive: true, mode: PRIVATE_DIRECTORY })
    try {
      return await step()
    } catch (error) {
      if (!isCode(error, 'ENOENT') || attempt >= PLACING_ATTEMPTS_MAX) throw error
    }
  }
}

/** The new name itself is on the disk after this. */
async function flushDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Removes a file, and the directories above it that have become empty. */
export async function removeFile(directory: string, place: string): Promise<void> {
  await rm(place, { force: true }).catch(refuse)
  for (let above = dirname(place); above.length > directory.length; above = dirname(above)) {
    try {
      await rmdir(above)
    } catch (error) {
      if (isCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) return
      refuse(error)
    }
  }
}

/** Removes temporary files that were last written before this time. Answers how many. */
export async function removeUnfinished(directory: string, before: Date): Promise<number> {
  let removed = 0
  for (const name of await namesIn(join(directory, UNFINISHED))) {
    const file = join(directory, UNFINISHED, name)
    const found = await stat(file).catch(() => undefined)
    if (!found || found.mtime >= before) continue
    await rm(file, { force: true }).catch(refuse)
    removed += 1
  }
  return removed
}

/** Names in a directory, sorted; none where it is not there. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort()
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return []
    return refuse(error)
  }
}
