/**
 * One process per directory. The lock is an exclusive SQLite transaction on a file of its own: the operating system
 * drops it with the process, however that ends, so that no stale lock file has to be judged.
 */
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export type DirectoryLock = { release: () => void }

/** Another process, or another node of this one, uses the directory. */
export class DirectoryInUseError extends Error {
  override name = 'DirectoryInUseError'
}

const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6

/**
 * Takes the lock or throws at once.
 * @throws {DirectoryInUseError} naming the directory, when another holds it, {Error} when it cannot be written to.
 */
export function lockDirectory(directory: string): DirectoryLock {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path.join(directory, 'lock.db'))
    const taken = database
    taken.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return { release: () => taken.close() }
  } catch (error) {
    database?.close()
    const isTaken = [SQLITE_BUSY, SQLITE_LOCKED].includes(((error as { errcode?: number }).errcode ?? 0) & 0xff)
    if (isTaken) {
      throw new DirectoryInUseError(`the event store directory ${directory} is in use by another process`, {
        cause: error,
      })
    }
    throw new Error(`the event store directory ${directory} cannot be locked: ${(error as Error).message}`, {
      cause: error,
    })
  }
}
