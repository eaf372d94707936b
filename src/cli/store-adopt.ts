/** `opslog store adopt-log`: how it is called; what it does stands in log-adoption.ts. */
import { Command } from 'commander'
import type { AdoptOptions } from './log-adoption.ts'

export function adoptLogCommand(): Command {
  return new Command('adopt-log')
    .description('go on with the log that the event store has now, where the former one is lost for good')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
An instance refuses an event store whose log is not the one that its database belongs to: another log, an empty one, or
an older copy. Put the right store back. Only where that cannot be done, adopt the log that there is: the read models
are made again from it, each process goes on from the last event that both logs are known to have, and an event in the
log records it. What the former log had beyond that is gone. The vault with the keys of persons stays. Stop all
instances first.

Examples:
  opslog store adopt-log --dry-run
  EVENTSTORE_URL='esdb://10.0.0.5:2113?tls=false' opslog store adopt-log`,
    )
    .action(async (options: AdoptOptions) => (await import('./log-adoption.ts')).adopt(options))
}
