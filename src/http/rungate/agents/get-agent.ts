/** GET /api/agents/{id}. */
import { agentNotFound } from '../../../commands/rungate/agent.ts'
import { findAgent } from '../../../projections/rungate/agent.ts'
import { json } from '../../answers.ts'
import { dashboard, read } from '../access.ts'
import { dataOf, idParams } from '../schemas.ts'
import { agentResponse, agentView } from './agent-view.ts'

export const getAgent = read({
  path: '/api/agents/{id}',
  id: 'getAgent',
  tags: ['Agents'],
  summary: 'An agent',
  description: 'Answers with one agent, without its key.',
  access: dashboard('read'),
  params: idParams,
  answer: json(dataOf(agentResponse), 'The agent.'),
  refuses: ['agent_not_found'],
  async handle({ db, principal: { accountId }, params: { id } }) {
    const found = await findAgent(db, accountId, id)
    if (!found) throw agentNotFound()
    return { data: agentView(found) }
  },
})
