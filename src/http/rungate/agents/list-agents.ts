/** GET /api/agents: the account's agents, newest first. */
import { z } from '@hono/zod-openapi'
import { agentsOf } from '../../../projections/rungate/agent.ts'
import { listed } from '../../../projections/rungate/tables.ts'
import { json } from '../../answers.ts'
import { uuid } from '../../schemas.ts'
import { dashboard, read } from '../access.ts'
import { listOfData } from '../schemas.ts'
import { agentResponse, agentView } from './agent-view.ts'

export const listAgents = read({
  path: '/api/agents',
  id: 'listAgents',
  tags: ['Agents'],
  summary: 'The account’s agents',
  description: 'Answers with the agents, newest first, without their keys.',
  access: dashboard('read'),
  query: z.object({ status: z.enum(['active', 'disabled']).optional(), policy_id: uuid.optional() }),
  isList: true,
  answer: json(listOfData(agentResponse), 'The agents.'),
  async handle({ db, principal: { accountId }, query: { status, policy_id: policyId } }) {
    const { rows, total } = await listed(db, agentsOf, { accountId, status, policyId })
    return { data: rows.map(agentView), total }
  },
})
