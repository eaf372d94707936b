/** The cookie of a browser's session, and which requests with it come from our own pages. */
import { randomBytes } from 'node:crypto'
import { parse, serialize } from 'hono/utils/cookie'
import { hashKey } from '../../../api-keys/key-text.ts'
import type { SetCookie } from '../../answers.ts'
import { isHttps } from '../../hosted-cookie.ts'

export const COOKIE = 'rungate_session'
const COOKIE_BYTES = 32
const FORM = /^[\w-]{43}$/

export interface Place {
  /** PUBLIC_URL; undefined: requests say where they came to. */
  publicUrl: string | undefined
  trustProxy: boolean
}
type Head = { header: (name: string) => string | undefined }

/** The cookie, and what is kept of it. */
export function newCookie(): { value: string; keyHash: string } {
  const value = randomBytes(COOKIE_BYTES).toString('base64url')
  return { value, keyHash: hashKey(value) }
}

/** What the browser is given; '' takes the cookie away. `lifeS`: how long it keeps it. */
export function sessionCookie(
  value: string,
  lifeS: number,
  { header }: Head,
  { publicUrl, trustProxy }: Place,
): SetCookie {
  const secure = isHttps({ url: 'http:', header }, publicUrl, trustProxy)
  return { name: COOKIE, value, path: '/rungate', httpOnly: true, sameSite: 'Lax', secure, maxAge: lifeS }
}

/** The same as a header. */
export const cookieHeader = ({ name, value, ...options }: SetCookie): string => serialize(name, value, options)

/** The request's cookie; undefined: it has none that could be ours. */
export function cookieValueOf({ header }: Head): string | undefined {
  const value = parse(header('cookie') ?? '', COOKIE)[COOKIE]
  return value !== undefined && FORM.test(value) ? value : undefined
}

/** The hash of the same. */
export function cookieHashOf(head: Head): string | undefined {
  const value = cookieValueOf(head)
  return value === undefined ? undefined : hashKey(value)
}

/**
 * Whether a browser says that another site's page has sent the request. A page that came by http is another site's where this one is
 * reached by https; whether it is, a proxy that nobody told of does not say.
 */
export function isForeign({ header }: Head, { publicUrl, trustProxy }: Place): boolean {
  const origin = header('origin')
  if (origin === undefined) return header('sec-fetch-site') === 'cross-site'
  if (publicUrl !== undefined && URL.parse(publicUrl)?.origin === origin) return false
  const from = URL.parse(origin)
  if (from?.host !== header('host')) return true
  return from?.protocol !== 'https:' && isHttps({ url: 'http:', header }, publicUrl, trustProxy)
}
