/** PUT and PATCH /api/agents/{id}: each member that is sent takes the place of the former one. */
import { changeAgent } from '../../../commands/rungate/changing.ts'
import { roster } from '../../../commands/rungate/roster.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { dashboard, type Operator, type RungateParts, write } from '../access.ts'
import { requireWithin } from '../bounds.ts'
import type { RungateCode } from '../errors.ts'
import { dataOf, idParams } from '../schemas.ts'
import { agentResponse, agentRowOf, agentView } from './agent-view.ts'
import { AGENT_BODY_MAX_BYTES } from './create-agent.ts'
import { requireOwnAgent } from './creating.ts'
import { patchInput, profileOf, putInput } from './inputs.ts'

const changing = {
  path: '/api/agents/{id}',
  tags: ['Agents'],
  example: { description: 'Writes the newsletter' },
  access: dashboard('write'),
  params: idParams,
  bodyMaxBytes: AGENT_BODY_MAX_BYTES,
  answers: { 200: json(dataOf(agentResponse), 'The agent as it is now.') },
  refuses: ['agent_not_found', 'policy_unusable', 'provider_key_unusable', 'name_taken', 'not_own'] as const,
}

export const updateAgent = write({
  ...changing,
  method: 'put',
  id: 'updateAgent',
  summary: 'Change an agent',
  description: 'Replaces each member that is sent, whole, and leaves the others.',
  body: putInput,
  async handle({ bus, bounds, principal, params: { id }, body, command }) {
    requireWithin(bounds, body)
    await requireOwnAgent({ bus }, id, principal)
    const handled = await changeAgent(bus, id, profileOf(body), principal, command)
    return { status: 200, body: { data: agentView(agentRowOf(handled.state)) }, handled }
  },
})

const noMember = () => {
  const detail = 'must be a member of the account'
  const errors = [{ pointer: '/member_id', code: 'unknown', detail }]
  return new Problem<RungateCode>('member_unknown', detail, { errors })
}

/** Throws a Problem where the caller gives agents to nobody (403), or this is no member of the account (400). */
async function requireHeir(
  { bus }: Pick<RungateParts, 'bus'>,
  memberId: string | null,
  { accountId, scopes }: Operator,
): Promise<void> {
  if (!scopes.includes('admin')) {
    throw new Problem('scope_missing', 'To give an agent to another member needs the scope admin.')
  }
  if (memberId !== null && !(await bus.current(roster, accountId)).members.has(memberId)) throw noMember()
}

export const patchAgent = write({
  ...changing,
  method: 'patch',
  id: 'patchAgent',
  summary: 'Change some of an agent',
  description: 'Replaces each member that is sent, and leaves the others.',
  body: patchInput,
  refuses: [...changing.refuses, 'member_unknown'],
  async handle({ bus, bounds, principal, params: { id }, body, command }) {
    requireWithin(bounds, body)
    await requireOwnAgent({ bus }, id, principal)
    const { member_id: memberId } = body
    if (memberId !== undefined) await requireHeir({ bus }, memberId, principal)
    const change = { ...profileOf(body), ...(memberId !== undefined && { memberId }) }
    const handled = await changeAgent(bus, id, change, principal, command)
    return { status: 200, body: { data: agentView(agentRowOf(handled.state)) }, handled }
  },
})
