/**
 * Bounds of what goes through this process at once: uploads, those on one link among them, and downloads. One organization
 * has half of the places at most: slow clients of its own would keep everybody's files away.
 */
import { Problem } from '../../errors.ts'
import type { FirsthandCode } from '../errors.ts'

export interface TransferLimits {
  /** Uploads at once, in this process. */
  uploadsMax: number
  /** Downloads at once, in this process. */
  downloadsMax: number
  /** A transfer at which nothing moves for so long is cut. */
  idleMs: number
}

/** Uploads at once on one link: one, and repeats of it whose predecessors have not been seen to fail. */
const LINK_UPLOADS_MAX = 4

export interface Transfers {
  /** Does the work on the object while there is a place for it; throws a Problem (503, 409) where there is none. */
  upload<T>(key: string, work: () => Promise<T>): Promise<T>
  download<T>(key: string, work: () => Promise<T>): Promise<T>
}

/** `uploads/live/org_…/…` → the organization, in its world. */
const ownerOf = (key: string): string => key.split('/', 3).slice(1).join('/')

/** Places for one kind of transfers. */
function createPlaces(max: number) {
  const ownMax = Math.max(1, Math.floor(max / 2))
  const taken = createCounts()
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const owner = ownerOf(key)
    if (taken.total() >= max || taken.of(owner) >= ownMax) throw full()
    return taken.while(owner, work)
  }
}

/** How much is under way, in all and by name. */
function createCounts() {
  const counts = new Map<string, number>()
  let total = 0
  return {
    total: () => total,
    of: (name: string) => counts.get(name) ?? 0,
    async while<T>(name: string, work: () => Promise<T>): Promise<T> {
      total += 1
      counts.set(name, (counts.get(name) ?? 0) + 1)
      try {
        return await work()
      } finally {
        total -= 1
        const left = (counts.get(name) ?? 1) - 1
        if (left === 0) counts.delete(name)
        else counts.set(name, left)
      }
    },
  }
}

const full = () =>
  new Problem<FirsthandCode>('transfers_full', 'Too many files are under way; send the request again in a moment.')

export function createTransfers({ uploadsMax, downloadsMax }: TransferLimits): Transfers {
  const onLink = createCounts()
  const upload = createPlaces(uploadsMax)
  return {
    async upload(key, work) {
      if (onLink.of(key) >= LINK_UPLOADS_MAX) {
        throw new Problem<FirsthandCode>('upload_exists', 'The link is being written to by other requests.')
      }
      return upload(key, () => onLink.while(key, work))
    },
    download: createPlaces(downloadsMax),
  }
}
