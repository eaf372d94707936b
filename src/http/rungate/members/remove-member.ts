/** DELETE /api/members/{id}: the member leaves; what was its own is the caller's, or the owner's where a token asks. */
import { z } from '@hono/zod-openapi'
import { finishRemoval } from '../../../commands/rungate/leaving.ts'
import { memberNotFound, ownerIn, roster } from '../../../commands/rungate/roster.ts'
import { belongingsIn } from '../../../processes/rungate/completion.ts'
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { dataOf, idParams } from '../schemas.ts'

const answer = z.object({
  message: z.string(),
  agents_reassigned: z.int().optional(),
  policies_reassigned: z.int().optional(),
  webhooks_deleted: z.int().optional(),
  alert_rules_deleted: z.int().optional(),
})

export const removeMember = write({
  method: 'delete',
  path: '/api/members/{id}',
  id: 'removeMember',
  tags: ['Members'],
  summary: 'Remove a member',
  description:
    'Ends the membership and its sessions. Its agents and personal policies become yours; for a token, the owner’s. ' +
    'Its personal webhooks and alert rules are deleted.',
  access: dashboard('admin'),
  params: idParams,
  answers: { 200: json(dataOf(answer), 'The member is removed.') },
  refuses: ['member_not_found', 'owner_stays', 'agent_not_found', 'policy_not_found'],
  async handle({ bus, db, principal, params: { id: memberId }, command }) {
    const { accountId, author } = principal
    const owner = ownerIn(await bus.current(roster, accountId))?.memberId ?? null
    const heirId = principal.memberId === null || principal.memberId === memberId ? owner : principal.memberId
    const asked = { kind: 'remove', accountId, memberId, heirId, author, at: command.at } as const
    const handled = await bus.handle(roster, accountId, asked, command)
    const removal = handled.events.find((event) => event.type === 'rungate.MemberRemoved.v1')
    if (!removal) throw memberNotFound()
    const { position, ...cleared } = await finishRemoval(bus, belongingsIn(db), removal.data, command)
    const counts = {
      ...{ agents_reassigned: cleared.agents, policies_reassigned: cleared.policies },
      ...{ webhooks_deleted: cleared.webhooks, alert_rules_deleted: cleared.alertRules },
    }
    const reply = { handled: { position: position ?? handled.position, replayed: false } }
    return { status: 200, body: { data: { message: 'The member is removed.', ...counts } }, ...reply }
  },
})
