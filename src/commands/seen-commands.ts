/**
 * The idempotent commands that a stream has seen. Keys never expire, so this grows with the stream. It keeps four bytes of
 * each command id in a hash table, where a Set of ids would take about 250. It errs on one side only: an unknown command
 * was never there, a known one has to be looked up in the stream.
 */

const INITIAL_SLOTS = 8
/** Probing tries slots one after the other; beyond this fullness the runs get long. */
const FULLNESS_MAX = 0.75

export interface SeenCommands {
  /** Number of commands; two whose ids share the four bytes count as one. */
  readonly size: number
  add(commandId: string): void
  /** False: never added. True: added, or another with a chance of `size` in 2^32. */
  mayHave(commandId: string): boolean
}

export function createSeenCommands(): SeenCommands {
  // Most streams see few idempotent commands, or none.
  let table: Uint32Array | undefined
  let size = 0

  /** The slot of the tag, or the free slot where it belongs. */
  function slotOf(slots: Uint32Array, tag: number): number {
    const mask = slots.length - 1
    let slot = tag & mask
    while (slots[slot] !== 0 && slots[slot] !== tag) slot = (slot + 1) & mask
    return slot
  }

  function roomFor(count: number): Uint32Array {
    if (table && count <= table.length * FULLNESS_MAX) return table
    const wider = new Uint32Array(table ? table.length * 2 : INITIAL_SLOTS)
    for (const tag of table ?? []) if (tag !== 0) wider[slotOf(wider, tag)] = tag
    return wider
  }

  return {
    get size() {
      return size
    },
    add(commandId) {
      const tag = tagOf(commandId)
      table = roomFor(size + 1)
      const slot = slotOf(table, tag)
      if (table[slot] === tag) return
      table[slot] = tag
      size += 1
    },
    mayHave(commandId) {
      if (!table) return false
      const tag = tagOf(commandId)
      return table[slotOf(table, tag)] === tag
    },
  }
}

/** Command ids are digests or random (identity.ts), so any of their bits will do. Zero marks a free slot. */
const tagOf = (commandId: string): number => Number.parseInt(commandId.slice(0, 8), 16) >>> 0 || 1
