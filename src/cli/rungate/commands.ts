/**
 * `opslog rungate`, which is `opslog admin rungate` as well: accounts, people who are to be forgotten, webhooks,
 * and what calls of models are served with.
 */
import type { Command } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import { accountCommand } from './accounts.ts'
import { callsCommand } from './calls.ts'
import { forgetMemberCommand } from './forget-member.ts'
import { listenCommand } from './listen.ts'
import { pricesCommand } from './prices.ts'
import { simulatorCommand } from './simulator.ts'
import { triggerCommand } from './trigger.ts'
import { webhookCommand } from './webhooks.ts'

export const rungateCommands = (tools: AdminTools): Command[] => [
  ...[accountCommand(tools), forgetMemberCommand(tools), webhookCommand(tools), listenCommand(tools)],
  ...[callsCommand(tools), pricesCommand(tools), simulatorCommand(), triggerCommand(tools)],
]
