/** `opslog admin firsthand forget-worker`: name, address and file names of a worker become unreadable; its books stay. */
import { Command } from 'commander'
import { Rejected } from '../../commands/firsthand/rejection.ts'
import { worker } from '../../commands/firsthand/worker.ts'
import type { EventStore } from '../../events/store.ts'
import { uuidOfPrefixed } from '../../runtime/ulid.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { CliError, EXIT, text } from '../terminal.ts'

/** One stream is read and written. */
const LIMITS = { cachedAggregatesMax: 10, seenCommandsMax: 100_000, conflictRetriesMax: 3 }

interface Options {
  reference?: string
  yes?: boolean
  json?: boolean
}

export const forgetWorkerCommand = (tools: AdminTools): Command =>
  new Command('forget-worker')
    .description('make what is personal of a worker unreadable, for good')
    .argument('<worker>', 'its id')
    .option(
      '--reference <text>',
      'of the request to forget, kept in the record; nothing personal',
      text('reference', 200),
    )
    .option('--yes', 'do it; it cannot be undone')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The name, the address and the names of the files become unreadable, in the log, in every copy of it and in every read model.
The worker's tokens stop working. Submissions, approved files and earnings stay. Safe to run again, and to be run again where
it was cut short.

Exit codes: 0 forgotten (or was before), 1 there is no such worker, 2 wrong usage, 3 not reachable, or forgotten while an
older transaction keeps the key's bytes in Postgres's file: run it again.`,
    )
    .addHelpText('after', examples('wkr_01KJPV4G8R0000000000000001 --reference DSR-2026-018 --yes'))
    .action((workerId: string, options: Options) => forget(tools, workerId, options))

async function forget(
  { withSession, written, forgetting }: AdminTools,
  workerId: string,
  options: Options,
): Promise<void> {
  const keyId = uuidOfPrefixed(workerId)
  if (keyId === undefined) throw new CliError(EXIT.usage, `${workerId} is no worker's id`)
  if (!options.yes) throw new CliError(EXIT.usage, 'say --yes where this is meant: it cannot be undone')
  const { forgetPerson, plainEvents, showForgotten, withPlainStore } = await forgetting()
  const { createCommandBus } = await import('../../commands/handle.ts')
  const work = async ({ db, context }: AdminSession, store: EventStore) => {
    const bus = createCommandBus(store, LIMITS)
    if ((await bus.current(worker, workerId)).status === 'absent') {
      throw new Rejected('worker_not_found', `There is no worker ${workerId}.`)
    }
    const circumstances = context()
    const command = { kind: 'forget', workerId, reference: options.reference ?? null, at: circumstances.at } as const
    const done = await forgetPerson(db, keyId, () => bus.handle(worker, workerId, command, circumstances))
    const plain = await plainEvents(store, [`${worker.category}-${workerId}`])
    const value = { worker_id: workerId, ...written(done.handled) }
    showForgotten(done, { id: workerId, plain, value }, options)
  }
  await withSession((session) => withPlainStore(session, (store) => work(session, store)))
}
