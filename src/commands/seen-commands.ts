/**
 * The idempotent commands that a stream has seen, and where they stand in it. Keys never expire, so this grows with the
 * stream. It keeps four bytes of each command id and four of its revision in a hash table, where a Map of ids would take
 * about 250. It errs on one side only: an unknown command was never there, a known one has to be looked up in the stream.
 */

const INITIAL_SLOTS = 8
/** Probing tries slots one after the other; beyond this fullness the runs get long. */
const FULLNESS_MAX = 0.75

export interface SeenCommands {
  /** Number of commands; two whose ids share the four bytes count as one, the first. */
  readonly size: number
  /** `revision` is that of the command's first event. */
  add(commandId: string, revision: bigint): void
  /**
   * Undefined: never added. Else where the command's first event stands, or, with a chance of `size` in 2^32, where another's
   * does. Beyond 2^32 events the revision is another's too.
   */
  find(commandId: string): bigint | undefined
}

export function createSeenCommands(): SeenCommands {
  // Most streams see few idempotent commands, or none. A slot is a tag and a revision.
  let table: Uint32Array | undefined
  let size = 0

  /** The slot of the tag, or the free slot where it belongs. */
  function slotOf(slots: Uint32Array, tag: number): number {
    const mask = slots.length / 2 - 1
    let slot = tag & mask
    while (slots[slot * 2] !== 0 && slots[slot * 2] !== tag) slot = (slot + 1) & mask
    return slot * 2
  }

  function roomFor(count: number): Uint32Array {
    if (table && count <= (table.length / 2) * FULLNESS_MAX) return table
    const wider = new Uint32Array(table ? table.length * 2 : INITIAL_SLOTS * 2)
    for (let at = 0; at < (table?.length ?? 0); at += 2) {
      const tag = table?.[at] ?? 0
      if (tag === 0) continue
      const slot = slotOf(wider, tag)
      wider[slot] = tag
      wider[slot + 1] = table?.[at + 1] ?? 0
    }
    return wider
  }

  return {
    get size() {
      return size
    },
    add(commandId, revision) {
      const tag = tagOf(commandId)
      table = roomFor(size + 1)
      const slot = slotOf(table, tag)
      if (table[slot] === tag) return
      table[slot] = tag
      table[slot + 1] = lowBitsOf(revision)
      size += 1
    },
    find(commandId) {
      if (!table) return undefined
      const tag = tagOf(commandId)
      const slot = slotOf(table, tag)
      return table[slot] === tag ? BigInt(table[slot + 1] ?? 0) : undefined
    },
  }
}

/** Its last 32 bits; no stream has more events than that. */
const lowBitsOf = (revision: bigint): number => Number(BigInt.asUintN(32, revision))

/** Command ids are digests or random (identity.ts), so any of their bits will do. Zero marks a free slot. */
const tagOf = (commandId: string): number => Number.parseInt(commandId.slice(0, 8), 16) >>> 0 || 1
