/** `opslog ostium`, which is `opslog admin ostium` as well: the chain, its sponsor, and what agents have done. */
import type { Command } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import { actionsCommand } from './actions.ts'
import { agentsCommand } from './agents.ts'
import { chainCommand } from './chain.ts'
import { deployFactoryCommand } from './deploy-factory.ts'
import { fundCommand } from './fund.ts'
import { sponsorCommand } from './sponsor.ts'

export const ostiumCommands = (tools: AdminTools): Command[] => [
  ...[chainCommand(tools), fundCommand(tools), sponsorCommand(tools), deployFactoryCommand(tools)],
  ...[agentsCommand(tools), actionsCommand(tools)],
]
