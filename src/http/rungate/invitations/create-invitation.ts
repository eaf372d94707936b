/** POST /api/invitations: invites an address to the account, by mail. */
import { z } from '@hono/zod-openapi'
import { deterministicId } from '../../../commands/identity.ts'
import { address, addressElsewhere, holderOf } from '../../../commands/rungate/address.ts'
import { invitationNotFound, roster } from '../../../commands/rungate/roster.ts'
import { givenRole } from '../../../events/rungate/vocabulary.ts'
import { mailInvitation } from '../../../processes/rungate/mail-requests.ts'
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { limitAttempts } from '../people/limits.ts'
import { requireMail } from '../people/mail.ts'
import { email, invitationResponse, invitationRowOf, invitationView } from '../people/schemas.ts'
import { dataOf } from '../schemas.ts'
import { inviterOf, newInvitationEnd } from './inviting.ts'

export const createInvitation = write({
  path: '/api/invitations',
  id: 'createInvitation',
  tags: ['Invitations'],
  summary: 'Invite somebody',
  description: 'Sends a mail with a link that is good once, for seven days. An address belongs to one account.',
  access: dashboard('admin'),
  body: z.object({ email, role: givenRole }),
  answers: { 201: json(dataOf(invitationResponse), 'The invitation.') },
  refuses: ['member_exists', 'invitation_pending', 'address_elsewhere', 'mail_off', 'invitation_not_found'],
  async handle({ bus, people, peopleLimits, mailWay, apiUrl, principal, body, command, ...parts }) {
    requireMail({ mailWay })
    const { accountId, author } = principal
    const { invitationsMax: max } = peopleLimits
    const detail = `An account may send ${max} invitations per hour.`
    await limitAttempts(parts, { kind: 'invitation', caller: accountId, max, detail })
    const addressId = await people.addressIdOf(body.email)
    const held = await bus.current(address, addressId)
    if (held.accountId !== null && held.accountId !== accountId) throw addressElsewhere()
    const invitationId = deterministicId('rungate.invitation', command.commandId)
    const kept = await newInvitationEnd({ people, peopleLimits }, invitationId, command.at)
    const facts = {
      ...{ accountId, invitationId, addressId, memberId: holderOf(addressId, held), email: body.email },
      ...{ role: body.role, invitedBy: await inviterOf({ bus }, principal), author, ...kept, occurredAt: command.at },
    }
    const { state } = await bus.handle(roster, accountId, { kind: 'invite', facts, at: command.at }, command)
    const made = state.invitations.get(invitationId)
    if (!made) throw invitationNotFound()
    const position = await mailInvitation({ bus, people, apiUrl }, facts, command.at, command)
    const data = invitationView(invitationRowOf(made), command.at)
    return { status: 201, body: { data }, handled: { position, replayed: false } }
  },
})
