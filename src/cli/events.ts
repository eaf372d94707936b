/** `opslog events`: how the tail of the log is asked for; what reads it stands in events-reading.ts. */
import { Command } from 'commander'
import type { EventsOptions } from './events-reading.ts'
import { withOutput } from './table-output.ts'
import { withWindow } from './window-options.ts'

const LIMIT = 50

export const eventsCommand = (): Command =>
  withWindow(withOutput(new Command('events')), 'events', LIMIT)
    .option('--type <beginning>', 'events whose type begins so, such as noctant.Account')
    .option('--stream <name>', 'events of this stream')
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .addHelpText(
      'after',
      `
Examples:
  opslog events --limit 10
  opslog events --type noctant.Account --follow
  opslog events --since 2026-03-01T09:30:00Z --json`,
    )
    .action(async (options: EventsOptions) => (await import('./events-reading.ts')).events(options))
