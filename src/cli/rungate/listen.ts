/** `opslog rungate listen`: how it is asked for; what it does stands in listening.ts. */
import { Command, InvalidArgumentError } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { withForwarding } from '../forwarding-options.ts'
import type { ListenOptions } from './listening.ts'

/** As for secrets of webhooks. */
function secret(value: string): string {
  if (/^[\x21-\x7e]{16,256}$/.test(value)) return value
  throw new InvalidArgumentError('A secret has 16 to 256 characters.')
}

export const listenCommand = (tools: AdminTools): Command =>
  withForwarding(new Command('listen'), 'signed as rungate signs its webhooks', secret)
    .description('an account’s webhooks on this machine, as they happen')
    .requiredOption('--account <account>', 'slug, id, or the beginning of it, whose events to print')
    .option('--agent <id>', 'what this agent does, and what is done to it, alone')
    .addHelpText(
      'after',
      `
Prints the signing secret first; what happens after that line arrives. What is personal to a member is left out. The
account’s own webhooks are not touched. Ctrl-C ends it.`,
    )
    .addHelpText(
      'after',
      examples(
        '--account acme',
        '--account acme --forward-to http://localhost:3000/hook',
        '--account acme --events run.completed,run.budget_exceeded --print-json',
      ),
    )
    .action(async (options: ListenOptions) => (await import('./listening.ts')).listen(tools, options))
