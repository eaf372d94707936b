/**
 * One engine per directory. The lock is SQLite's own file lock on a database of nothing, held in an open exclusive
 * transaction: the operating system lets go of it however the process ends.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** The directory belongs to an engine that is running. */
export class DirectoryInUse extends Error {
  override name = 'DirectoryInUse'
}

/**
 * Takes the directory for this process. Answers with the function that gives it back.
 * @throws DirectoryInUse where another engine holds it.
 */
export function lockDirectory(directory: string): () => void {
  const database = new DatabaseSync(join(directory, 'engine.lock'))
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    const locked = error instanceof Error && 'errcode' in error && error.errcode === 5
    if (!locked) throw error
    throw new DirectoryInUse(`${directory} is in use by another engine; stop that one or choose another directory`)
  }
  return () => database.close()
}
