/** What rungate's HTTP keeps in memory of the log. */
import { createAgentDirectory, createTokenDirectory } from '../../projections/rungate/credentials.ts'
import { createDeskFollower } from './desk-follower.ts'

export const rungateDirectories = () => ({
  ...{ tokens: createTokenDirectory(), agents: createAgentDirectory() },
  desks: createDeskFollower(),
})
export type RungateDirectories = ReturnType<typeof rungateDirectories>
