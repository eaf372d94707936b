/** POST auth/email/start, auth/email/verify and auth/browser/email/verify: signing in by a code that is mailed. */
import { z } from '@hono/zod-openapi'
import { plainEmail } from '../../../processes/killatamata/digests.ts'
import { enterByCode, startEmail } from '../../../processes/killatamata/signing-in.ts'
import { publicAccess } from '../../access.ts'
import { json, withHeaders } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { boundedText, text } from '../../schemas.ts'
import { type KillatamataParts, write } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { label, makeKey, newKeyAnswer } from '../keys/new-key.ts'
import { noStore } from '../known-here.ts'
import { limitStarts, limitTries } from '../limits.ts'
import { beginSession, sessionAnswer } from './session.ts'

/** RFC 5321: 64 octets before the sign, 255 after it; the whole at most 254. */
const EMAIL_LENGTH_MAX = 254
const EMAIL =
  /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/i
/** Blanks around it do not count. */
export const email = boundedText(2 * EMAIL_LENGTH_MAX)
  .transform((given) => given.trim())
  .refine((given) => given.length <= EMAIL_LENGTH_MAX && EMAIL.test(given), 'must be an e-mail address')
  .openapi({ type: 'string', format: 'email' })

const CODE_LENGTH = 6
const verifyRequest = z
  .strictObject({ email, code: text(CODE_LENGTH, CODE_LENGTH), keyLabel: label.optional() })
  .openapi('EmailAuthVerifyRequest')

/** Throws a Problem (503) where no mails are sent. */
function requireMail({ mailWay }: Pick<KillatamataParts, 'mailWay'>): void {
  if (mailWay === 'off') throw new Problem<KillatamataCode>('mail_off', 'No mails are sent here.')
}

const started = z.object({ ok: z.literal(true), expiresInSeconds: z.int() }).openapi('EmailAuthStartResponse')

export const startEmailSignIn = write({
  path: '/api/v1/auth/email/start',
  id: 'startEmailSignIn',
  tags: ['auth'],
  summary: 'Start email one-time-code sign-in',
  description:
    'Mails a code of six digits, good for ten minutes, once. The answer does not say whether there is an account.',
  access: publicAccess,
  body: z.strictObject({ email }).openapi('EmailAuthStartRequest'),
  answers: { 202: json(started, 'A code is on its way.') },
  refuses: ['mail_off'],
  async handle({ body, caller, command, signIn, limits, mailWay, db, clock }) {
    requireMail({ mailWay })
    await limitStarts({ db, clock, limits }, caller.address(), plainEmail(body.email))
    await startEmail({ ...signIn, codeMs: limits.codeMs }, body.email, command)
    const answer = { ok: true as const, expiresInSeconds: limits.codeMs / 1_000 }
    return { status: 202, body: answer, handled: { position: undefined, replayed: false } }
  },
})

export const verifyEmail = write({
  path: '/api/v1/auth/email/verify',
  id: 'verifyEmail',
  tags: ['auth'],
  summary: 'Verify email one-time code and mint API key',
  description: 'Opens an account where the address has none. A code works once; five wrong ones void it.',
  access: publicAccess,
  body: verifyRequest,
  answers: { 201: withHeaders(json(newKeyAnswer, 'The key, shown this once.'), 'cache-control') },
  refuses: ['code_invalid', 'key_limit_reached', 'account_gone', 'secret_already_shown'],
  async handle({ body, caller, command, ...parts }) {
    await limitTries(parts, caller.address())
    const entered = await enterByCode(parts.signIn, { ...body, wantsKey: true }, command)
    const wanted = { label: body.keyLabel, source: 'email', hasRoom: true } as const
    return { status: 201, headers: noStore, ...(await makeKey(parts, entered, wanted, command)) }
  },
})

export const verifyBrowserEmail = write({
  path: '/api/v1/auth/browser/email/verify',
  id: 'verifyBrowserEmail',
  tags: ['auth'],
  summary: 'Verify email one-time code and issue a browser session cookie',
  description: 'Sets the cookie of a session. A code works once; five wrong ones void it.',
  access: publicAccess,
  body: verifyRequest,
  answers: { 200: withHeaders(json(sessionAnswer, 'You are signed in.'), 'cache-control', 'set-cookie') },
  refuses: ['code_invalid', 'account_gone'],
  async handle({ body, caller, command, ...parts }) {
    await limitTries(parts, caller.address())
    const entered = await enterByCode(parts.signIn, { ...body, wantsKey: false }, command)
    return { status: 200, headers: noStore, ...(await beginSession(parts, entered, 'email', caller, command)) }
  },
})
