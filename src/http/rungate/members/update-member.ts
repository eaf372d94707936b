/** PATCH /api/members/{id}: another role or another name. */
import { z } from '@hono/zod-openapi'
import { memberNotFound, roster } from '../../../commands/rungate/roster.ts'
import { givenRole } from '../../../events/rungate/vocabulary.ts'
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { displayName, memberResponse, memberRowOf, memberView } from '../people/schemas.ts'
import { dataOf, idParams } from '../schemas.ts'

const request = z
  .object({ role: givenRole.optional(), display_name: displayName.optional() })
  .superRefine(({ role, display_name }, context) => {
    if (role !== undefined || display_name !== undefined) return
    context.addIssue({ code: 'custom', path: ['role'], message: 'is missing, and so is display_name' })
  })

export const updateMember = write({
  method: 'patch',
  path: '/api/members/{id}',
  id: 'updateMember',
  tags: ['Members'],
  summary: 'Change a member',
  description: 'Gives a member another role or name. The owner’s role changes by a transfer alone.',
  example: { role: 'viewer' },
  access: dashboard('admin'),
  params: idParams,
  body: request,
  answers: { 200: json(dataOf(memberResponse), 'The member as it is now.') },
  refuses: ['member_not_found', 'owner_role_fixed'],
  async handle({ bus, principal: { accountId, author }, params: { id: memberId }, body, command }) {
    const { role, display_name: displayName } = body
    const change = { ...(role !== undefined && { role }), ...(displayName !== undefined && { displayName }) }
    const asked = { kind: 'change', accountId, memberId, author, at: command.at, ...change } as const
    const handled = await bus.handle(roster, accountId, asked, command)
    const member = handled.state.members.get(memberId)
    if (!member) throw memberNotFound()
    return { status: 200, body: { data: memberView(memberRowOf(member)) }, handled }
  },
})
