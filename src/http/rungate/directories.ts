/** What rungate's HTTP keeps in memory of the log. */
import { createAgentDirectory, createTokenDirectory } from '../../projections/rungate/credentials.ts'

export const rungateDirectories = () => ({ tokens: createTokenDirectory(), agents: createAgentDirectory() })
export type RungateDirectories = ReturnType<typeof rungateDirectories>
