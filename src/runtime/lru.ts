/** What was used least recently makes room. */
import { LRUCache } from 'lru-cache'

export type Lru<Key extends {}, Value extends {}> = LRUCache<Key, Value>

/**
 * A cache of at most so many entries, whose values are never undefined. With `ttlMs` one is kept no longer than that. It takes
 * memory as it fills: told `max`, lru-cache sets aside places for all entries at once, 24 bytes each, and a collection goes through
 * them. So it is told a size, of which each entry is one.
 */
export function createLru<Key extends {}, Value extends {}>(
  entriesMax: number,
  { ttlMs }: { ttlMs?: number } = {},
): Lru<Key, Value> {
  return new LRUCache({ maxSize: entriesMax, sizeCalculation: () => 1, ...(ttlMs !== undefined && { ttl: ttlMs }) })
}
