/** GET affiliates/r, POST affiliates/validate-code and affiliates/capture: what anybody may do with an affiliate's code. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import { referrerOf, requireReferrer } from '../../../processes/killatamata/referring.ts'
import { publicAccess } from '../../access.ts'
import { empty, json, withHeaders } from '../../answers.ts'
import type { Caller } from '../../operation.ts'
import { timeOut } from '../../schemas.ts'
import { type KillatamataParts, operation, write } from '../access.ts'
import { ownCookie } from '../auth/cookie.ts'
import { noStore } from '../known-here.ts'
import { code } from './affiliate-view.ts'

const COOKIE = 'kt_aff'

const validated = z
  .object({ ok: z.literal(true), valid: z.boolean(), code: z.string(), displayName: z.string().nullable() })
  .openapi('AffiliateValidateCodeResponse')

export const validateAffiliateCode = write({
  path: '/api/v1/affiliates/validate-code',
  id: 'validateAffiliateCode',
  tags: ['affiliates'],
  summary: 'Validate affiliate code',
  description: 'Says whether an affiliate has the code. Writes nothing.',
  access: publicAccess,
  body: z.strictObject({ code }).openapi('AffiliateValidateCodeRequest'),
  answers: { 200: json(validated, 'Whether the code is an affiliate’s.') },
  isIdempotent: true,
  async handle({ bus, body }) {
    const referrer = await referrerOf({ bus }, body.code)
    const shown = referrer
      ? { valid: true, code: referrer.code, displayName: referrer.displayName }
      : { valid: false, code: body.code.trim().toUpperCase(), displayName: null }
    return { status: 200, body: { ok: true as const, ...shown }, handled: { position: undefined, replayed: false } }
  },
})

type Parts = Pick<KillatamataParts, 'referring' | 'noteClick' | 'cookies'>

/** Notes the click, and gives the token and the cookie that say so. */
async function capture(
  { referring, noteClick, cookies }: Parts,
  given: string,
  pointer: string,
  caller: Pick<Caller, 'header'>,
  command: CommandContext,
) {
  const referrer = await requireReferrer(referring, given, pointer)
  const position = await noteClick(referrer.code, command)
  const { captureMs } = referring.terms
  const at = new Date(command.at)
  const expires = new Date(Math.floor((at.getTime() + captureMs) / 1_000) * 1_000)
  const captureToken = await referring.captureTokens.sign({ code: referrer.code }, { at, expiresAt: expires })
  return {
    shown: { ok: true as const, code: referrer.code, captureToken, expiresAt: expires.toISOString() },
    cookies: [ownCookie(COOKIE, captureToken, captureMs / 1_000, caller, cookies)],
    handled: { position, replayed: false },
  }
}

const captured = {
  ...{ ok: z.literal(true), code: z.string(), captureToken: z.string(), expiresAt: timeOut },
}

export const captureAffiliateCode = write({
  path: '/api/v1/affiliates/capture',
  id: 'captureAffiliateCode',
  tags: ['affiliates'],
  summary: 'Capture/refresh affiliate attribution token',
  description: 'Counts as a click. The token, also in a cookie, is good for thirty days, and names the code alone.',
  access: publicAccess,
  body: z.strictObject({ code }).openapi('AffiliateCaptureRequest'),
  answers: {
    200: withHeaders(
      json(z.object(captured).openapi('AffiliateCaptureResponse'), 'The token.'),
      'cache-control',
      'set-cookie',
    ),
  },
  refuses: ['affiliate_code_not_found'],
  async handle({ body, caller, command, ...parts }) {
    const { shown, cookies, handled } = await capture(parts, body.code, '/code', caller, command)
    return { status: 200, headers: noStore, cookies, body: shown, handled }
  },
})

const redirected = z.object({ ...captured, redirectUrl: z.string() }).openapi('AffiliateRedirectResponse')

/** Whether the request wants JSON, and no page. */
const wantsJson = ({ header }: Pick<Caller, 'header'>): boolean => /\bapplication\/json\b/i.test(header('accept') ?? '')

export const followAffiliateCode = operation({
  method: 'get',
  path: '/api/v1/affiliates/r',
  id: 'followAffiliateCode',
  tags: ['affiliates'],
  summary: 'Resolve affiliate referral redirect and capture attribution token',
  description: 'Counts as a click, and leads to the site. With `Accept: application/json` it says where to go instead.',
  access: publicAccess,
  query: z.object({ code }),
  answers: {
    200: withHeaders(json(redirected, 'Where to go, for programs.'), 'cache-control', 'set-cookie'),
    302: withHeaders(empty('Go to the site.'), 'location', 'cache-control', 'set-cookie'),
  },
  refuses: ['affiliate_code_not_found'],
  async handle({ query, caller, command, siteUrl, ...parts }) {
    const { shown, cookies, handled } = await capture(parts, query.code, 'query/code', caller, command)
    const site = new URL(siteUrl())
    site.searchParams.set('ref', shown.code)
    const { href: redirectUrl } = site
    if (wantsJson(caller)) {
      return { status: 200 as const, headers: noStore, cookies, body: { ...shown, redirectUrl }, handled }
    }
    return { status: 302 as const, headers: { ...noStore, location: redirectUrl }, cookies, handled }
  },
})
