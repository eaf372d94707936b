/** What ostium's HTTP keeps in memory of the log. */
import { createAgentDirectory } from '../../projections/ostium/credentials.ts'
import { createActionWaits } from './exchange/action-waits.ts'

export const ostiumDirectories = () => ({ agents: createAgentDirectory(), waits: createActionWaits() })
export type OstiumDirectories = ReturnType<typeof ostiumDirectories>
