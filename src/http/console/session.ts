/**
 * Who uses the console: the cookie, the sessions behind it, and the keys that they were begun with. A session is as good as
 * its key: what the key may do is asked at each request, and it ends with the key.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { type SessionFacts, session as sessionAggregate } from '../../commands/console/session.ts'
import { commandContext } from '../../commands/context.ts'
import type { CommandContext } from '../../commands/handle.ts'
import type { SessionEnding } from '../../events/console/session.ts'
import type { Actor } from '../../events/event.ts'
import { findExpiredSessions, type SessionRow, sessionIdsOf } from '../../projections/console/session.ts'
import { createLru } from '../../runtime/lru.ts'
import { hashSecret, isSecret, newSecret } from '../../runtime/secret.ts'
import { clientAddress } from '../client-address.ts'
import type { SharedRuntime } from '../context.ts'
import type { AppEnv } from '../environment.ts'
import { isHttps } from '../hosted-cookie.ts'
import type { DeclaredConsole, SignIn, Viewer } from '../pages/declaration.ts'
import type { ConsoleParts } from './access.ts'

type PageContext = Context<AppEnv>

const COOKIE = { name: 'opslog_console', path: '/console' } as const

/** Notes of a session's use are at least this part of the idle time apart. */
const USE_GAP_PART = 20
/** Hashes of cookies that were looked up here, and sessions whose last use here is remembered. */
const SEEN_MAX = 10_000
const USES_MAX = 10_000
const WAIT_STEP_MS = 10
const STRANGER_WAIT_MS = 500
/** Sessions whose time is over that a sign-in clears away. */
const CLEARED_MAX = 20

export type Sessions = ReturnType<typeof createSessions>
export type NewSession = Pick<
  SessionFacts,
  'audience' | 'name' | 'context' | 'keyId' | 'linkId' | 'isReadOnly' | 'tenantId'
>

