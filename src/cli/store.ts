/** `opslog store`: the embedded event store node by itself, and the care of its data directory. */
import { once } from 'node:events'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { backupStore, restoreStore, storeStatistics } from '../embedded/eventstore/maintenance.ts'
import { startEventStore } from '../embedded/eventstore/start.ts'
import { acceptLoss } from '../embedded/eventstore/storage/loss.ts'
import { verifyStore } from '../embedded/eventstore/verification.ts'
import { adoptLogCommand } from './store-adopt.ts'
import type { ScavengeOptions } from './store-scavenge.ts'
import { CliError, colours, EXIT, facts, show, table } from './terminal.ts'

interface DirectoryOptions {
  directory: string
  json?: boolean
}

const DEFAULT_DIRECTORY = join(process.env.DATA_DIR || './data', 'eventstore')

export function storeCommand(): Command {
  const store = new Command('store').description('the embedded event store node and its data directory')
  store.addCommand(serveCommand())
  withDirectory(store.command('verify'))
    .description('check every event, every stream and the index; the node may run meanwhile')
    .action(verify)
  withDirectory(store.command('backup'))
    .description('copy the log and its index; the node may run meanwhile')
    .argument('<target>', 'directory to create')
    .action(backup)
  withDirectory(store.command('restore'))
    .description('put a backup into a directory that holds no log; the node must not run')
    .argument('<backup>', 'directory that a backup was written to')
    .action(restore)
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
    .action(loss)
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
  opslog store scavenge --url esdb://127.0.0.1:2113 --directory ./data/eventstore`,
    )
    // Loaded when it is asked for: it looks for the running instance, and the rest of this file does not.
    .action(async (options: ScavengeOptions) => (await import('./store-scavenge.ts')).scavenge(options))
  store.addCommand(adoptLogCommand())
  withDirectory(store.command('stats')).description('what the directory holds').action(statistics)
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
  return command.option('--directory <path>', 'where the log is kept', DEFAULT_DIRECTORY).option('--json', 'print JSON')
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
    .action(async ({ directory, port }: { directory: string; port: number }) => {
      const node = await refusing(() => startEventStore({ directory, port }))
      process.stdout.write(`${node.url}\n`)
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), node.closed])
      await node.close()
    })
}

/** What the store refuses is an ending that was foreseen: its message is for the user. */
async function refusing<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new CliError(EXIT.refused, error instanceof Error ? error.message : String(error))
  }
}

async function verify({ directory, json }: DirectoryOptions): Promise<void> {
  const report = await refusing(() => verifyStore(directory))
  show(report, { json }, () => {
    const found = [
      ...report.damaged.map(({ position, bytes }) => ['damaged', `position ${position}`, `${bytes} bytes`]),
      ...(report.lost ? [['lost', `from position ${report.lost.from}`, `to position ${report.lost.to}`]] : []),
      ...report.gaps.map(({ stream, revision, expected }) => [
        'gap',
        stream,
        `revision ${revision} instead of ${expected}`,
      ]),
      ...report.indexErrors.map(({ stream, revision }) => ['index', stream, `revision ${revision} is misplaced`]),
    ]
    const summary = facts([
      ['events', String(report.events)],
      ['streams', String(report.streams)],
      ['bytes', String(report.bytes)],
      ['unfinished bytes at the end', String(report.unfinishedBytes)],
      ['verdict', report.ok ? colours.green('whole') : colours.red('damaged')],
    ])
    return found.length === 0 ? summary : `${table(['what', 'where', 'detail'], found)}\n${summary}`
  })
  if (!report.ok) process.exitCode = EXIT.refused
}

async function backup(target: string, { directory, json }: DirectoryOptions): Promise<void> {
  const report = await refusing(() => backupStore(directory, target))
  show(report, { json }, () => `${report.events} events, ${report.bytes} bytes, in ${report.directory}`)
}

async function restore(source: string, { directory, json }: DirectoryOptions): Promise<void> {
  const report = await refusing(() => restoreStore(source, directory))
  show(report, { json }, () => `${report.events} events, ${report.bytes} bytes, restored to ${report.directory}`)
}

async function loss({ directory, json }: DirectoryOptions): Promise<void> {
  const accepted = await refusing(() => acceptLoss(directory, (notice) => process.stderr.write(`${notice}\n`)))
  show(
    accepted,
    { json },
    () =>
      `The loss of the events from position ${accepted.from} to position ${accepted.to} is accepted, and recorded in the ` +
      `stream ${accepted.stream}. The node starts now, and builds its index again.`,
  )
}

async function statistics({ directory, json }: DirectoryOptions): Promise<void> {
  const report = await refusing(() => storeStatistics(directory))
  show(report, { json }, () =>
    facts([
      ['events', String(report.events)],
      ['streams', String(report.streams)],
      ['log', `${report.bytes} bytes in ${report.segments} files`],
      ['index', `${report.indexBytes} bytes, up to position ${report.indexedTo} of ${report.endPosition}`],
      ['last event', report.lastEventAt ?? 'none'],
    ]),
  )
}
