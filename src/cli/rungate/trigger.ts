/** `opslog rungate trigger`: how it is asked for; what it does stands in triggering.ts. */
import { Command } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import { withOutput } from '../table-output.ts'
import type { TriggerOptions } from './triggering.ts'

export const triggerCommand = (tools: AdminTools): Command =>
  withOutput(new Command('trigger'))
    .description('makes an event of rungate happen, by the requests that lead to it')
    .argument('[event]', 'type of webhook, such as run.completed')
    .option('--token <token>', 'admin token of the account that it happens to (default: an account that is registered)')
    .option('--list', 'which events it can make, and how')
    .addHelpText(
      'after',
      `
The event really happens: policies, agents and keys of its own are made in the account, and calls go to a provider that
this command simulates for as long as it runs. They are left where they are.

Examples:
  opslog rungate trigger --list
  opslog rungate trigger run.completed
  opslog rungate trigger step.policy_blocked --token rg_adm_…`,
    )
    .action(async (event: string | undefined, options: TriggerOptions) =>
      (await import('./triggering.ts')).trigger(tools, event, options),
    )
