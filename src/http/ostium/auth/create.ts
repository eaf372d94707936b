/** POST /v1/auth/create, and /v1/agent, its older name. */
import { publicAccess } from '../../access.ts'
import { json, withHeaders } from '../../answers.ts'
import { type OstiumParts, write } from '../access.ts'
import { headers, needsTrader, query, traderOf } from '../trader.ts'
import { agentCreated } from '../views.ts'
import { createAgent as makeAgent } from './creating.ts'

const DESCRIPTION = [
  'Makes an agent for the trader: a key of its own, and an account on the chain that can act for the trader and move nothing. The API key is in this answer alone.',
  'The trader signs and sends `delegateApprovalTx`, and `usdcApprovalTx` where there is one; then the agent is verified. A trader has one agent at a time.',
].join('\n\n')

const created = (path: string, id: string, tag: string, summary: string) =>
  write({
    ...{ path, id, summary, tags: [tag], description: DESCRIPTION },
    ...{ access: publicAccess, head: needsTrader, query, headers },
    answers: { 200: withHeaders(json(agentCreated, 'The agent, with its key.'), 'cache-control') },
    refuses: [
      ...(['trader_missing', 'trader_malformed', 'agent_exists', 'agents_exhausted'] as const),
      ...(['chain_unavailable', 'contract_differs', 'delegation_unavailable', 'action_reverts'] as const),
    ],
    async handle({ headers, query, command, ...parts }) {
      const { body, handled } = await makeAgent(parts as unknown as OstiumParts, traderOf({ headers, query }), command)
      return { status: 200, headers: { 'cache-control': 'no-store' }, body, handled }
    },
  })

export const authCreate = created('/v1/auth/create', 'authCreate', 'Auth', 'Make an agent and its key')
export const createAgent = created('/v1/agent', 'createAgent', 'Agent', 'Make an agent and its key (older name)')
