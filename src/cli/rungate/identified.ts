/** What rungate's commands name by ids, or by beginnings of them. */
import type { Identified } from '../whole-id.ts'

export const identified = {
  account: {
    kind: 'account',
    places: async () => [[(await import('../../projections/rungate/account.ts')).accounts, 'account_id']],
    listing: 'opslog admin rungate account list',
  },
  agent: {
    kind: 'agent',
    places: async () => [[(await import('../../projections/rungate/agent.ts')).agents, 'agent_id']],
    listing: 'The console’s page /console/rungate/agents',
  },
  call: {
    kind: 'call',
    places: async () => [
      [(await import('../../projections/rungate/open-call.ts')).openCalls, 'call_id'],
      [(await import('../../projections/rungate/step.ts')).steps, 'step_id'],
    ],
    listing: 'The page of its run under /console/rungate/runs',
  },
} satisfies Record<string, Identified>
