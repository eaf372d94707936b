/** What rungate's commands name by ids, or by beginnings of them. */
import { accounts } from '../../projections/rungate/account.ts'
import { agents } from '../../projections/rungate/agent.ts'
import { openCalls } from '../../projections/rungate/open-call.ts'
import { steps } from '../../projections/rungate/step.ts'
import type { Identified } from '../whole-id.ts'

export const identified = {
  account: { kind: 'account', places: [[accounts, 'account_id']], listing: 'opslog admin rungate account list' },
  agent: { kind: 'agent', places: [[agents, 'agent_id']], listing: 'The console’s page /console/rungate/agents' },
  call: {
    kind: 'call',
    places: [
      [openCalls, 'call_id'],
      [steps, 'step_id'],
    ],
    listing: 'The page of its run under /console/rungate/runs',
  },
} satisfies Record<string, Identified>
