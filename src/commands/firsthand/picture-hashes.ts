/**
 * Perceptual hashes of a job's approved pictures, of which no two are alike. A job may have ten thousand, and each approval
 * makes a new state; so the states share one store that only grows, and each knows how much of it is its own.
 */

/** Pictures whose hashes differ in so many bits or fewer are taken for one. */
export const NEAR_DUPLICATE_BITS_MAX = 6

/** Two halves of 32 bits for each hash, one hash after the other. */
interface HashStore {
  halves: Uint32Array
  length: number
}

export interface PictureHashes {
  readonly count: number
  readonly store: HashStore | undefined
}

export const NO_HASHES: PictureHashes = { count: 0, store: undefined }

const INITIAL_LENGTH = 8

/** With one more hash: 16 hexadecimal digits. */
export function withHash({ count, store }: PictureHashes, hash: string): PictureHashes {
  // Another state may have gone on from this one, which leaves the shared store to it.
  const own =
    store && store.length === count ? store : { halves: (store?.halves ?? new Uint32Array()).slice(), length: count }
  if (own.halves.length < (count + 1) * 2) {
    const wider = new Uint32Array(Math.max(INITIAL_LENGTH, count * 2) * 2)
    wider.set(own.halves.subarray(0, count * 2))
    own.halves = wider
  }
  own.halves[count * 2] = Number.parseInt(hash.slice(0, 8), 16)
  own.halves[count * 2 + 1] = Number.parseInt(hash.slice(8), 16)
  own.length = count + 1
  return { count: count + 1, store: own }
}

/** Bits in which the hash differs from the one that is most like it; 64 and more where there is none. */
export function nearestDistance({ count, store }: PictureHashes, hash: string): number {
  const high = Number.parseInt(hash.slice(0, 8), 16)
  const low = Number.parseInt(hash.slice(8), 16)
  let nearest = 65
  for (let index = 0; store && index < count * 2; index += 2) {
    const distance = bitsOf(store.halves[index]! ^ high) + bitsOf(store.halves[index + 1]! ^ low)
    if (distance < nearest) nearest = distance
  }
  return nearest
}

/** The number of ones among the 32 bits: sums of pairs, of fours, of bytes, of all. */
function bitsOf(value: number): number {
  const pairs = value - ((value >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
