/**
 * A hash of how a picture looks: 64 bits that stay nearly the same when it is encoded anew, resized or brightened. The
 * lowest frequencies of its cosine transform, each compared with their median.
 */

/** Pixels a side of the picture that is hashed. */
export const HASH_SIDE = 32
const FREQUENCIES = 8

/** `cosines[u * HASH_SIDE + x]`: the u-th base function at x. */
const cosines = Float64Array.from({ length: FREQUENCIES * HASH_SIDE }, (_, i) => {
  const [u, x] = [Math.floor(i / HASH_SIDE), i % HASH_SIDE]
  return Math.cos(((2 * x + 1) * u * Math.PI) / (2 * HASH_SIDE))
})

/** The hash of HASH_SIDE x HASH_SIDE grey values, row by row: 16 hexadecimal digits. */
export function perceptualHash(grey: Uint8Array): string {
  const rows = new Float64Array(HASH_SIDE * FREQUENCIES)
  for (let y = 0; y < HASH_SIDE; y++) {
    for (let u = 0; u < FREQUENCIES; u++) {
      for (let x = 0; x < HASH_SIDE; x++)
        rows[y * FREQUENCIES + u]! += grey[y * HASH_SIDE + x]! * cosines[u * HASH_SIDE + x]!
    }
  }
  const spectrum = new Float64Array(FREQUENCIES * FREQUENCIES)
  for (let v = 0; v < FREQUENCIES; v++) {
    for (let u = 0; u < FREQUENCIES; u++) {
      for (let y = 0; y < HASH_SIDE; y++)
        spectrum[v * FREQUENCIES + u]! += rows[y * FREQUENCIES + u]! * cosines[v * HASH_SIDE + y]!
    }
  }
  // The first one is the mean tone, which says nothing of the picture.
  const sorted = spectrum.slice(1).sort()
  const median = sorted[sorted.length >> 1]!
  let bits = 0n
  for (const value of spectrum) bits = (bits << 1n) | (value > median ? 1n : 0n)
  return bits.toString(16).padStart(16, '0')
}

/** Bits by which two hashes differ, 0 to 64. */
export function distanceOf(first: string, second: string): number {
  let count = 0
  for (let rest = BigInt(`0x${first}`) ^ BigInt(`0x${second}`); rest > 0n; rest &= rest - 1n) count += 1
  return count
}
