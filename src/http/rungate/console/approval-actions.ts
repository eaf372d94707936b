/** Deciding a call that waits: by the operation of the API, for the account whose token signed in, or by an administrator. */
import { html } from 'hono/html'
import { approvals } from '../../../projections/rungate/approval.ts'
import type { ActionDeclaration, Asked, Performed } from '../../pages/declaration.ts'
import { cameOf, said } from '../../pages/markup.ts'
import { callOperation } from '../../pages/operation-call.ts'
import { type ThingsOf, thingOf } from '../../pages/things.ts'
import type { RungateParts } from '../access.ts'
import { approveApprovalRequest, rejectApprovalRequest } from '../approvals/decide-approval.ts'
import { principalFor } from './operator.ts'

type Look = Asked<RungateParts>
type Action = ActionDeclaration<RungateParts>

export const approvalThings: ThingsOf<typeof approvals> = {
  ...{
    table: approvals,
    kind: 'approval',
    kinds: 'approvals',
    tenant: 'account_id',
    id: 'approval_id',
    at: 'created_at',
  },
  path: '/rungate/approvals',
  nameOf: ({ tool_name, approval_id }) => `${tool_name} (${approval_id})`,
}

const approvalIn = (asked: Look) => thingOf(approvalThings, asked, asked.params.id ?? '')

const decide = (name: 'approve' | 'reject', title: string, does: string): Action => ({
  ...{ of: '/rungate/approvals/:id', name, title, audience: ['administrator', 'operator'], scopes: ['write'] },
  ...(name === 'reject' ? { reason: 'required' as const } : {}),
  async prepare(asked) {
    const row = await approvalIn(asked)
    if (!row) return undefined
    const { tool_name, agent_name, model, request_bytes, expires_at, status } = row
    return {
      says: html`<p>${does} the call of ${said(tool_name)} (${request_bytes} bytes, by ${said(agent_name)} with ${said(model)}), which waits until
${expires_at}.</p>`,
      ...(status === 'pending' ? {} : { obstacle: `It is decided: ${status}.` }),
    }
  },
  async perform(acting): Promise<Performed> {
    const row = await approvalIn(acting)
    if (!row) throw new Error('the approval of an action was there a moment ago')
    const principal = principalFor(acting, row.account_id)
    const params = { id: row.approval_id }
    const { commandId } =
      name === 'approve'
        ? await callOperation('rungate', approveApprovalRequest, acting, principal, { params })
        : await callOperation('rungate', rejectApprovalRequest, acting, principal, {
            ...{ params, body: { reason: acting.reason } },
          })
    const message =
      name === 'approve' ? 'The call is let through when the agent sends it again.' : 'The call is refused.'
    return { message, links: commandId === undefined ? [] : [cameOf(commandId)] }
  },
})

export const approvalActions: readonly Action[] = [
  decide('approve', 'Approve', 'Lets through'),
  decide('reject', 'Reject', 'Refuses for good'),
]
