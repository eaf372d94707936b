/** GET /api/sessions and DELETE /api/sessions/{id}: browsers that are signed in. A token has none, and is answered 400. */

import { roster } from '../../../commands/rungate/roster.ts'
import { session, sessionNotFound } from '../../../commands/rungate/session.ts'
import { listSessions as sessionsListed } from '../../../projections/rungate/session.ts'
import { empty, json, withHeaders } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { dashboard, type Operator, read, write } from '../access.ts'
import type { RungateCode } from '../errors.ts'
import { isKnownHere } from '../keys.ts'
import { sessionCookie } from '../people/cookie.ts'
import { sessionResponse, sessionView } from '../people/schemas.ts'
import { idParams, listOfData } from '../schemas.ts'

/** The member who asks. Throws a Problem (400) for a token. */
function requireMember({ memberId }: Operator): string {
  if (memberId !== null) return memberId
  throw new Problem<RungateCode>('session_needed', 'Sessions are for those who have one: a token has none.')
}

export const listSessions = read({
  path: '/api/sessions',
  id: 'listSessions',
  tags: ['Sessions'],
  summary: 'Browsers that are signed in',
  description: 'Answers with the sessions that are good, newest first: owners and admins see all, others their own.',
  access: dashboard('read'),
  answer: json(listOfData(sessionResponse), 'The sessions.'),
  refuses: ['session_needed'],
  async handle({ db, clock, principal }) {
    const own = requireMember(principal)
    const { accountId, scopes } = principal
    const memberId = scopes.includes('admin') ? null : own
    const { rows, total } = await sessionsListed(db, { accountId, memberId, now: clock().toISOString() })
    return { data: rows.map((row) => sessionView(row, accountId)), total }
  },
})

export const revokeSession = write({
  method: 'delete',
  path: '/api/sessions/{id}',
  id: 'revokeSession',
  tags: ['Sessions'],
  summary: 'Sign a browser out',
  description: 'Ends a session: your own, and as an owner or admin that of any member.',
  access: dashboard('read'),
  params: idParams,
  answers: { 204: withHeaders(empty('The session has ended.'), 'set-cookie') },
  refuses: ['session_needed', 'session_not_found'],
  async handle({ bus, sessions, keyKnownWaitMs, cookies, principal, params: { id }, caller, command }) {
    const own = requireMember(principal)
    const { accountId, scopes, author } = principal
    const state = await bus.current(session, id)
    if (state.status !== 'active') throw sessionNotFound()
    const { memberId, keyHash } = state.facts
    const isOfAccount = memberId === own || (await bus.current(roster, accountId)).members.has(memberId)
    if (!isOfAccount || (memberId !== own && !scopes.includes('admin'))) throw sessionNotFound()
    const handled = await bus.handle(session, id, { kind: 'end', reason: 'revoked', author, at: command.at }, command)
    await isKnownHere(keyKnownWaitMs, () => sessions.find(keyHash) === undefined)
    const cleared = principal.sessionId === id ? { cookies: [sessionCookie('', 0, caller, cookies)] } : {}
    return { status: 204, handled, ...cleared }
  },
})
