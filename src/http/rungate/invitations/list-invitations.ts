/** GET /api/invitations: the account's invitations, newest first. */
import { z } from '@hono/zod-openapi'
import { invitationsOf } from '../../../projections/rungate/invitation.ts'
import { listed } from '../../../projections/rungate/tables.ts'
import { json } from '../../answers.ts'
import { dashboard, read } from '../access.ts'
import { invitationResponse, invitationView } from '../people/schemas.ts'
import { listOfData } from '../schemas.ts'

export const listInvitations = read({
  path: '/api/invitations',
  id: 'listInvitations',
  tags: ['Invitations'],
  summary: 'The account’s invitations',
  description: 'Answers with the invitations, newest first; those that have ended too.',
  access: dashboard('read'),
  query: z.object({ status: z.enum(['pending', 'accepted', 'expired', 'revoked']).optional() }),
  answer: json(listOfData(invitationResponse), 'The invitations.'),
  async handle({ db, clock, principal: { accountId }, query: { status } }) {
    const now = clock().toISOString()
    const { rows, total } = await listed(db, invitationsOf, { accountId, status, now })
    return { data: rows.map((row) => invitationView(row, now)), total }
  },
})
