/**
 * What a client address may take before anybody knows who asks: requests without a key, and bytes of bodies that this
 * process holds at the same time. And what a caller, a tenant or an address, may leave unread of its answers.
 */
import type { Context } from 'hono'
import { createTally } from '../runtime/tally.ts'
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
  /** Counts what its client has not taken of an answer, and cuts off one that is late; what it returns ends both. */
  holdAnswer(c: Context<AppEnv>): (() => void) | undefined
  /** The refusal (429) where the caller left as much unread as it may, alone or beside others; or has gone: nobody hears it. */
  leavesUnread(c: Context<AppEnv>): Problem | undefined
}

export function createBounds(limits: HttpLimits, nowMs: () => number, { of: callerOf }: Pick<Callers, 'of'>): Bounds {
  const { anonymousPerMinuteMax, bodiesInFlightMaxBytes, bodiesInFlightPerAddressMaxBytes, trustProxy } = limits
  const { answersUnreadMaxBytes, answersUnreadInAllMaxBytes, answerTakenMaxMs } = limits
  const used = createWindow({ keysMax: CALLERS_MAX, nowMs })
  const held = createTally()
  const unread = createTally()
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
      if (held.total() > 0 && held.total() + bytes > bodiesInFlightMaxBytes) throw tooMuch('This process')
      if (own > bytes && own > bodiesInFlightPerAddressMaxBytes) throw tooMuch('This address')
      return held.add(address, bytes)
    },
    holdAnswer({ env: { incoming, outgoing } }) {
      if (!incoming || !outgoing || outgoing.writableLength === 0) return undefined
      const release = unread.add(callerOf(incoming).name, outgoing.writableLength)
      // What is not whole yet is asked for as it is taken.
      if (!outgoing.writableEnded) return release
      const late = setTimeout(() => outgoing.destroy(), answerTakenMaxMs).unref()
      return () => {
        clearTimeout(late)
        release()
      }
    },
    leavesUnread({ env }) {
      if (!env?.incoming || (unread.names() === 0 && !env.outgoing?.destroyed)) return undefined
      const part = answersUnreadInAllMaxBytes / (unread.total() < answersUnreadInAllMaxBytes ? 1 : unread.names())
      const isBelow = unread.of(callerOf(env.incoming).name) < Math.min(part, answersUnreadMaxBytes)
      if (isBelow && !env.outgoing?.destroyed) return undefined
      return new Problem('rate_limit_exceeded', 'Take the answers to your other requests first.', {
        headers: { 'retry-after': '1', connection: 'close' },
      })
    },
  }
}

const tooMuch = (who: string): Problem =>
  new Problem('rate_limit_exceeded', `${who} has too many bodies on their way; send the request again.`, {
    headers: { 'retry-after': '1', connection: 'close' },
  })
