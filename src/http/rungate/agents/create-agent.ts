/** POST /api/agents: an agent, with its key shown this once. A taken name is given a suffix. */
import { json, withHeaders } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { requireWithin } from '../bounds.ts'
import { noStore } from '../keys.ts'
import { dataOf, refuseElsewhere } from '../schemas.ts'
import { agentRowOf, agentView, newAgentResponse } from './agent-view.ts'
import { newAgent } from './creating.ts'
import { createInput, profileOf } from './inputs.ts'

/** Metadata and routes may be long. */
export const AGENT_BODY_MAX_BYTES = 131_072

export const createAgent = write({
  path: '/api/agents',
  id: 'createAgent',
  tags: ['Agents'],
  summary: 'Make an agent',
  description: 'Makes an agent under a policy. Its key is shown in this answer alone; a taken name gets a suffix.',
  access: dashboard('write'),
  body: createInput,
  bodyMaxBytes: AGENT_BODY_MAX_BYTES,
  answers: {
    201: withHeaders(json(dataOf(newAgentResponse), 'The agent, with its key shown this once.'), 'cache-control'),
  },
  refuses: ['policy_unusable', 'provider_key_unusable', 'name_taken', 'agent_not_found', 'account_elsewhere'],
  async handle({ principal, body, command, ...parts }) {
    refuseElsewhere(body, principal)
    requireWithin(parts.bounds, body)
    const wanted = { ...profileOf(body), name: body.name, policyId: body.policy_id }
    const { secret, handled, note } = await newAgent(parts, wanted, principal, command, { mayRename: true })
    const data = {
      ...agentView(agentRowOf(handled.state)),
      api_key: secret,
      ...(note !== undefined && { _note: note }),
    }
    return { status: 201, headers: noStore, body: { data }, handled }
  },
})
