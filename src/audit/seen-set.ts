/**
 * Has this text been seen before? A million ids take 16 MiB here instead of ten times that in a Set: only 64 bits of
 * each are kept. Two different texts are taken for one with a chance of one in 2^64 per pair.
 */
import { hash } from 'node:crypto'

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
      // A weaker hash takes one id in a million for another: what is 64 bits long has to be 64 bits strong.
      const digest = hash('sha256', text)
      const high = Number.parseInt(digest.slice(0, 8), 16)
      const low = Number.parseInt(digest.slice(8, 16), 16)
      return put(high === 0 && low === 0 ? 1 : high, low)
    },
  }
}
