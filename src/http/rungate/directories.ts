/** What rungate's HTTP keeps in memory of the log. */
import { createTokenDirectory } from '../../projections/rungate/credentials.ts'
import { createGovernanceDirectory } from '../../projections/rungate/governance.ts'
import { createDeskFollower } from './desk-follower.ts'
import { createCircuits } from './proxy/circuits.ts'

export const rungateDirectories = () => ({
  ...{ tokens: createTokenDirectory(), agents: createGovernanceDirectory() },
  ...{ desks: createDeskFollower(), circuits: createCircuits() },
})
export type RungateDirectories = ReturnType<typeof rungateDirectories>
