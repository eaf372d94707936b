/** `opslog admin rungate`: accounts. */
import type { Command } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import { accountCommand } from './accounts.ts'

export const rungateCommands = (tools: AdminTools): Command[] => [accountCommand(tools)]
