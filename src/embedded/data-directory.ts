/**
 * One instance per data directory. The lock is an exclusive transaction on a small SQLite file, that is, a lock of the
 * operating system, which ends with the process however it ends: no stale lock to clear after kill -9, and no clock
 * or process id to trust. The process id beside it only serves the message to whoever comes second.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface DataDirectoryLock {
  /** Lets the next instance in; may be called more than once. */
  release(): void
}

/** Another process works on this data directory. */
export class DataDirectoryInUse extends Error {
  override name = 'DataDirectoryInUse'
  readonly directory: string
  /** The process that holds the lock, where it could be told. */
  readonly pid: number | undefined

  constructor(directory: string, pid: number | undefined) {
    const holder = pid === undefined ? 'Another process' : `Process ${pid}`
    super(`${holder} uses the data directory ${directory}; stop it first, or set DATA_DIR to another directory`)
    this.directory = directory
    this.pid = pid
  }
}

/**
 * Creates the directory where it is missing, for its owner alone, and locks it. A predecessor that is about to end gets
 * `waitMs` (default 3,000, blocking) to do so; then DataDirectoryInUse is thrown.
 */
export function lockDataDirectory(directory: string, options: { waitMs?: number } = {}): DataDirectoryLock {
  const path = resolve(directory)
  if (!existsSync(path)) {
    mkdirSync(path, { recursive: true })
    chmodSync(path, 0o700)
  }
  const holderFile = join(path, 'lock.pid')
  const database = new DatabaseSync(join(path, 'lock.db'), { timeout: options.waitMs ?? 3_000 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!/locked|busy/i.test((error as Error).message)) throw error
    throw new DataDirectoryInUse(path, readHolder(holderFile))
  }
  writeFileSync(holderFile, `${process.pid}\n`)
  let held = true
  return {
    release() {
      if (!held) return
      held = false
      rmSync(holderFile, { force: true })
      database.close()
    },
  }
}

/** PostgreSQL may run as another user, and looks after the modes of its files itself. */
const OTHERS_OWN = ['postgres']

/**
 * Takes from other users of the machine what a directory that existed before gives them: they may pass through it, where
 * they could, and neither read it nor what is in it. Answers whether there was anything to take.
 */
export function closeToOthers(directory: string): boolean {
  const own = readdirSync(directory).filter((name) => !OTHERS_OWN.includes(name))
  const closed = own.map((name) => restrict(join(directory, name), 0o700))
  return [restrict(directory, 0o711), ...closed].includes(true)
}

/** Leaves of a file's mode what `allowed` has. What belongs to another user stays as it is. */
function restrict(path: string, allowed: number): boolean {
  const { mode, uid } = statSync(path)
  const permissions = mode & 0o777
  if ((permissions & ~allowed) === 0 || uid !== process.getuid?.()) return false
  chmodSync(path, permissions & allowed)
  return true
}

function readHolder(file: string): number | undefined {
  if (!existsSync(file)) return undefined
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
  return Number.isInteger(pid) ? pid : undefined
}
