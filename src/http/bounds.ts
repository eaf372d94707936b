/**
 * What a client address may take before anybody knows who asks: requests without a key, and bytes of bodies that this
 * process holds at the same time.
 */
import type { Context } from 'hono'
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
}

export function createBounds(limits: HttpLimits, nowMs: () => number): Bounds {
  const { anonymousPerMinuteMax, bodiesInFlightMaxBytes, bodiesInFlightPerAddressMaxBytes, trustProxy } = limits
  const used = createWindow({ keysMax: CALLERS_MAX, nowMs })
  const held = new Map<string, number>()
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
      const own = (held.get(address) ?? 0) + bytes
      // One body alone is always taken: its own limit bounds it.
      if (total > 0 && total + bytes > bodiesInFlightMaxBytes) throw tooMuch('This process')
      if (own > bytes && own > bodiesInFlightPerAddressMaxBytes) throw tooMuch('This address')
      total += bytes
      held.set(address, own)
      return () => {
        total -= bytes
        const left = (held.get(address) ?? bytes) - bytes
        if (left > 0) held.set(address, left)
        else held.delete(address)
      }
    },
  }
}

const tooMuch = (who: string): Problem =>
  new Problem('rate_limit_exceeded', `${who} has too many bodies on their way; send the request again.`, {
    headers: { 'retry-after': '1', connection: 'close' },
  })
