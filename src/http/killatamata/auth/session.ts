/** Who a session's cookie stands for, and how a session begins. */
import { z } from '@hono/zod-openapi'
import { stepContext } from '../../../commands/context.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { browserSession } from '../../../commands/killatamata/browser-session.ts'
import type { IdentityKind } from '../../../events/killatamata/vocabulary.ts'
import type { Entered } from '../../../processes/killatamata/signing-in.ts'
import type { Caller } from '../../operation.ts'
import { timeOut } from '../../schemas.ts'
import type { KillatamataParts } from '../access.ts'
import { isKnownHere } from '../known-here.ts'
import { cookieOf, newCookie, sessionCookie } from './cookie.ts'

export const sessionShown = z
  .object({ accountId: z.string(), email: z.string(), createdAt: timeOut, expiresAt: timeOut })
  .openapi('BrowserSession')

export const sessionAnswer = z
  .object({ ok: z.literal(true), session: sessionShown, csrfToken: z.string() })
  .openapi('BrowserSessionResponse')

type Parts = Pick<KillatamataParts, 'sessions' | 'clock'>

/** The living session of the request's cookie; undefined: there is none. */
export function sessionOf({ sessions, clock }: Parts, caller: Pick<Caller, 'header'>) {
  const cookie = cookieOf(caller)
  const { session, account } = (cookie && sessions.find(cookie.cookieHash)) ?? {}
  if (!cookie || !session || account?.status !== 'active') return undefined
  return session.expires_at <= clock().toISOString() ? undefined : { cookie, session, account }
}

export type Living = NonNullable<ReturnType<typeof sessionOf>>

/** The session as its owner sees it. */
export const sessionView = ({ session, account }: Living): z.input<typeof sessionShown> => ({
  ...{ accountId: session.account_id, email: account.email ?? '' },
  ...{ createdAt: session.created_at, expiresAt: session.expires_at },
})

type BeginParts = Pick<KillatamataParts, 'bus' | 'sessions' | 'signIn' | 'limits' | 'cookies' | 'knownWaitMs'>

/** Begins a session. Answers once this process knows it. */
export async function beginSession(
  { bus, sessions, signIn, limits, cookies, knownWaitMs }: BeginParts,
  { accountId, email }: Entered,
  by: IdentityKind,
  caller: Pick<Caller, 'header'>,
  command: CommandContext,
) {
  const { at, commandId } = command
  const { value, cookieHash } = newCookie()
  const sessionId = deterministicId('killatamata.session', commandId)
  const expiresAt = new Date(Date.parse(at) + limits.sessionMs).toISOString()
  const facts = { sessionId, accountId, cookieHash, by, expiresAt, occurredAt: at }
  const { position } = await bus.handle(
    browserSession,
    sessionId,
    { kind: 'open', facts },
    stepContext(command, sessionId),
  )
  await isKnownHere(knownWaitMs, () => sessions.find(cookieHash) !== undefined)
  const session = { accountId, email, createdAt: at, expiresAt }
  return {
    body: { ok: true as const, session, csrfToken: await signIn.digests.csrfTokenOf(value) },
    cookies: [sessionCookie(value, limits.sessionMs / 1_000, caller, cookies)],
    handled: { position, replayed: false },
  }
}
