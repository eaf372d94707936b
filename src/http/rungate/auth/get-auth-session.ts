/** GET /auth/session: who is signed in, with an account or without one. */
import { z } from '@hono/zod-openapi'
import { accountIdOf, address, holderOf } from '../../../commands/rungate/address.ts'
import { publicAccess } from '../../access.ts'
import { json, withHeaders } from '../../answers.ts'
import { operation, SCOPES_OF } from '../access.ts'
import { noStore } from '../keys.ts'
import { cookieValueOf, sessionCookie } from '../people/cookie.ts'
import { requireSignedIn, sessionMissing } from '../people/signed-in.ts'

const text = z.string()
export const sessionAccount = z.object({
  ...{ id: text, status: z.enum(['pending', 'active']), email: text, name: text, slug: text, tier: text },
})
const answer = z
  .object({ data: z.object({ account: sessionAccount.partial(), scopes: z.array(text) }).partial() })
  .partial()

export const getAuthSession = operation({
  method: 'get',
  path: '/auth/session',
  id: 'getAuthSession',
  tags: ['Auth'],
  summary: 'Who is signed in',
  description:
    'Answers with the account of the session; one that is to be registered yet is `pending` and has no scopes.',
  access: publicAccess,
  answers: { 200: withHeaders(json(answer, 'The session.'), 'cache-control', 'set-cookie') },
  refuses: ['session_missing'],
  async handle({ bus, sessions, clock, noteSeen, sessionMs, cookies, caller }) {
    const who = requireSignedIn({ sessions, clock }, caller)
    const prolonged = noteSeen(who.session)
      ? { cookies: [sessionCookie(cookieValueOf(caller) ?? '', sessionMs / 1_000, caller, cookies)] }
      : {}
    if (who.status === 'active') {
      const { account_id: id, name, slug, tier } = who.account
      const account = { id, status: who.status, email: who.member.email ?? '', name, slug, tier }
      const data = { account, scopes: [...SCOPES_OF[who.member.role]] }
      return { status: 200, headers: noStore, body: { data }, ...prolonged }
    }
    const { address_id: addressId, member_id: memberId } = who.session
    const state = await bus.current(address, addressId)
    if (holderOf(addressId, state) !== memberId) throw sessionMissing()
    const account = {
      ...{ id: accountIdOf(memberId), status: who.status, email: state.email ?? '' },
      ...{ name: '', slug: '', tier: 'free' },
    }
    return { status: 200, headers: noStore, body: { data: { account, scopes: [] } }, ...prolonged }
  },
})
