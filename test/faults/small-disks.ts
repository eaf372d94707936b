/**
 * Full disks for the stores of a house: small ones that are mounted where this machine permits that, and otherwise the
 * limit that the operating system puts on the size of a process's files, which fails its writes just as well.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from '../support/services.ts'
import { limitFiles, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import type { House } from './house.ts'
import type { ServiceName } from './services.ts'

export type Stored = ServiceName | 'engine'

export interface Disks {
  /** For startHouse; empty where nothing could be mounted. */
  directories: Partial<Record<Stored, string>>
  /** No byte more can be written there. */
  fill(house: House, of: Stored): void
  free(house: House, of: Stored): void
  remove(): void
}

const MIB = 1_048_576
/** Room for what the store needs to start, and some. */
const SIZES: Record<Stored, number> = { store: 12 * MIB, postgres: 100 * MIB, nats: 8 * MIB, engine: 8 * MIB }
/** What a process may still write to a file where nothing is mounted. */
const FILE_BYTES_MAX = 1_024

export function createDisks(): Disks {
  const directory = temporaryDirectory()
  const disks = new Map<Stored, SmallDisk>()
  for (const [name, bytes] of Object.entries(SIZES) as [Stored, number][]) {
    const disk = process.env.OPSLOG_NO_MOUNT === '1' ? undefined : mountSmallDisk(join(directory.path, name), bytes)
    if (disk) disks.set(name, disk)
  }
  const limited = new Set<Stored>()
  const limit = (house: House, of: Stored, bytes: number | undefined) => {
    const pid = of === 'engine' ? house.pidOf('engine') : house.services[of].pid()
    for (const each of [pid, ...childrenOf(pid)]) limitFiles(each, bytes)
  }
  return {
    directories: Object.fromEntries([...disks].map(([name, { path }]) => [name, join(path, 'data')])),
    fill(house, of) {
      const disk = disks.get(of)
      if (disk) disk.fill()
      else {
        limited.add(of)
        limit(house, of, FILE_BYTES_MAX)
      }
    },
    free(house, of) {
      const disk = disks.get(of)
      if (disk) return disk.free()
      const isThere = of === 'engine' ? house.runs('engine') : house.services[of].runs()
      // One that has ended starts again without a limit.
      if (limited.delete(of) && isThere) limit(house, of, undefined)
    },
    remove() {
      for (const disk of disks.values()) disk.unmount()
      directory.remove()
    },
  }
}

/** Postgres has a process for each connection. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[1] === String(parent)
      } catch (error) {
        // It has ended meanwhile.
        if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
        throw error
      }
    })
}
