/** POST /auth/accept-invitation: whoever has the token becomes a member, and is signed in. The token is good once. */
import { z } from '@hono/zod-openapi'
import { hashKey } from '../../../api-keys/key-text.ts'
import { account } from '../../../commands/rungate/account.ts'
import { join } from '../../../commands/rungate/joining.ts'
import { Rejected } from '../../../commands/rungate/rejection.ts'
import { invitationNotFound, memberNotFound, requireOpen, roster } from '../../../commands/rungate/roster.ts'
import { findInvitationByToken } from '../../../projections/rungate/invitation.ts'
import { publicAccess } from '../../access.ts'
import { json, withHeaders } from '../../answers.ts'
import { uuidOut } from '../../schemas.ts'
import { write } from '../access.ts'
import { noStore } from '../keys.ts'
import { limitVerifications } from '../people/limits.ts'
import { isEmail, linkToken, memberResponse, memberRowOf, memberView, shownName } from '../people/schemas.ts'
import { beginSession, refuseForeign } from '../people/signed-in.ts'
import { dataOf } from '../schemas.ts'

const answer = z.object({
  account: z.object({ id: uuidOut, slug: z.string(), name: z.string() }),
  member: memberResponse,
})

const used = () => new Rejected('invitation_used', 'The invitation was accepted already.')

export const acceptInvitation = write({
  path: '/auth/accept-invitation',
  id: 'acceptInvitation',
  tags: ['Auth'],
  summary: 'Accept an invitation',
  description:
    'Makes you a member by the token of an invitation, which is good once, and sets the cookie of a session.',
  access: publicAccess,
  body: z.object({ token: linkToken, display_name: shownName }),
  answers: {
    200: withHeaders(json(dataOf(answer), 'You are a member, and signed in.'), 'cache-control', 'set-cookie'),
  },
  refuses: [
    ...(['invitation_not_found', 'invitation_used', 'account_gone', 'address_elsewhere', 'member_exists'] as const),
    'origin_foreign',
  ],
  async handle({ bus, db, clock, peopleLimits, cookies, body, caller, command, ...parts }) {
    refuseForeign(caller, { cookies })
    await limitVerifications({ db, clock, peopleLimits }, caller.address())
    const tokenHash = hashKey(body.token)
    const found = await findInvitationByToken(db, tokenHash)
    if (!found) throw invitationNotFound()
    const { account_id: accountId, invitation_id: invitationId, address_id: addressId } = found
    const invitation = (await bus.current(roster, accountId)).invitations.get(invitationId)
    requireOpen(invitation, tokenHash, command.at)
    const { email } = invitation.facts
    if (!isEmail(email)) throw invitationNotFound()
    const { status, ...of } = await bus.current(account, accountId)
    if (status !== 'active' || !('facts' in of)) throw new Rejected('account_gone', 'The account is not available.')
    const joining = { kind: 'invited' as const, invitationId, tokenHash }
    const joined = { addressId, accountId, email, displayName: body.display_name, joining }
    const { handled, memberId } = await join(bus, joined, command)
    if (handled.events.length === 0) throw used()
    const member = handled.state.members.get(memberId)
    if (!member) throw memberNotFound()
    const person = { memberId, addressId, accountId }
    const { position, cookie } = await beginSession({ bus, cookies, ...parts }, person, caller, command)
    const { slug, name } = of.facts
    const data = { account: { id: accountId, slug, name }, member: memberView(memberRowOf(member)) }
    const reply = { headers: noStore, cookies: [cookie], handled: { position, replayed: false } }
    return { status: 200, body: { data }, ...reply }
  },
})
