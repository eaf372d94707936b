/** DELETE /api/invitations/{id} and POST /api/invitations/{id}/resend: what becomes of a pending invitation. */
import { z } from '@hono/zod-openapi'
import { invitationNotFound, roster } from '../../../commands/rungate/roster.ts'
import { isUuid } from '../../../events/uuid.ts'
import { mailInvitation } from '../../../processes/rungate/mail-requests.ts'
import { json } from '../../answers.ts'
import { boundedText } from '../../schemas.ts'
import { dashboard, write } from '../access.ts'
import { limitAttempts } from '../people/limits.ts'
import { requireMail } from '../people/mail.ts'
import { invitationResponse, invitationRowOf, invitationView } from '../people/schemas.ts'
import { dataOf } from '../schemas.ts'
import { newInvitationEnd } from './inviting.ts'

const ID_LENGTH_MAX = 100
const changing = {
  tags: ['Invitations'],
  access: dashboard('admin'),
  params: z.object({ id: boundedText(ID_LENGTH_MAX) }),
}
const refuses = ['invitation_not_found', 'invitation_not_pending'] as const

/** What is no id of ours names nothing. */
function idOf(given: string): string {
  if (!isUuid(given)) throw invitationNotFound()
  return given.toLowerCase()
}

export const revokeInvitation = write({
  ...changing,
  method: 'delete',
  path: '/api/invitations/{id}',
  id: 'revokeInvitation',
  summary: 'Revoke an invitation',
  description: 'Ends a pending invitation: its link opens nothing any more.',
  answers: { 200: json(dataOf(invitationResponse), 'The invitation, revoked.') },
  refuses,
  async handle({ bus, principal: { accountId, author }, params: { id }, command }) {
    const { at } = command
    const invitationId = idOf(id)
    const handled = await bus.handle(
      roster,
      accountId,
      { kind: 'revoke', accountId, invitationId, author, at },
      command,
    )
    const revoked = handled.state.invitations.get(invitationId)
    if (!revoked) throw invitationNotFound()
    return { status: 200, body: { data: invitationView(invitationRowOf(revoked), at) }, handled }
  },
})

export const resendInvitation = write({
  ...changing,
  path: '/api/invitations/{id}/resend',
  id: 'resendInvitation',
  summary: 'Send an invitation again',
  description: 'Sends a new link, good for seven days from now. The former link opens nothing any more.',
  answers: { 200: json(dataOf(invitationResponse), 'The invitation, with its new end.') },
  refuses: [...refuses, 'mail_off'],
  async handle({
    bus,
    people,
    peopleLimits,
    mailWay,
    apiUrl,
    principal: { accountId, author },
    params: { id },
    command,
    ...parts
  }) {
    requireMail({ mailWay })
    const { at } = command
    const invitationId = idOf(id)
    if (!(await bus.current(roster, accountId)).invitations.has(invitationId)) throw invitationNotFound()
    const { resendsMax: max } = peopleLimits
    const detail = `An invitation may be sent again ${max} times per hour.`
    await limitAttempts(parts, { kind: 'resend', caller: invitationId, max, detail })
    const kept = await newInvitationEnd({ people, peopleLimits }, invitationId, at)
    const asked = { kind: 'resend', accountId, invitationId, author, at, ...kept } as const
    const { state } = await bus.handle(roster, accountId, asked, command)
    const resent = state.invitations.get(invitationId)
    if (!resent) throw invitationNotFound()
    const position = await mailInvitation({ bus, people, apiUrl }, resent.facts, at, command)
    const data = invitationView(invitationRowOf(resent), at)
    return { status: 200, body: { data }, handled: { position, replayed: false } }
  },
})
