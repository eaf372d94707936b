/**
 * Time limits of what comes and goes with every request, all of the same length: one timer for all of them, since one for
 * each takes as long as two digests.
 */
import { createInFlightList } from './in-flight.ts'

export interface Deadlines {
  /** Calls `late` once the time has passed, unless what it returns is called before. */
  start(late: () => void): () => void
}

/** `limitMs`: how long each may take; 0: as long as it likes. While any runs, the process stays. */
export function createDeadlines(limitMs: number): Deadlines {
  const running = createInFlightList<{ startedMs: number; late: () => void; end: () => void }>()
  let timer: NodeJS.Timeout | undefined

  /** Ends those whose time has passed, and comes again when that of the oldest of the others will have. */
  function endOverdue(): void {
    timer = undefined
    const nowMs = performance.now()
    let oldestMs = Number.POSITIVE_INFINITY
    for (const { startedMs, end, late } of running.items()) {
      if (nowMs - startedMs < limitMs) oldestMs = Math.min(oldestMs, startedMs)
      else {
        end()
        late()
      }
    }
    if (running.size() > 0) timer ??= setTimeout(endOverdue, oldestMs + limitMs - nowMs)
  }

  return {
    start(late) {
      if (limitMs === 0) return () => undefined
      const take = running.add({ startedMs: performance.now(), late, end })
      function end(): void {
        take()
        if (running.size() === 0) timer?.unref()
      }
      if (running.size() === 1) timer?.ref()
      timer ??= setTimeout(endOverdue, limitMs)
      return end
    },
  }
}
