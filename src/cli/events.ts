/** `opslog events`: how the tail of the log is asked for; what reads it stands in events-reading.ts. */
import { Command, InvalidArgumentError } from 'commander'
import type { EventsOptions } from './events-reading.ts'
import { withOutput } from './table-output.ts'

const LIMIT = 50
const LIMIT_MAX = 100_000

function limit(value: string): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= 1 && number <= LIMIT_MAX) return number
  throw new InvalidArgumentError(`A whole number from 1 to ${LIMIT_MAX}.`)
}

export const eventsCommand = (): Command =>
  withOutput(new Command('events'))
    .option('--type <beginning>', 'events whose type begins so, such as noctant.Account')
    .option('--stream <name>', 'events of this stream')
    .option('--since <moment>', 'events after a time (RFC 3339) or a log position')
    .option('--until <moment>', 'events up to a time or a log position')
    .option('--limit <count>', 'the last so many', limit, LIMIT)
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
