/**
 * Who uses the hosted page. The cookie holds the worker's token, sealed, so that a session ends with its token; one that was
 * signed out of is written down, so that a copy of the cookie is of no use. A second cookie stands for a visitor who has not signed in: a form is good for the cookie that it was made under.
 */
import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { z } from 'zod'
import { endSession, hasSessionEnded } from '../../../projections/ended-sessions.ts'
import type { AppEnv, Runtime } from '../../environment.ts'
import { Problem } from '../../errors.ts'
import { hostedCookie } from '../../hosted-cookie.ts'
import type { FirsthandParts } from '../access.ts'
import type { FirsthandCode } from '../errors.ts'

export const WORK_PATH = '/firsthand/work'

/** The visitor's cookie is apart: a link from another site brings no Strict cookie, and must not end a session. */
const COOKIES = {
  worker: { name: 'firsthand_worker', lifeS: 43_200 },
  visitor: { name: 'firsthand_visitor', lifeS: 3_600 },
} as const
type Kind = keyof typeof COOKIES

const content = z.object({ nonce: z.string(), token: z.string(), endsAt: z.string() })

/** What a cookie holds; a visitor's token is ''. */
export type Session = z.infer<typeof content>

type PageContext = Context<AppEnv>

export function createSessions(
  { clock, db, publicUrl }: Pick<FirsthandParts, 'clock' | 'db' | 'publicUrl'>,
  { sealer, limits: { trustProxy } }: Runtime,
) {
  const where = (c: PageContext, kind: Kind) =>
    hostedCookie(c, { name: COOKIES[kind].name, path: WORK_PATH }, publicUrl, trustProxy)
  const boundTo = (kind: Kind) => ['firsthand work page', kind]
  const close = (c: PageContext, kind: Kind): void => {
    const { name, ...at } = where(c, kind)
    deleteCookie(c, name, { ...at, httpOnly: true, sameSite: 'Strict' })
  }

  return {
    /** Undefined where the browser has no such cookie, or one that has ended or is none of ours. */
    read(c: PageContext, kind: Kind): Session | undefined {
      const text = sealer.open(getCookie(c, where(c, kind).name) ?? '', boundTo(kind))
      const held = text === undefined ? undefined : content.parse(JSON.parse(text))
      return held && held.endsAt > clock().toISOString() ? held : undefined
    },
    /** Whether it was signed out of, in whatever browser. */
    hasEnded: ({ nonce }: Session): Promise<boolean> => hasSessionEnded(db, nonce),
    /** Gives the browser a new cookie. */
    open(c: PageContext, kind: Kind, token = ''): Session {
      const { lifeS: maxAge } = COOKIES[kind]
      const endsAt = new Date(clock().getTime() + maxAge * 1_000).toISOString()
      const session = { nonce: randomUUID(), token, endsAt }
      const { name, ...at } = where(c, kind)
      const sealed = sealer.seal(JSON.stringify(session), boundTo(kind))
      setCookie(c, name, sealed, { ...at, httpOnly: true, sameSite: 'Strict', maxAge })
      return session
    },
    close,
    /** Ends the worker's session for every holder of its cookie. */
    async end(c: PageContext, { nonce, endsAt }: Session): Promise<void> {
      await endSession(db, nonce, endsAt, clock())
      close(c, 'worker')
    },
    /** The token of a form. Each page has another, so that compressed answers give none away. */
    formToken: ({ nonce }: Pick<Session, 'nonce'>): string => sealer.seal('form', ['firsthand form', nonce]),
    /** Throws a Problem (403) where the form was not made for this session, or comes from another site. */
    requireOwnForm(c: PageContext, session: Pick<Session, 'nonce'> | undefined, token: string | null): void {
      const site = c.req.header('sec-fetch-site') ?? 'same-origin'
      const isOwn = session && sealer.open(token ?? '', ['firsthand form', session.nonce]) === 'form'
      if (isOwn && (site === 'same-origin' || site === 'none')) return
      throw new Problem<FirsthandCode>('form_foreign', 'The form was made for another session, or by another site.')
    },
  }
}
