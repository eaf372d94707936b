/** A timer may end so long before its time: what is due then would not be found, and looked for an interval later. */
const TIMER_EARLY_MS = 1

/** A pause that ends early when something is due earlier, also where that was said before the pause began. */
export function createAlarm() {
  let earliestMs = Number.POSITIVE_INFINITY
  let rearm: () => void = () => undefined
  return {
    /** Nothing is to come earlier any more. */
    clear: () => {
      earliestMs = Number.POSITIVE_INFINITY
    },
    /** In so many milliseconds the pause ends. */
    set(inMs: number): void {
      earliestMs = Math.min(earliestMs, performance.now() + inMs)
      rearm()
    },
    /** Resolves after `waitMs`, or earlier. */
    async wait(waitMs: number, signal: AbortSignal): Promise<void> {
      if (signal.aborted) return
      const endMs = performance.now() + waitMs
      const { promise, resolve } = Promise.withResolvers<void>()
      const end = () => resolve()
      let timer: NodeJS.Timeout | undefined
      rearm = () => {
        clearTimeout(timer)
        const leftMs = Math.min(endMs, earliestMs) - performance.now()
        timer = setTimeout(end, leftMs > 0 ? Math.ceil(leftMs) + TIMER_EARLY_MS : 0)
      }
      rearm()
      signal.addEventListener('abort', end, { once: true })
      await promise
      rearm = () => undefined
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
    },
  }
}
