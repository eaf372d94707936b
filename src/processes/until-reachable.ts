/** Steps of a start that need a service which may come up later, or is slow to answer right then. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { LogMismatch } from '../events/log-identity.ts'
import { StoreUnavailable } from '../events/store.ts'
import { failureOf } from '../postgres/failure.ts'

/** Between two tries to reach a service that is not there yet. */
const RETRY_MS = 500

/**
 * Does `work`, which has to be safe to repeat, until it succeeds. Rejects where it fails for another reason than a service
 * that is away, and with the last failure after `waitMaxMs`. Another log is no such reason: it does not pass by itself.
 */
export async function untilReachable<T>(
  work: () => Promise<T>,
  { waitMaxMs, log, retryMs = RETRY_MS }: { waitMaxMs: number; log: Pick<Logger, 'warn'>; retryMs?: number },
): Promise<T> {
  const deadlineMs = performance.now() + waitMaxMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const mayPass =
        failureOf(error) === 'unavailable' || (error instanceof StoreUnavailable && !(error instanceof LogMismatch))
      if (!mayPass || performance.now() > deadlineMs) throw error
      log.warn({ err: error, retryInMs: retryMs }, 'a service cannot be reached yet')
      await delay(retryMs)
    }
  }
}
