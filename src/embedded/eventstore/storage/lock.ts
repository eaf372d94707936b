/**
 * One process per directory. The lock is an exclusive SQLite transaction on a file of its own: the operating system
 * drops it with the process, however that ends, so that no stale lock file has to be judged.
 */
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export type DirectoryLock = { release: () => void }

/**
 * Takes the lock or throws at once.
 * @throws {Error} naming the directory, when another process (or another node of this one) holds it.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const database = new DatabaseSync(path.join(directory, 'lock.db'))
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw new Error(`the event store directory ${directory} is in use by another process`, { cause: error })
  }
  return { release: () => database.close() }
}
