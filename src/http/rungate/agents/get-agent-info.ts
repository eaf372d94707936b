/** GET /v1/me: the agent whose key asks, and the figures of its policy. A disabled one is answered too. */
import { z } from '@hono/zod-openapi'
import { agentNotFound } from '../../../commands/rungate/agent.ts'
import { findAgent } from '../../../projections/rungate/agent.ts'
import { findPolicy } from '../../../projections/rungate/policy.ts'
import { json } from '../../answers.ts'
import { uuidOut } from '../../schemas.ts'
import { agentKey, agents } from '../access.ts'
import { dataOf, decimalNumber, nullableUsdOut } from '../schemas.ts'

const answer = z.object({
  id: uuidOut,
  name: z.string(),
  description: z.string().nullable(),
  status: z.enum(['active', 'disabled']),
  policy_name: z.string(),
  hourly_cost_limit_usd: nullableUsdOut,
  budget_hard_limit_usd: nullableUsdOut,
  max_steps_per_run: z.int(),
  allowed_models: z.array(z.string()).nullable(),
  model_override: z.string().nullable(),
})

export const getAgentInfo = agents.read({
  path: '/v1/me',
  id: 'getAgentInfo',
  tags: ['Agent'],
  summary: 'You, as an agent',
  description: 'Answers with the agent of the key, and with what its own policy allows.',
  access: agentKey,
  answer: json(dataOf(answer), 'The agent.'),
  refuses: ['agent_not_found'],
  async handle({ db, principal: { accountId, agentId } }) {
    const agent = await findAgent(db, accountId, agentId)
    const policy = agent && (await findPolicy(db, accountId, agent.member_id, agent.policy_id))
    if (!agent || !policy) throw agentNotFound()
    const { budget, allowedModels, modelOverride, runawayPrevention } = policy.settings
    const data = {
      ...{ id: agentId, name: agent.name, description: agent.profile.description, status: agent.status },
      policy_name: policy.name,
      hourly_cost_limit_usd: decimalNumber(budget.maxCostPerHourUsd),
      budget_hard_limit_usd: decimalNumber(budget.hardLimitUsd),
      max_steps_per_run: runawayPrevention.maxStepsPerRun,
      allowed_models: allowedModels.length === 0 ? null : allowedModels,
      model_override: modelOverride,
    }
    return { data }
  },
})