export function createSessions(parts: ConsoleParts, runtime: SharedRuntime, declared: readonly DeclaredConsole[]) {
  const { bus, db, clock, sessions, limits, publicUrl } = parts
  const { trustProxy } = runtime.limits
  const seen = createLru<string, true>(SEEN_MAX)
  const used = createLru<string, number>(USES_MAX)
  const gapMinMs = limits.sessionIdleMs / USE_GAP_PART

  const contextOf = (c: PageContext, actor: Actor): CommandContext =>
    commandContext(actor, randomUUID(), clock().toISOString(), { requestId: c.get('exchange').requestId })

  /** Waits, within bounds, until this process knows what it has just written, or what another one has. */
  async function known(hash: string, waitMaxMs: number): Promise<SessionRow | undefined> {
    const deadlineMs = performance.now() + waitMaxMs
    let found = sessions.find(hash)
    while (!found && performance.now() < deadlineMs) {
      await delay(WAIT_STEP_MS)
      found = sessions.find(hash)
    }
    return found
  }

  /** The session behind a browser's cookie, whether or not it is still good. */
  async function rowOf(c: PageContext): Promise<SessionRow | undefined> {
    const secret = getCookie(c, COOKIE.name) ?? ''
    if (!isSecret(secret)) return undefined
    const hash = hashSecret(secret)
    // One that was known here once has ended; one that never was may have begun a moment ago, at another process.
    const found = sessions.find(hash) ?? (seen.has(hash) ? undefined : await known(hash, STRANGER_WAIT_MS))
    seen.set(hash, true)
    return found
  }

  function endingOf(row: SessionRow, nowMs: number): SessionEnding | undefined {
    if (Date.parse(row.expires_at) <= nowMs) return 'expired'
    const usedAtMs = Math.max(Date.parse(row.last_used_at), used.get(row.session_id) ?? 0)
    return usedAtMs + limits.sessionIdleMs <= nowMs ? 'idle' : undefined
  }

  /** Who it is now; undefined where the session's key works no more. */
  function viewerOf(row: SessionRow): Viewer | undefined {
    const { audience, name, session_id: sessionId, key_id: keyId, context } = row
    const mayAct = !row.is_read_only
    if (context === null || keyId === null) {
      const actor: Actor = { kind: 'admin', id: name, keyId: sessionId }
      return { audience, mayAct, context: undefined, principal: undefined, actor, sessionId, name }
    }
    const of = declared.find(({ api }) => api.name === context)
    const signIn = of?.console.signIn as SignIn<unknown> | undefined
    const verdict = of && signIn?.again(of.parts, keyId)
    if (verdict?.kind !== 'valid') return undefined
    const { principal } = verdict
    return { audience, mayAct, context, principal, actor: principal.actor, sessionId, name }
  }

  const keyIdOf = async (c: PageContext): Promise<string | null> => (await rowOf(c))?.key_id ?? null

  const actorOf = (row: SessionRow): Actor => viewerOf(row)?.actor ?? { kind: 'system', id: 'console' }

  async function end(c: PageContext, sessionId: string, reason: SessionEnding, actor: Actor): Promise<void> {
    const command = { kind: 'end', reason, at: clock().toISOString() } as const
    await bus.handle(sessionAggregate, sessionId, command, contextOf(c, actor))
  }

  function noteUse(c: PageContext, row: SessionRow, viewer: Viewer): void {
    const nowMs = clock().getTime()
    used.set(row.session_id, nowMs)
    if (nowMs - Date.parse(row.last_used_at) < gapMinMs) return
    const command = { kind: 'use', gapMinMs, at: new Date(nowMs).toISOString() } as const
    bus.handle(sessionAggregate, row.session_id, command, contextOf(c, viewer.actor)).catch((err: unknown) => {
      runtime.log.warn({ err }, 'the use of a console session could not be noted')
    })
  }

  const isSecure = (c: PageContext): boolean =>
    isHttps({ url: c.req.url, header: (name) => c.req.header(name) }, publicUrl, trustProxy)

  const forget = (c: PageContext): void => void deleteCookie(c, COOKIE.name, { path: COOKIE.path, secure: isSecure(c) })

  /** Takes away what is over, so that the list of sessions stays short. */
  async function clearExpired(c: PageContext): Promise<void> {
    const expired = await findExpiredSessions(db, clock().toISOString(), CLEARED_MAX)
    for (const { session_id } of expired) await end(c, session_id, 'expired', { kind: 'system', id: 'console' })
  }

  return {
    /** Whose browser asks; undefined: nobody's who is signed in. What only refreshes a page is no use of the session. */
    async enter(c: PageContext, { isUse }: { isUse: boolean }): Promise<Viewer | undefined> {
      const row = await rowOf(c)
      if (!row) return undefined
      const viewer = viewerOf(row)
      const ending = endingOf(row, clock().getTime()) ?? (viewer ? undefined : 'key_ended')
      if (ending === undefined) {
        if (viewer && isUse) noteUse(c, row, viewer)
        return viewer
      }
      await end(c, row.session_id, ending, actorOf(row))
      forget(c)
      return undefined
    },

    /** Gives the browser a session of its own. Throws Rejected where a link has begun one before. */
    async start(c: PageContext, sessionId: string, of: NewSession, actor: Actor): Promise<void> {
      const secret = newSecret()
      const tokenHash = hashSecret(secret)
      const now = clock()
      const expiresAt = new Date(now.getTime() + limits.sessionTtlMs).toISOString()
      const clientAddressText = clientAddress(c, trustProxy)
      const facts: SessionFacts = { ...of, sessionId, tokenHash, clientAddress: clientAddressText, expiresAt }
      const command = { kind: 'start', facts, at: now.toISOString() } as const
      await bus.handle(sessionAggregate, sessionId, command, contextOf(c, actor))
      await known(tokenHash, limits.sessionKnownWaitMs)
      const maxAge = Math.floor(limits.sessionTtlMs / 1_000)
      setCookie(c, COOKIE.name, secret, {
        path: COOKIE.path,
        httpOnly: true,
        sameSite: 'Lax',
        secure: isSecure(c),
        maxAge,
      })
      await clearExpired(c)
    },

    end,
    /** Whether cookies are for https alone: the browser came by it. */
    isSecure,
    /** Signs this browser out. */
    async signOut(c: PageContext, viewer: Viewer): Promise<void> {
      await end(c, viewer.sessionId, 'signed_out', viewer.actor)
      forget(c)
    },
    /** Signs out every browser that signed in with the same key, or as the same administrator. */
    async signOutEverywhere(c: PageContext, viewer: Viewer): Promise<void> {
      const { audience, name } = viewer
      const ids = await sessionIdsOf(db, { audience, name, key_id: await keyIdOf(c) })
      for (const id of new Set([...ids, viewer.sessionId])) await end(c, id, 'signed_out_everywhere', viewer.actor)
      forget(c)
    },
  }
}
