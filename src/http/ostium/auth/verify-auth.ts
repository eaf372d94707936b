/** POST /v1/auth/verify-auth. */
import { json } from '../../answers.ts'
import { livingAgent, type OstiumParts, write } from '../access.ts'
import { keyHeaders, needsTrader, query } from '../trader.ts'
import { agentVerified } from '../views.ts'
import { verifyAgent } from './verifying.ts'

export const authVerify = write({
  ...{ path: '/v1/auth/verify-auth', id: 'authVerify', tags: ['Auth'] },
  summary: 'See whether the agent may act',
  description:
    'Reads the trader’s delegate and allowance from the chain. `verified`: the delegate is this agent’s account; from then on its key opens delegated mode. May be repeated: a delegation that has gone suspends the agent.',
  ...{ access: livingAgent, head: needsTrader, query, headers: keyHeaders },
  isIdempotent: true,
  answers: { 200: json(agentVerified, 'What the chain says.') },
  refuses: ['trader_missing', 'trader_malformed', 'agent_not_found', 'chain_unavailable', 'action_reverts'],
  async handle({ principal, command, ...parts }) {
    const { body, handled } = await verifyAgent(parts as unknown as OstiumParts, principal, command)
    return { status: 200, body, handled }
  },
})
