/** `opslog killatamata`, which is `opslog admin killatamata` as well. */
import type { Command } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import { adminCommand } from './admins.ts'
import { balanceCommand } from './balance.ts'
import { forgetCommand } from './forget.ts'
import { settlementsCommand } from './settlements.ts'

export const killatamataCommands = (tools: AdminTools): Command[] => [
  ...[adminCommand(tools), balanceCommand(tools), settlementsCommand(tools), forgetCommand(tools)],
]
