/** Who a session's cookie stands for, and how a session begins and ends. */
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { session } from '../../../commands/rungate/session.ts'
import type { AccountRow } from '../../../projections/rungate/account.ts'
import type { MemberRow } from '../../../projections/rungate/member.ts'
import type { SessionRow } from '../../../projections/rungate/session.ts'
import type { SetCookie } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import type { Caller } from '../../operation.ts'
import type { RungateParts } from '../access.ts'
import type { RungateCode } from '../errors.ts'
import { isKnownHere } from '../keys.ts'
import { cookieHashOf, isForeign, newCookie, sessionCookie } from './cookie.ts'

/** Somebody whose address belongs to no account yet, or a member of one that works. */
export type SignedIn =
  | { status: 'pending'; session: SessionRow }
  | { status: 'active'; session: SessionRow; member: MemberRow; account: AccountRow }

type Parts = Pick<RungateParts, 'sessions' | 'clock'>

/** By the cookie's hash; undefined where it is good for nothing: unknown, over, of a removed member, of a suspended account. */
export function signedIn({ sessions, clock }: Parts, keyHash: string): SignedIn | undefined {
  const { session, member, account } = sessions.find(keyHash) ?? {}
  if (!session || session.expires_at <= clock().toISOString()) return undefined
  if (!member) return { status: 'pending', session }
  if (member.status !== 'active' || account?.status !== 'active') return undefined
  return { status: 'active', session, member, account }
}

/** Of a request to an address where nobody has to sign in; undefined: nobody is. */
export function callerOf(parts: Parts, caller: Pick<Caller, 'header'>): SignedIn | undefined {
  const keyHash = cookieHashOf(caller)
  return keyHash === undefined ? undefined : signedIn(parts, keyHash)
}

/** Throws a Problem (401) where nobody is signed in. */
export function requireSignedIn(parts: Parts, caller: Pick<Caller, 'header'>): SignedIn {
  const found = callerOf(parts, caller)
  if (found) return found
  throw sessionMissing()
}

export const sessionMissing = () =>
  new Problem<RungateCode>('session_missing', 'There is no session, or it has ended: sign in.')

/** Throws a Problem (403) where another site's page has sent the request. */
export function refuseForeign(caller: Pick<Caller, 'header'>, { cookies }: Pick<RungateParts, 'cookies'>): void {
  if (!isForeign(caller, cookies)) return
  throw new Problem<RungateCode>('origin_foreign', 'The request comes from a page of another site.')
}

const USER_AGENT_LENGTH_MAX = 300

interface Person {
  memberId: string
  addressId: string
  accountId: string | null
}

/** Begins a session. Answers with the cookie once this process knows it. */
export async function beginSession(
  { bus, sessions, keyKnownWaitMs, cookies, sessionMs }: BeginParts,
  person: Person,
  caller: Pick<Caller, 'header' | 'address'>,
  command: CommandContext,
): Promise<{ position: bigint | undefined; cookie: SetCookie }> {
  const { at, commandId } = command
  const { value, keyHash } = newCookie()
  const facts = {
    ...person,
    sessionId: deterministicId('rungate.session', commandId),
    keyHash,
    expiresAt: new Date(Date.parse(at) + sessionMs).toISOString(),
    ipAddress: caller.address(),
    userAgent: caller.header('user-agent')?.slice(0, USER_AGENT_LENGTH_MAX) ?? null,
    occurredAt: at,
  }
  const { position } = await bus.handle(session, facts.sessionId, { kind: 'start', facts }, command)
  await isKnownHere(keyKnownWaitMs, () => sessions.find(keyHash) !== undefined)
  return { position, cookie: sessionCookie(value, sessionMs / 1_000, caller, cookies) }
}
type BeginParts = Pick<RungateParts, 'bus' | 'sessions' | 'keyKnownWaitMs' | 'cookies' | 'sessionMs'>
