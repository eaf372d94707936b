/** PUT /api/agents/by-name/{name}: makes the agent of this name, or changes it. No name gets a suffix here. */
import { changeAgent } from '../../../commands/rungate/changing.ts'
import { ownerOf } from '../../../commands/rungate/naming.ts'
import { json, withHeaders } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { dashboard, write } from '../access.ts'
import { requireWithin } from '../bounds.ts'
import type { RungateCode } from '../errors.ts'
import { noStore } from '../keys.ts'
import { dataOf, nameParams, refuseElsewhere } from '../schemas.ts'
import { agentResponse, agentRowOf, agentView, newAgentResponse } from './agent-view.ts'
import { AGENT_BODY_MAX_BYTES } from './create-agent.ts'
import { newAgent, requireOwnAgent } from './creating.ts'
import { profileOf, upsertInput } from './inputs.ts'

const policyMissing = () => {
  const detail = 'is needed for a new agent'
  const errors = [{ pointer: '/policy_id', code: 'missing', detail }]
  return new Problem<RungateCode>('member_missing', `policy_id: ${detail}`, { errors })
}

export const upsertAgentByName = write({
  method: 'put',
  path: '/api/agents/by-name/{name}',
  id: 'upsertAgentByName',
  tags: ['Agents'],
  summary: 'Make or change the agent of a name',
  description:
    'Makes the agent where there is none of this name, with its key shown this once, else changes what is sent.',
  example: { policy_id: '0b4ee4a5-7b02-5c0f-8b5b-000000000003' },
  access: dashboard('write'),
  params: nameParams,
  body: upsertInput,
  bodyMaxBytes: AGENT_BODY_MAX_BYTES,
  answers: {
    200: json(dataOf(agentResponse), 'The agent as it is now.'),
    201: withHeaders(json(dataOf(newAgentResponse), 'The new agent, with its key shown this once.'), 'cache-control'),
  },
  refuses: [
    ...(['policy_unusable', 'provider_key_unusable', 'name_taken', 'agent_not_found'] as const),
    ...(['member_missing', 'account_elsewhere', 'not_own'] as const),
  ],
  async handle({ principal, params: { name }, body, command, ...parts }) {
    refuseElsewhere(body, principal)
    requireWithin(parts.bounds, body)
    const profile = profileOf(body)
    const agentId = await ownerOf(parts.bus, principal.accountId, 'agent', name)
    if (agentId !== undefined) {
      await requireOwnAgent(parts, agentId, principal)
      const handled = await changeAgent(parts.bus, agentId, profile, principal, command)
      return { status: 200, body: { data: agentView(agentRowOf(handled.state)) }, handled }
    }
    if (body.policy_id === undefined) throw policyMissing()
    const wanted = { ...profile, name, policyId: body.policy_id }
    const { secret, handled } = await newAgent(parts, wanted, principal, command, { mayRename: false })
    const data = { ...agentView(agentRowOf(handled.state)), api_key: secret }
    return { status: 201, headers: noStore, body: { data }, handled }
  },
})
