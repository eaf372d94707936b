/** What `opslog store` does to a data directory of events: serve it, check it, copy it, put it back. */
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { credentialOf } from '../embedded/eventstore/access.ts'
import { backupStore, restoreStore, storeStatistics } from '../embedded/eventstore/maintenance.ts'
import { startEventStore } from '../embedded/eventstore/start.ts'
import { acceptLoss } from '../embedded/eventstore/storage/loss.ts'
import { verifyStore } from '../embedded/eventstore/verification.ts'
import { table } from './table.ts'
import { CliError, colours, EXIT, facts, show } from './terminal.ts'

export interface DirectoryOptions {
  directory: string
  json?: boolean
}

/** What the store refuses is an ending that was foreseen: its message is for the user. */
async function refusing<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new CliError(EXIT.refused, error instanceof Error ? error.message : String(error))
  }
}

/** Until it is asked to end, or ends by itself. */
export async function serve({ directory, port }: { directory: string; port: number }): Promise<void> {
  const node = await refusing(() => {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return startEventStore({ directory, port, credential: credentialOf(directory) })
  })
  process.stdout.write(`${node.url}\n`)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), node.closed])
  await node.close()
}

export async function verify({ directory, json }: DirectoryOptions): Promise<void> {
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

export async function backup(target: string, { directory, json }: DirectoryOptions): Promise<void> {
  const report = await refusing(() => backupStore(directory, target))
  show(report, { json }, () => `${report.events} events, ${report.bytes} bytes, in ${report.directory}`)
}

export async function restore(source: string, { directory, json }: DirectoryOptions): Promise<void> {
  const report = await refusing(() => restoreStore(source, directory))
  show(report, { json }, () => `${report.events} events, ${report.bytes} bytes, restored to ${report.directory}`)
}

export async function loss({ directory, json }: DirectoryOptions): Promise<void> {
  const accepted = await refusing(() => acceptLoss(directory, (notice) => process.stderr.write(`${notice}\n`)))
  show(
    accepted,
    { json },
    () =>
      `The loss of the events from position ${accepted.from} to position ${accepted.to} is accepted, and recorded in the ` +
      `stream ${accepted.stream}. The node starts now, and builds its index again.`,
  )
}

export async function statistics({ directory, json }: DirectoryOptions): Promise<void> {
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
