/** PATCH /api/members/{id}/transfer-ownership: another member is the owner, and the former one an admin. */
import { z } from '@hono/zod-openapi'
import { roster } from '../../../commands/rungate/roster.ts'
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { dataOf, idParams } from '../schemas.ts'

export const transferOwnership = write({
  method: 'patch',
  path: '/api/members/{id}/transfer-ownership',
  id: 'transferOwnership',
  tags: ['Members'],
  summary: 'Give the account away',
  description: 'Makes another member the owner, and you an admin. The owner’s own session does it, and no token.',
  access: dashboard('admin'),
  params: idParams,
  answers: { 200: json(dataOf(z.object({ message: z.string() })), 'The account has another owner.') },
  refuses: ['member_not_found', 'owner_only', 'already_owner'],
  async handle({ bus, principal: { accountId, memberId, author }, params: { id: toId }, command }) {
    // A token is no member, and so never the owner.
    const asked = { kind: 'transfer', accountId, fromId: memberId ?? '', toId, author, at: command.at } as const
    const handled = await bus.handle(roster, accountId, asked, command)
    return { status: 200, body: { data: { message: 'The account has another owner.' } }, handled }
  },
})
