/** GET /auth/invitation-by-token: what a person is invited to. The token stays good. */
import { z } from '@hono/zod-openapi'
import { hashKey } from '../../../api-keys/key-text.ts'
import { account } from '../../../commands/rungate/account.ts'
import { invitationNotFound, standing } from '../../../commands/rungate/roster.ts'
import { givenRole } from '../../../events/rungate/vocabulary.ts'
import { findInvitationByToken } from '../../../projections/rungate/invitation.ts'
import { findMember } from '../../../projections/rungate/member.ts'
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { timeOut } from '../../schemas.ts'
import { read } from '../access.ts'
import { linkToken } from '../people/schemas.ts'
import { dataOf } from '../schemas.ts'

const answer = z.object({
  org_name: z.string(),
  role: givenRole,
  email: z.string(),
  invited_by: z.string(),
  expires_at: timeOut,
})

const MEMBER_ID = /^[0-9a-f-]{36}$/

export const getInvitationByToken = read({
  path: '/auth/invitation-by-token',
  id: 'getInvitationByToken',
  tags: ['Auth'],
  summary: 'What an invitation is to',
  description: 'Answers with the organization, the role, and who invites. It does not use the token up.',
  access: publicAccess,
  query: z.object({ token: linkToken }),
  answer: json(dataOf(answer), 'The invitation.'),
  refuses: ['invitation_not_found'],
  async handle({ bus, db, clock, query: { token } }) {
    const found = await findInvitationByToken(db, hashKey(token))
    const isOpen = found && standing(found.status, found.expires_at, clock().toISOString()) === 'pending'
    if (!isOpen) throw invitationNotFound()
    const state = await bus.current(account, found.account_id)
    if (state.status !== 'active') throw invitationNotFound()
    const { role, email, invited_by, expires_at } = found
    const inviter = MEMBER_ID.test(invited_by) ? await findMember(db, invited_by) : undefined
    const shown = { email: email ?? '', invited_by: inviter?.display_name ?? invited_by }
    return { data: { org_name: state.facts.name, role, ...shown, expires_at } }
  },
})
