/** Whether the agent that asks is enabled: a disabled one may look at its runs, and change none of them. */
import { findAgent } from '../../../projections/rungate/agent.ts'
import { Problem } from '../../errors.ts'
import type { AgentPrincipal, RungateParts } from '../access.ts'
import type { RungateCode } from '../errors.ts'

type Parts = Pick<RungateParts, 'db'>

export async function isDisabled({ db }: Parts, { accountId, agentId }: AgentPrincipal): Promise<boolean> {
  return (await findAgent(db, accountId, agentId))?.status !== 'active'
}

/** Throws a Problem (403) where it is disabled. */
export async function requireEnabled(parts: Parts, principal: AgentPrincipal): Promise<void> {
  if (await isDisabled(parts, principal)) throw new Problem<RungateCode>('agent_disabled', 'The agent is disabled.')
}
