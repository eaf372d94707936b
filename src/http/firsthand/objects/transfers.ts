/** Bounds of what goes through this process at once: uploads, those on one link among them, and downloads. */
import { Problem } from '../../errors.ts'
import { createShares, holding } from '../../shares.ts'
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
  const places = createShares(max)
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const owner = ownerOf(key)
    if (places.fullFor(owner, 1)) throw full()
    return holding(places, owner, work)
  }
}

const full = () =>
  new Problem<FirsthandCode>('transfers_full', 'Too many files are under way; send the request again in a moment.')

export function createTransfers({ uploadsMax, downloadsMax }: TransferLimits): Transfers {
  const onLinks = createShares(Number.POSITIVE_INFINITY, LINK_UPLOADS_MAX)
  const upload = createPlaces(uploadsMax)
  return {
    async upload(key, work) {
      if (onLinks.fullFor(key, 1)) {
        throw new Problem<FirsthandCode>('upload_exists', 'The link is being written to by other requests.')
      }
      return upload(key, () => holding(onLinks, key, work))
    },
    download: createPlaces(downloadsMax),
  }
}
