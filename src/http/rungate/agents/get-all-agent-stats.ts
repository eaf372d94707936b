/** GET /api/agents/stats/all: what each agent has spent. */
import { z } from '@hono/zod-openapi'
import { agentIdsOf } from '../../../projections/rungate/agent.ts'
import { agentFigures } from '../../../projections/rungate/run.ts'
import { json } from '../../answers.ts'
import { dashboard, read } from '../access.ts'
import { accountShown } from '../runs/up-to-date.ts'
import { dataOf, decimalNumber, usdOut } from '../schemas.ts'

const stats = z.record(z.string(), z.object({ total_spend: usdOut, total_runs: z.int() })).openapi('AllAgentStats')

export const getAllAgentStats = read({
  path: '/api/agents/stats/all',
  id: 'getAllAgentStats',
  tags: ['Agents'],
  summary: 'What each agent has spent',
  description: 'Answers with the spend, in US dollars, and the runs of every agent, by its id.',
  access: dashboard('read'),
  isList: true,
  answer: json(dataOf(stats), 'The figures, by agent.'),
  async handle({ db, principal: { accountId }, ...parts }) {
    await accountShown(parts, accountId)
    const [ids, figures] = await Promise.all([agentIdsOf(db, accountId), agentFigures(db, accountId)])
    const known = new Map(figures.map((row) => [row.agent_id, row]))
    const of = (id: string) => {
      const { total_spend = '0', total_runs = 0 } = known.get(id) ?? {}
      return { total_spend: decimalNumber(total_spend), total_runs }
    }
    return { data: Object.fromEntries(ids.map((id) => [id, of(id)])) }
  },
})
