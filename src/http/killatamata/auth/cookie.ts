/** The cookie of a browser's session. */
import { randomBytes } from 'node:crypto'
import { parse } from 'hono/utils/cookie'
import { hashKey } from '../../../api-keys/key-text.ts'
import type { SetCookie } from '../../answers.ts'
import { isHttps } from '../../hosted-cookie.ts'

const COOKIE = 'kt_session'
const COOKIE_BYTES = 32
const FORM = /^[\w-]{43}$/

export interface Place {
  /** PUBLIC_URL; undefined: requests say where they came to. */
  publicUrl: string | undefined
  trustProxy: boolean
}
type Head = { header: (name: string) => string | undefined }

/** The cookie, and what is kept of it. */
export function newCookie(): { value: string; cookieHash: string } {
  const value = randomBytes(COOKIE_BYTES).toString('base64url')
  return { value, cookieHash: hashKey(value) }
}

/** What the browser is given; '' takes the cookie away. `lifeS`: how long it keeps it. */
export function ownCookie(name: string, value: string, lifeS: number, { header }: Head, place: Place): SetCookie {
  const secure = isHttps({ url: 'http:', header }, place.publicUrl, place.trustProxy)
  return { name, value, path: '/killatamata', httpOnly: true, sameSite: 'Lax', secure, maxAge: lifeS }
}

export const sessionCookie = (value: string, lifeS: number, head: Head, place: Place): SetCookie =>
  ownCookie(COOKIE, value, lifeS, head, place)

/** The request's cookie with its hash; undefined: it has none that could be ours. */
export function cookieOf({ header }: Head): { value: string; cookieHash: string } | undefined {
  const value = parse(header('cookie') ?? '', COOKIE)[COOKIE]
  return value !== undefined && FORM.test(value) ? { value, cookieHash: hashKey(value) } : undefined
}
