/**
 * Rate limits per operator, by its tier. They count in this process's memory: behind a load balancer each process grants
 * the whole limit, which protects the processes, and is no billing.
 */
import type { Context } from 'hono'
import { LRUCache } from 'lru-cache'
import type { AppEnv, RateLimitTier } from './environment.ts'
import { Problem } from './problem.ts'

/** Requests per minute. */
export const requestsPerMinuteMax: Readonly<Record<RateLimitTier, number>> = {
  standard: 600,
  pro: 3_000,
  enterprise: 30_000,
  unlimited: Number.POSITIVE_INFINITY,
}

const WINDOW_MS = 60_000

export interface Window {
  /** Counts one more for the key: how many it has now, and how long until its window ends. */
  add(key: string): { count: number; resetMs: number }
}

/** Counters that start anew a minute after a key's first use; the longest unused are forgotten beyond `keysMax`. */
export function createWindow({ keysMax, nowMs }: { keysMax: number; nowMs: () => number }): Window {
  const counters = new LRUCache<string, { count: number; endsAtMs: number }>({ max: keysMax })
  return {
    add(key) {
      const now = nowMs()
      let counter = counters.get(key)
      // A clock set back must not stretch a window either.
      if (!counter || counter.endsAtMs <= now || counter.endsAtMs > now + WINDOW_MS) {
        counter = { count: 0, endsAtMs: now + WINDOW_MS }
        counters.set(key, counter)
      }
      counter.count += 1
      return { count: counter.count, resetMs: counter.endsAtMs - now }
    },
  }
}

/** Operators whose use is counted at the same time. */
const OPERATORS_MAX = 100_000

/** Puts RateLimit-Limit, -Remaining and -Reset (seconds) on each answer; throws a Problem beyond the limit: 429, Retry-After. */
export function limitRate(nowMs: () => number): (c: Context<AppEnv>) => void {
  const used = createWindow({ keysMax: OPERATORS_MAX, nowMs })
  return (c) => {
    const { operatorId, rateLimitTier } = c.get('principal')
    const max = requestsPerMinuteMax[rateLimitTier]
    if (!Number.isFinite(max)) return
    const { count, resetMs } = used.add(operatorId)
    const resetS = String(Math.ceil(resetMs / 1_000))
    c.header('ratelimit-limit', String(max))
    c.header('ratelimit-remaining', String(Math.max(0, max - count)))
    c.header('ratelimit-reset', resetS)
    if (count <= max) return
    const detail = `The operator's tier allows ${max} requests per minute.`
    throw new Problem('rate_limit_exceeded', detail, { headers: { 'retry-after': resetS } })
  }
}
