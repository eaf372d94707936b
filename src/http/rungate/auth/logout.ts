/** POST /auth/logout: the session ends, and the browser forgets its cookie. Harmless without one. */
import { SYSTEM } from '../../../commands/rungate/registering.ts'
import { session } from '../../../commands/rungate/session.ts'
import { publicAccess } from '../../access.ts'
import { empty, withHeaders } from '../../answers.ts'
import { write } from '../access.ts'
import { isKnownHere, noStore } from '../keys.ts'
import { cookieHashOf, sessionCookie } from '../people/cookie.ts'
import { refuseForeign } from '../people/signed-in.ts'

export const logout = write({
  path: '/auth/logout',
  id: 'logout',
  tags: ['Auth'],
  summary: 'Sign out',
  description: 'Ends the session of the cookie, and clears the cookie.',
  access: publicAccess,
  answers: { 204: withHeaders(empty('Nobody is signed in any more.'), 'cache-control', 'set-cookie') },
  refuses: ['origin_foreign'],
  async handle({ bus, sessions, keyKnownWaitMs, cookies, caller, command }) {
    refuseForeign(caller, { cookies })
    const keyHash = cookieHashOf(caller) ?? ''
    const known = sessions.find(keyHash)?.session
    const cleared = { headers: noStore, cookies: [sessionCookie('', 0, caller, cookies)] }
    if (!known) return { status: 204, ...cleared, handled: { position: undefined, replayed: false } }
    const ending = {
      kind: 'end',
      reason: 'logout',
      author: { ...SYSTEM, id: known.member_id },
      at: command.at,
    } as const
    const handled = await bus.handle(session, known.session_id, ending, command)
    await isKnownHere(keyKnownWaitMs, () => sessions.find(keyHash) === undefined)
    return { status: 204, ...cleared, handled }
  },
})
