/** `opslog trigger`: how it is asked for; what it does stands in triggering.ts. */
import { Command, InvalidArgumentError } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import { withOutput } from '../table-output.ts'
import type { TriggerOptions } from './triggering.ts'

function override(value: string, sofar: Record<string, string>): Record<string, string> {
  const [, path, content] = /^([\w.]+)=(.*)$/s.exec(value) ?? []
  if (path === undefined || content === undefined) throw new InvalidArgumentError('It looks like currency=EUR.')
  return { ...sofar, [path]: content }
}

export const triggerCommand = (tools: AdminTools): Command =>
  withOutput(new Command('trigger'))
    .argument('[event]', 'type of webhook, such as account.opened')
    .option(
      '--operator <operator>',
      'slug, id, or its beginning, of the operator that it happens to (default: the sandbox operator)',
    )
    .option(
      '--override <member>',
      'member of the requests to be another, such as currency=EUR; repeatable',
      override,
      {},
    )
    .option('--list', 'which events it can make, and how')
    .addHelpText(
      'after',
      `
The event really happens: requests are made as an operator and as a trader make them, with made-up names. Refused for
operators that are not of a sandbox or of development.

Examples:
  opslog trigger --list
  opslog trigger account.opened
  opslog trigger trade.closed
  opslog trigger account.opened --override account_name="Second account"`,
    )
    .action(async (event: string | undefined, options: TriggerOptions) =>
      (await import('./triggering.ts')).trigger(tools, event, options),
    )
