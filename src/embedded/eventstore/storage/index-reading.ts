/**
 * The index as others than the node read it: beside a running one, or on a file system that may not be written to, where
 * SQLite cannot make the files that its write-ahead log needs.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'

export const INDEX_FILE = 'index.db'

/** An index that is open for reading; `close` also removes the copy that may have been made for it. */
export type ReadableIndex = { database: DatabaseSync; close: () => void }

/**
 * Opens the index of a directory; undefined where it has none.
 * @throws {Error} where there is one that cannot be read.
 */
export function openIndexForReading(directory: string): ReadableIndex | undefined {
  const file = path.join(directory, INDEX_FILE)
  if (!fs.existsSync(file)) return undefined
  try {
    return openReadable(file, file)
  } catch (error) {
    if (isWritable(directory)) throw error
    const log = `${file}-wal`
    const hasLog = fs.existsSync(log) && fs.statSync(log).size > 0
    return hasLog ? openCopy(file) : openReadable(file, immutable(file))
  }
}

/** How far the log is indexed, where the index can say that; 0 where there is none or it cannot be read. */
export function readIndexedTo(directory: string, onNotice: (notice: string) => void): number {
  try {
    const index = openIndexForReading(directory)
    if (!index) return 0
    const row = index.database.prepare('SELECT indexed_to FROM progress').get()
    index.close()
    return Number(row?.indexed_to ?? 0)
  } catch (error) {
    onNotice(`the index cannot be read: ${(error as Error).message}`)
    return 0
  }
}

/** Whether files can be made in the directory, as far as its file system and its permissions go. */
export function isWritable(directory: string): boolean {
  try {
    fs.accessSync(directory, fs.constants.W_OK)
    return true
  } catch {
    // Read-only, or not ours to write to.
    return false
  }
}

/** SQLite takes the file as one that nobody changes, and makes no files beside it. */
export function immutable(file: string): URL {
  const url = pathToFileURL(file)
  url.searchParams.set('immutable', '1')
  return url
}

function openReadable(file: string, location: string | URL): ReadableIndex {
  const database = new DatabaseSync(location, { readOnly: true })
  try {
    database.prepare('SELECT indexed_to FROM progress').get()
  } catch (error) {
    database.close()
    throw new Error(`the index ${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  return { database, close: () => database.close() }
}

/**
 * Copies the index of a directory, and the write-ahead log that a killed node has left with it, to a new directory among
 * the temporary ones, where it can be written to. @returns that directory, and how to remove it.
 */
export function copyIndex(directory: string): { path: string; remove: () => void } {
  const target = fs.mkdtempSync(path.join(os.tmpdir(), 'event-store-index-'))
  const remove = () => fs.rmSync(target, { recursive: true, force: true })
  try {
    for (const name of [INDEX_FILE, `${INDEX_FILE}-wal`]) {
      const source = path.join(directory, name)
      if (fs.existsSync(source)) fs.copyFileSync(source, path.join(target, name))
    }
    return { path: target, remove }
  } catch (error) {
    remove()
    throw error
  }
}

function openCopy(file: string): ReadableIndex {
  const copy = copyIndex(path.dirname(file))
  try {
    const index = openReadable(file, path.join(copy.path, INDEX_FILE))
    const close = () => {
      index.close()
      copy.remove()
    }
    return { database: index.database, close }
  } catch (error) {
    copy.remove()
    throw error
  }
}
