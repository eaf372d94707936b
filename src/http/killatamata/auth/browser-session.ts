/** GET and DELETE auth/browser/session: whether a browser is signed in, and signing it out. */
import { z } from '@hono/zod-openapi'
import { browserSession } from '../../../commands/killatamata/browser-session.ts'
import { publicAccess } from '../../access.ts'
import { json, withHeaders } from '../../answers.ts'
import { operation, write } from '../access.ts'
import { isKnownHere, noStore } from '../known-here.ts'
import { sessionCookie } from './cookie.ts'
import { sessionOf, sessionShown, sessionView } from './session.ts'

const nobody = z.object({ ok: z.literal(true), authenticated: z.literal(false) })
const somebody = z.object({
  ...{ ok: z.literal(true), authenticated: z.literal(true), session: sessionShown, csrfToken: z.string() },
})
const NOBODY = { ok: true, authenticated: false } as const

export const getBrowserSession = operation({
  method: 'get',
  path: '/api/v1/auth/browser/session',
  id: 'getBrowserSession',
  tags: ['auth'],
  summary: 'Inspect the active browser session',
  description: 'Answers 200 without a session too.',
  access: publicAccess,
  isRead: true,
  answers: { 200: withHeaders(json(z.union([somebody, nobody]), 'Who is signed in, if anybody.'), 'cache-control') },
  async handle({ sessions, clock, signIn, caller }) {
    const living = sessionOf({ sessions, clock }, caller)
    if (!living) return { status: 200, headers: noStore, body: NOBODY }
    const csrfToken = await signIn.digests.csrfTokenOf(living.cookie.value)
    const body = { ok: true as const, authenticated: true as const, session: sessionView(living), csrfToken }
    return { status: 200, headers: noStore, body }
  },
})

export const endBrowserSession = write({
  method: 'delete',
  path: '/api/v1/auth/browser/session',
  id: 'endBrowserSession',
  tags: ['auth'],
  summary: 'Clear the active browser session',
  description: 'Ends the session on the server, and clears the cookie. Harmless without one.',
  access: publicAccess,
  answers: { 200: withHeaders(json(nobody, 'Nobody is signed in any more.'), 'cache-control', 'set-cookie') },
  async handle({ bus, sessions, clock, cookies, knownWaitMs, caller, command }) {
    const cleared = { headers: noStore, cookies: [sessionCookie('', 0, caller, cookies)], body: NOBODY }
    const living = sessionOf({ sessions, clock }, caller)
    if (!living) return { status: 200, ...cleared, handled: { position: undefined, replayed: false } }
    const { cookie, session } = living
    const ending = { kind: 'end', reason: 'logout', at: command.at } as const
    const handled = await bus.handle(browserSession, session.session_id, ending, command)
    await isKnownHere(knownWaitMs, () => sessions.find(cookie.cookieHash) === undefined)
    return { status: 200, ...cleared, handled }
  },
})
