/** What names took of something in the last second, such as milliseconds of a thread: older use counts for less and less. */
import { LRUCache } from 'lru-cache'

export interface RecentUse {
  /** Of a second, at this time in ms. */
  percent(name: string, now: number): number
  add(name: string, ms: number, now: number): void
}

/** Of so many names at most; the longest unused is forgotten first. */
export function createRecentUse(namesMax: number): RecentUse {
  const uses = new LRUCache<string, { ms: number; atMs: number }>({ max: namesMax })
  const left = ({ ms, atMs }: { ms: number; atMs: number }, now: number) => ms * Math.exp((atMs - now) / 1_000)
  return {
    percent(name, now) {
      const use = uses.get(name)
      return use === undefined ? 0 : left(use, now) / 10
    },
    add(name, ms, now) {
      const use = uses.get(name)
      if (!use) return void uses.set(name, { ms, atMs: now })
      use.ms = left(use, now) + ms
      use.atMs = now
    },
  }
}
