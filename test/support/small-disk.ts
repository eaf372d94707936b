/**
 * A disk that is soon full: a file system in memory of a few megabytes, which a ballast fills to the last byte. Where this
 * machine does not let us mount one there is none, and who needs it limits the size of a process's files instead.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface SmallDisk {
  path: string
  /** Takes all the space that is left. */
  fill(): void
  /** Gives it back. */
  free(): void
  /** Nothing may use it any more. */
  unmount(): void
}

const BALLAST_CHUNK_BYTES = 64 * 1024

/** A mounted disk of so many bytes at `path`, which is made; undefined where mounting is not permitted. */
export function mountSmallDisk(path: string, bytes: number): SmallDisk | undefined {
  mkdirSync(path, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=755`, 'opslog-test', path], { stdio: 'ignore' })
  } catch {
    // Not root, or a container without the capability.
    return undefined
  }
  const ballast = join(path, 'ballast')
  return {
    path,
    fill() {
      const file = openSync(ballast, 'a')
      try {
        for (let size = BALLAST_CHUNK_BYTES; size >= 1; ) {
          try {
            writeSync(file, Buffer.alloc(size))
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
            size = Math.floor(size / 2)
          }
        }
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(ballast, { force: true }),
    unmount: () => void execFileSync('umount', ['--lazy', path]),
  }
}

/**
 * The other form of a full disk: the operating system lets the process write no file past so many bytes. Undefined
 * lifts the limit.
 */
export function limitFiles(pid: number, bytes: number | undefined): void {
  // As the process's own user, who may do that to it.
  const { uid, gid } = statSync(`/proc/${pid}`)
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes ?? 'unlimited'}:`], { uid, gid, stdio: 'pipe' })
}
