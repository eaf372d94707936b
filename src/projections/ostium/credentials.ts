/** The API keys of agents, in the memory of each process. */
import { createKeyDirectory, type KeyDirectory } from '../../api-keys/key-directory.ts'
import { type AgentRow, agentProjection, agents } from './agent.ts'

export const createAgentDirectory = (): KeyDirectory<AgentRow> =>
  createKeyDirectory({
    context: 'ostium',
    streams: { 'ostium.agent': agents },
    projections: [agentProjection],
    keys: { table: agents, textId: 'api_key_id' },
    entryOf: (key) => key,
    hasEnded: () => false,
  })
