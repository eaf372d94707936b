/**
 * Has this text been seen before? A million ids take 16 MiB here instead of ten times that in a Set: only 64 bits of
 * each are kept. Two different texts are taken for one with a chance of one in 2^64 per pair.
 */

const INITIAL_SLOTS = 1 << 16

export interface SeenSet {
  /** True where the text is there already; otherwise adds it. */
  seen(text: string): boolean
}

export function createSeenSet(): SeenSet {
  let slots = INITIAL_SLOTS
  let table = new Uint32Array(slots * 2)
  let count = 0

  /** Adds a pair that is not zero; true where it was there. */
  function put(high: number, low: number): boolean {
    for (let slot = low & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      const at = slot * 2
      if (table[at] === 0 && table[at + 1] === 0) {
        table[at] = high
        table[at + 1] = low
        count += 1
        return false
      }
      if (table[at] === high && table[at + 1] === low) return true
    }
  }

  function grow(): void {
    const old = table
    slots *= 2
    table = new Uint32Array(slots * 2)
    count = 0
    for (let at = 0; at < old.length; at += 2) {
      if (old[at] !== 0 || old[at + 1] !== 0) put(old[at]!, old[at + 1]!)
    }
  }

  return {
    seen(text) {
      if (count * 2 > slots) grow()
      const high = fnv(text, 0x811c9dc5)
      const low = mix(fnv(text, high ^ 0x9e3779b9))
      return put(high === 0 && low === 0 ? 1 : high, low)
    },
  }
}

/** FNV-1a, 32 bits, over UTF-16 code units. */
function fnv(text: string, seed: number): number {
  let hash = seed
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

/** The finaliser of MurmurHash3: spreads what FNV leaves in the high bits over the low ones. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
