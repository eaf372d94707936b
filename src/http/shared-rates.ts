/**
 * Rate limits of an installation: its API processes count together. Each counts its own requests at once. A few times a
 * second it adds them to the common counts and learns what the others have counted. Between two such looks a caller may get
 * more than its limit, by what the other processes grant it in that time.
 */
import { hash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { createLru } from '../runtime/lru.ts'
import { WINDOW_MS, type Window, type WindowOf } from './rate-limit.ts'

export interface SharedRatesOptions {
  /** Adds to the common counts, and answers with the sums. */
  add(windowAt: Date, counts: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, number>>
  /** Removes counts of windows before this one. */
  drop(before: Date): Promise<void>
  /** Of the installation, so that windows begin in all processes at once. */
  now(): Date
  intervalMs: number
  /** Callers whose use is counted at the same time, and added at a time. */
  keysMax: number
  batchMax: number
  log: Pick<Log, 'warn'>
}

interface Use {
  /** Of all processes, as of the last look, what this one had counted until then included. */
  together: number
  /** By this process since. */
  own: number
}

export function createSharedRates(options: SharedRatesOptions): {
  windowOf: WindowOf
  /** Adds what has been counted. Rejects where the common counts cannot be reached; nothing is lost then. */
  share(): Promise<void>
  /** Shares until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
} {
  const { now, intervalMs, keysMax, batchMax, log } = options
  const uses = createLru<string, Use>(keysMax)
  const unshared = new Set<string>()
  let windowMs = 0

  const windowOf = (name: string): Window => ({
    add(caller) {
      const at = now().getTime()
      enter(at)
      const key = JSON.stringify([name, caller])
      const use = uses.get(key) ?? { together: 0, own: 0 }
      use.own += 1
      uses.set(key, use)
      unshared.add(key)
      return { count: use.together + use.own, resetMs: windowMs + WINDOW_MS - at }
    },
  })

  function enter(at: number): void {
    const current = at - (at % WINDOW_MS)
    if (current === windowMs) return
    windowMs = current
    uses.clear()
    unshared.clear()
  }

  async function share(): Promise<void> {
    const windowAt = new Date(windowMs)
    const counts = new Map<string, number>()
    /** What a count is shared under: a caller may be an address, which is nobody's business but this process's. */
    const keys = new Map<string, string>()
    for (const key of unshared) {
      if (counts.size === batchMax) break
      unshared.delete(key)
      const own = uses.peek(key)?.own ?? 0
      if (own === 0) continue
      const shared = hash('sha256', key, 'base64url')
      counts.set(shared, own)
      keys.set(shared, key)
    }
    if (counts.size === 0) return
    try {
      const sums = await options.add(windowAt, counts)
      if (windowAt.getTime() !== windowMs) return
      for (const [shared, own] of counts) {
        const use = uses.peek(keys.get(shared) ?? '')
        if (!use) continue
        use.together = sums.get(shared) ?? use.together + own
        use.own -= own
      }
    } catch (error) {
      if (windowAt.getTime() === windowMs) for (const key of keys.values()) unshared.add(key)
      throw error
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    let isAway = false
    let droppedMs = 0
    while (!signal.aborted) {
      await delay(intervalMs, undefined, { signal }).catch(() => undefined)
      try {
        await share()
        if (droppedMs !== windowMs) await options.drop(new Date(windowMs - WINDOW_MS))
        droppedMs = windowMs
        isAway = false
      } catch (err) {
        if (!isAway) log.warn({ err }, 'rate limits are counted in this process alone until Postgres answers')
        isAway = true
      }
    }
  }

  return { windowOf, share, run }
}
