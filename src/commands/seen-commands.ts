/**
 * Which repeatable commands has a stream seen? Keys never expire, so this grows with the stream and has to be small:
 * four bytes of each command id in a table at most three quarters full, where a Map of what is known takes 250. It errs
 * on one side only: a command that it does not know was never there; one that it knows has to be looked up.
 */

const INITIAL_SLOTS = 8
/** Slots are tried one after the other; beyond this fullness the runs get long. */
const FULLNESS_MAX = 0.75

export interface SeenCommands {
  /** Commands taken in; of two whose ids share the four bytes, one. */
  readonly size: number
  add(commandId: string): void
  /** False: never added. True: added, or another with a chance of `size` in 2^32. */
  mayHave(commandId: string): boolean
}

export function createSeenCommands(): SeenCommands {
  // Most streams see no repeatable command, or a few.
  let table: Uint32Array | undefined
  let size = 0

  /** Where the tag is, or else the free slot where it belongs. */
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

/** Ids of commands are digests or random (identity.ts), so any of their bits do. Zero marks a free slot. */
const tagOf = (commandId: string): number => Number.parseInt(commandId.slice(0, 8), 16) >>> 0 || 1
