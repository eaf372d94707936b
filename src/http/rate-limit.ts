/**
 * Rate limits, by the classes that a context declares. The API processes of an installation count together
 * (shared-rates.ts); where nothing is shared, a process counts in its memory. A limit protects; it does not serve for billing.
 */
import { createLru } from '../runtime/lru.ts'
import type { Exchange, Principal } from './environment.ts'
import { Problem } from './errors.ts'

/** Operations of one class share a count for each tenant or client address. */
export interface RateClass<Who extends Principal = Principal> {
  /**
   * Who is counted; a caller without a principal counts by its address. By addresses every request counts, also one that is
   * refused because of who asks.
   */
  by: 'tenant' | 'address'
  /** Requests per minute; infinity: not counted. */
  perMinuteMax: (principal: Who | undefined, address: () => string) => number
  /** The refusal's sentence. */
  detail: (max: number) => string
}

/** Limits are by the minute: settings, answers and documents say so. */
export const WINDOW_MS = 60_000

export interface Window {
  /** Counts one more for the key: how many it has now, and how long until its window ends; of what length, if no minute. */
  add(key: string): { count: number; resetMs: number; windowMs?: number }
}

/** The counts of one class, by its name in the whole installation. */
export type WindowOf = (name: string) => Window

/** Counters that start anew a minute after a key's first use; the longest unused are forgotten beyond `keysMax`. */
export function createWindow({ keysMax, nowMs }: { keysMax: number; nowMs: () => number }): Window & {
  /** How many the key has now. */
  count(key: string): number
} {
  const counters = createLru<string, { count: number; endsAtMs: number }>(keysMax)
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
    count(key) {
      const counter = counters.peek(key)
      return counter && counter.endsAtMs > nowMs() ? counter.count : 0
    },
  }
}

/** Tenants and addresses whose use is counted at the same time. */
export const CALLERS_MAX = 100_000

/** Refusals of a minute that come at once; more come late: who insists gains nothing, and would keep others waiting. */
const AT_ONCE_MAX = 100
const LATE_MS = 1_000

/** The refusal (429, Retry-After) of what was counted beyond `max`. */
export function refuseBeyond(max: number, used: ReturnType<Window['add']>, detail: string) {
  if (used.count <= max) return undefined
  const retryAfter = Math.ceil(used.resetMs / 1_000)
  const details = { limit: max, windowMs: used.windowMs ?? WINDOW_MS, retryAfter }
  const lateMs = used.count > max + AT_ONCE_MAX ? LATE_MS : 0
  return new Problem('rate_limit_exceeded', detail, { details, lateMs, headers: { 'retry-after': String(retryAfter) } })
}

/** How the three headers of a limit begin: that of the draft of the IETF, or the older one. */
export type RateHeaders = 'RateLimit' | 'X-RateLimit'

/** Puts RateLimit-Limit, -Remaining and -Reset (seconds) on each answer; throws a Problem beyond the limit: 429, Retry-After. */
export function limitRate({ by, perMinuteMax, detail }: RateClass, used: Window, named: RateHeaders = 'RateLimit') {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((part) => `${named.toLowerCase()}-${part}`) as [
    string,
    string,
    string,
  ]
  return ({ principal, headers }: Exchange, address: () => string): void => {
    const max = perMinuteMax(principal, address)
    if (!Number.isFinite(max)) return
    const counted = used.add(by === 'tenant' && principal ? principal.tenantId : address())
    headers[limit] = String(max)
    headers[remaining] = String(Math.max(0, max - counted.count))
    headers[reset] = String(Math.ceil(counted.resetMs / 1_000))
    const refusal = refuseBeyond(max, counted, detail(max))
    if (refusal) throw refusal
  }
}
