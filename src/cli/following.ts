/** `--follow`: prints what comes, goes on after a break where it was, and ends well with Ctrl-C. */
import { setTimeout as delay } from 'node:timers/promises'
import type { RawEvent, RawLog } from '../audit/raw-log.ts'
import { StoreUnavailable } from '../events/store.ts'
import { failureOf } from './failures.ts'
import { remark } from './terminal.ts'

/** Between two looks at what is new. */
const LOOK_INTERVAL_MS = 500
const AWAY = 'a service is away; what it has is printed when it is back'

/** Runs `work` until it ends, or until SIGINT or SIGTERM, on which `signal` aborts; that is no failure. */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    await work(interrupted.signal)
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

/** Calls `look` now and then until the signal aborts. An absent service is waited for, and said. */
export async function repeatedly(signal: AbortSignal, look: () => Promise<void>): Promise<void> {
  let isAway = false
  while (!signal.aborted) {
    try {
      await look()
      isAway = false
    } catch (error) {
      if (failureOf(error)?.code !== 'unreachable') throw error
      if (!isAway) remark(AWAY)
      isAway = true
    }
    await delay(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** Each event after a position once, as it comes, until the signal aborts. An absent store is waited for, and said. */
export async function* followLog(log: RawLog, after: bigint | undefined, signal: AbortSignal): AsyncIterable<RawEvent> {
  let last = after
  let isAway = false
  while (!signal.aborted) {
    try {
      for await (const event of log.readAll(last)) {
        isAway = false
        last = event.position
        yield event
        if (signal.aborted) return
      }
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      if (!isAway) remark(AWAY)
      isAway = true
    }
    await delay(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => undefined)
  }
}
