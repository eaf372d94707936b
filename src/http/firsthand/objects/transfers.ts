/** Bounds of what goes through this process at once: uploads, those on one link among them, and downloads. */
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
  /** Does the work while there is a place for it; throws a Problem (503, 409) where there is none. */
  upload<T>(key: string, work: () => Promise<T>): Promise<T>
  download<T>(work: () => Promise<T>): Promise<T>
}

const full = () =>
  new Problem<FirsthandCode>('transfers_full', 'Too many files are under way; send the request again in a moment.')

export function createTransfers({ uploadsMax, downloadsMax }: TransferLimits): Transfers {
  const byKey = new Map<string, number>()
  let uploads = 0
  let downloads = 0
  return {
    async upload(key, work) {
      const ofKey = byKey.get(key) ?? 0
      if (ofKey >= LINK_UPLOADS_MAX) {
        throw new Problem<FirsthandCode>('upload_exists', 'The link is being written to by other requests.')
      }
      if (uploads >= uploadsMax) throw full()
      uploads += 1
      byKey.set(key, ofKey + 1)
      try {
        return await work()
      } finally {
        uploads -= 1
        const left = (byKey.get(key) ?? 1) - 1
        if (left === 0) byKey.delete(key)
        else byKey.set(key, left)
      }
    },
    async download(work) {
      if (downloads >= downloadsMax) throw full()
      downloads += 1
      try {
        return await work()
      } finally {
        downloads -= 1
      }
    },
  }
}
