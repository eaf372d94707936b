/** A store's directory while it is open: taken by this process alone, or, where nothing can be written to it, as it is. */
import fs from 'node:fs'
import { copyIndex, isWritable } from './index-reading.ts'
import { lockDirectory } from './lock.ts'

export type StoreDirectory = {
  isReadOnly: boolean
  /** Where the index is: with the log, or, of a read-only log, as a copy among the temporary files. */
  indexDirectory: string
  release: () => void
}

/**
 * Takes the directory, and creates it where it is missing.
 * @throws {Error} when another process uses it.
 */
export function claimDirectory(directory: string): StoreDirectory {
  fs.mkdirSync(directory, { recursive: true })
  if (isWritable(directory)) {
    return { isReadOnly: false, indexDirectory: directory, release: lockDirectory(directory).release }
  }
  const copy = copyIndex(directory)
  return { isReadOnly: true, indexDirectory: copy.path, release: copy.remove }
}
