/** `opslog store`: the embedded event store node by itself, and the care of its data directory. */
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { examples } from './examples.ts'
import { adoptLogCommand } from './store-adopt.ts'
import type { DirectoryOptions } from './store-care.ts'
import type { ScavengeOptions } from './store-scavenge.ts'

const care = () => import('./store-care.ts')

export function storeCommand(): Command {
  const store = new Command('store')
  store.addCommand(serveCommand())
  withDirectory(store.command('verify'))
    .description('check every event, every stream and the index; the node may run meanwhile')
    .addHelpText('after', examples('', '--directory ./restored/eventstore'))
    .action(async (options: DirectoryOptions) => (await care()).verify(options))
  withDirectory(store.command('backup'))
    .description('copy the log and its index; the node may run meanwhile')
    .argument('<target>', 'directory to create')
    .addHelpText('after', examples('./backups/2026-01-31'))
    .action(async (target: string, options: DirectoryOptions) => (await care()).backup(target, options))
  withDirectory(store.command('restore'))
    .description('put a backup into a directory that holds no log; the node must not run')
    .argument('<backup>', 'directory that a backup was written to')
    .addHelpText('after', examples('./backups/2026-01-31 --directory ./restored/eventstore'))
    .action(async (source: string, options: DirectoryOptions) => (await care()).restore(source, options))
  withDirectory(store.command('accept-loss'))
    .description('let a log whose end is lost go on, and record the loss as an event; the node must not run')
    .addHelpText(
      'after',
      `
A node refuses to start where events that it has acknowledged are missing at the end of its log. Put the files back, or
restore a backup. Only where neither can be had, accept the loss: what is left is kept, the log goes on behind the lost
positions, and an event in it tells which they are. Read models that have seen lost events must be rebuilt.

Example:
  opslog store accept-loss --directory ./data/eventstore`,
    )
    .action(async (options: DirectoryOptions) => (await care()).loss(options))
  withDirectory(store.command('scavenge'))
    .description('give the space of deleted and truncated events back; the node may run meanwhile')
    .option('--url <url>', 'the node, where another than that of DATA_DIR runs on the directory')
    .addHelpText(
      'after',
      `
Removes what no reader of a stream can see: events before $tb, beyond $maxCount, older than $maxAge, and of deleted
streams. The last event of a stream stays. Positions and revisions of all others stay what they are.

Examples:
  opslog store scavenge
  opslog store scavenge --url esdb://127.0.0.1:2113 \\
    --directory ./data/eventstore`,
    )
    .action(async (options: ScavengeOptions) => (await import('./store-scavenge.ts')).scavenge(options))
  store.addCommand(adoptLogCommand())
  withDirectory(store.command('stats'))
    .description('what the directory holds')
    .addHelpText('after', examples('', '--json'))
    .action(async (options: DirectoryOptions) => (await care()).statistics(options))
  return store.addHelpText(
    'after',
    `
Examples:
  opslog store verify
  opslog store stats --json
  opslog store scavenge
  opslog store backup ./backups/2026-01-31
  opslog store restore ./backups/2026-01-31 --directory ./restored/eventstore
  opslog store serve --directory ./restored/eventstore --port 2113
  opslog store accept-loss --directory ./data/eventstore

Exit codes: 0 done, 1 refused, damaged or not found, 2 wrong usage, 3 the node cannot be reached.`,
  )
}

function withDirectory(command: Command): Command {
  const ofInstance = join(process.env.DATA_DIR || './data', 'eventstore')
  return command.option('--directory <path>', 'where the log is kept', ofInstance).option('--json', 'print JSON')
}

function portNumber(value: string): number {
  const port = Number(value)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new InvalidArgumentError('A port is a whole number from 0 to 65535.')
}

function serveCommand(): Command {
  return new Command('serve')
    .description('serve a data directory of events, until Ctrl-C')
    .requiredOption('--directory <path>', 'where the log is kept')
    .option('--port <number>', 'port on 127.0.0.1; 0 takes a free one', portNumber, 2113)
    .addHelpText('after', '\nExample:\n  opslog store serve --directory ./data/eventstore --port 2113\n')
    .action(async (options: { directory: string; port: number }) => (await care()).serve(options))
}
