/** How often something was asked for, by whom: in this process, from the first time on until the window is over. */
import { createLru } from '../../runtime/lru.ts'
import { createWindow, type Window } from '../rate-limit.ts'

export type Count = Window['add']

export function createMinutely(keysMax: number, nowMs: () => number): Count {
  const window = createWindow({ keysMax, nowMs })
  return (key) => window.add(key)
}

const HOUR_MS = 3_600_000

export function createHourly(keysMax: number, nowMs: () => number): Count {
  const counters = createLru<string, { count: number; endsAtMs: number }>(keysMax)
  return (key) => {
    const now = nowMs()
    const known = counters.get(key)
    const counter = known && known.endsAtMs > now ? known : { count: 0, endsAtMs: now + HOUR_MS }
    counter.count += 1
    counters.set(key, counter)
    return { count: counter.count, resetMs: counter.endsAtMs - now, windowMs: HOUR_MS }
  }
}
