/**
 * What a client address may take before anybody knows who asks: requests without a key, and bytes of bodies that this
 * process holds at the same time. And what a caller, a tenant or an address, may leave unread of its answers.
 */
import type { Context } from 'hono'
import type { Callers } from './callers.ts'
import { clientAddress } from './client-address.ts'
import type { AppEnv, HttpLimits } from './environment.ts'
import { Problem } from './errors.ts'
import { CALLERS_MAX, createWindow, refuseBeyond } from './rate-limit.ts'

export interface Bounds {
  /** Counts a request without a key; the refusal (429) where its address has sent too many within a minute. */
  overused(c: Context<AppEnv>): Problem | undefined
  /**
   * Counts the request's body, `bytesMax` where it does not declare its length; what it returns takes it out again.
   * Throws a Problem (429) where it would be too much at once.
   */
  holdBody(c: Context<AppEnv>, bytesMax: number): (() => void) | undefined
  /** Counts what its client has not taken yet of an answer that was sent; what it returns takes that out again. */
  holdAnswer(c: Context<AppEnv>): (() => void) | undefined
  /** The refusal (429) where the caller has left as much of its answers unread as may be. */
  leavesUnread(c: Context<AppEnv>): Problem | undefined
}

export function createBounds(limits: HttpLimits, nowMs: () => number, { of: callerOf }: Pick<Callers, 'of'>): Bounds {
  const { anonymousPerMinuteMax, bodiesInFlightMaxBytes, bodiesInFlightPerAddressMaxBytes, trustProxy } = limits
  const used = createWindow({ keysMax: CALLERS_MAX, nowMs })
  const held = createTally()
  const unread = createTally()
  let total = 0
  return {
    overused(c) {
      const detail = 'Too many requests without an API key from this address.'
      return refuseBeyond(anonymousPerMinuteMax, used.add(clientAddress(c, trustProxy)), detail)
    },
    holdBody(c, bytesMax) {
      const declared = c.req.header('content-length') ?? (c.req.header('transfer-encoding') ? bytesMax : 0)
      const bytes = Math.min(Number(declared), bytesMax)
      if (bytes === 0) return undefined
      const address = clientAddress(c, trustProxy)
      const own = held.of(address) + bytes
      // One body alone is always taken: its own limit bounds it.
      if (total > 0 && total + bytes > bodiesInFlightMaxBytes) throw tooMuch('This process')
      if (own > bytes && own > bodiesInFlightPerAddressMaxBytes) throw tooMuch('This address')
      total += bytes
      const release = held.add(address, bytes)
      return () => {
        total -= bytes
        release()
      }
    },
    holdAnswer({ env: { incoming, outgoing } }) {
      const bytes = outgoing?.writableLength ?? 0
      return incoming && bytes > 0 ? unread.add(callerOf(incoming).name, bytes) : undefined
    },
    leavesUnread({ env }) {
      if (!env?.incoming || unread.isEmpty() || unread.of(callerOf(env.incoming).name) < limits.answersUnreadMaxBytes)
        return undefined
      return new Problem('rate_limit_exceeded', 'Take the answers to your other requests first.', {
        headers: { 'retry-after': '1', connection: 'close' },
      })
    },
  }
}

/** Bytes by name, for names that have any. */
function createTally() {
  const sums = new Map<string, number>()
  const of = (name: string): number => sums.get(name) ?? 0
  return {
    of,
    isEmpty: () => sums.size === 0,
    add(name: string, bytes: number): () => void {
      sums.set(name, of(name) + bytes)
      return () => {
        const left = of(name) - bytes
        if (left > 0) sums.set(name, left)
        else sums.delete(name)
      }
    },
  }
}

const tooMuch = (who: string): Problem =>
  new Problem('rate_limit_exceeded', `${who} has too many bodies on their way; send the request again.`, {
    headers: { 'retry-after': '1', connection: 'close' },
  })
