/** What rungate's HTTP keeps in memory of the log. */
import { createSessionDirectory, createTokenDirectory } from '../../projections/rungate/credentials.ts'
import { createGovernanceDirectory } from '../../projections/rungate/governance.ts'
import { createDeskFollower } from './desk-follower.ts'
import { createCircuits } from './proxy/circuits.ts'

export const rungateDirectories = () => ({
  ...{ tokens: createTokenDirectory(), agents: createGovernanceDirectory(), sessions: createSessionDirectory() },
  ...{ desks: createDeskFollower(), circuits: createCircuits() },
})
export type RungateDirectories = ReturnType<typeof rungateDirectories>
