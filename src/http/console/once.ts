/** What is shown once, on the page that follows an action: a new key. It travels in a sealed cookie of a minute. */
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { raw } from 'hono/html'
import type { Sealer } from '../cursor.ts'
import type { AppEnv } from '../environment.ts'
import type { Markup } from '../pages/declaration.ts'

const COOKIE = 'opslog_console_once'
const AGE_MAX_S = 60

const boundTo = (sessionId: string) => ['console once', sessionId]

interface Kept {
  sessionId: string
  shown: Markup
  /** The browser came by https. */
  secure: boolean
}

/** Keeps the markup for the next page of this session. */
export async function keepOnce(c: Context<AppEnv>, sealer: Sealer, { sessionId, shown, secure }: Kept): Promise<void> {
  const sealed = sealer.seal(String(await shown), boundTo(sessionId))
  setCookie(c, COOKIE, sealed, { path: '/console', httpOnly: true, sameSite: 'Strict', secure, maxAge: AGE_MAX_S })
}

/** What was kept, for this one page. We alone have sealed it, so that it is markup as we have made it. */
export function takeOnce(c: Context<AppEnv>, sealer: Sealer, sessionId: string): Markup {
  const sealed = getCookie(c, COOKIE)
  if (sealed === undefined) return ''
  deleteCookie(c, COOKIE, { path: '/console' })
  const text = sealer.open(sealed, boundTo(sessionId))
  return text === undefined ? '' : raw(text)
}
