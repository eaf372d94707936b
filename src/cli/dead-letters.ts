/** `opslog dead-letters`: how it is called; what it does stands in dead-letters-settling.ts. */
import { Command } from 'commander'
import type { ListOptions, SettleOptions } from './dead-letters-settling.ts'
import { examples } from './examples.ts'
import { LISTED_MAX, type OutputOptions, withOutput } from './table-output.ts'
import { text } from './terminal.ts'
import { withWindow } from './window-options.ts'

const settling = () => import('./dead-letters-settling.ts')

export function deadLettersCommand(): Command {
  const command = new Command('dead-letters')
  withWindow(withOutput(command.command('list')), 'what was given up')
    .description(`what was given up and not dealt with, newest first, at most ${LISTED_MAX} of each kind`)
    .option('--all', 'discarded commands too')
    .option('-f, --follow', 'go on with what is given up later, until Ctrl-C')
    .addHelpText('after', examples('', '--since 2026-03-01T09:30:00Z --limit 20'))
    .action(async (options: ListOptions) => (await settling()).list(options))
  const one = (name: string, description: string) =>
    command
      .command(name)
      .argument('<id>', 'id of the command, or of the event that a webhook was to publish')
      .description(description)
      .option('--json', 'print JSON')
  const reason = text('reason', 1_000)
  one('show', 'everything that is known about one')
    .addHelpText('after', examples('0b0f5c1e'))
    .action(async (id: string, options: OutputOptions) => (await settling()).display(id, options))
  one('retry', 'have it sent again')
    .option('--reason <reason>', 'kept in the record', reason)
    .addHelpText('after', examples('0b0f5c1e', '0b0f5c1e --reason "the endpoint is back"'))
    .action(async (id: string, options: SettleOptions) => (await settling()).retry(id, options))
  one('discard', 'leave it given up, and take it off the list')
    .option('--reason <reason>', 'kept in the record', reason)
    .addHelpText('after', examples('0b0f5c1e --reason "the order was placed by hand"'))
    .action(async (id: string, options: SettleOptions) => (await settling()).discard(id, options))
  return command
}
