/** `opslog killatamata forget`: the address of an account and its mails become unreadable; its money stays. */
import { Command } from 'commander'
import { account } from '../../commands/killatamata/account.ts'
import { Rejected } from '../../commands/killatamata/rejection.ts'
import type { EventStore } from '../../events/store.ts'
import { isPrefixedId, uuidOfPrefixed } from '../../runtime/ulid.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { CliError, EXIT, text } from '../terminal.ts'

/** One stream is read and written. */
const LIMITS = { cachedAggregatesMax: 10, seenCommandsMax: 100_000, conflictRetriesMax: 3 }
const REFERENCE_LENGTH_MAX = 200

interface Options {
  reference?: string
  yes?: boolean
  json?: boolean
}

export const forgetCommand = (tools: AdminTools): Command =>
  new Command('forget')
    .description('make what is personal of an account unreadable, for good')
    .argument('<account>', 'its id')
    .option(
      '--reference <text>',
      'of the request to forget, kept in the record; nothing personal',
      text('reference', REFERENCE_LENGTH_MAX),
    )
    .option('--yes', 'do it; it cannot be undone')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The address and the mails become unreadable, in the log, in every copy of it and in every read model. Keys and sessions of the
account stop working, and the address opens a new account from then on. The books stay. Safe to run again, and to be run again
where it was cut short.

Exit codes: 0 forgotten (or was before), 1 there is no such account, 2 wrong usage, 3 not reachable, or forgotten while an
older transaction keeps the key's bytes in Postgres's file: run it again.`,
    )
    .addHelpText('after', examples('acct_01KJPV4G8R0000000000000001 --reference DSR-2026-017 --yes'))
    .action((accountId: string, options: Options) => forget(tools, accountId, options))

async function forget(
  { withSession, written, forgetting }: AdminTools,
  accountId: string,
  options: Options,
): Promise<void> {
  const keyId = isPrefixedId('acct', accountId) ? uuidOfPrefixed(accountId) : undefined
  if (keyId === undefined) throw new CliError(EXIT.usage, `${accountId} is no account's id`)
  if (!options.yes) throw new CliError(EXIT.usage, 'say --yes where this is meant: it cannot be undone')
  const { forgetPerson, plainEvents, showForgotten, withPlainStore } = await forgetting()
  const { createCommandBus } = await import('../../commands/handle.ts')
  const work = async ({ db, context }: AdminSession, store: EventStore) => {
    const bus = createCommandBus(store, LIMITS)
    if ((await bus.current(account, accountId)).status === 'absent') {
      throw new Rejected('account_not_found', `There is no account ${accountId}.`)
    }
    const circumstances = context()
    const { at } = circumstances
    const command = { kind: 'forget', accountId, reference: options.reference ?? null, at } as const
    const done = await forgetPerson(db, keyId, () => bus.handle(account, accountId, command, circumstances))
    const plain = await plainEvents(store, [`${account.category}-${accountId}`])
    showForgotten(done, { id: accountId, plain, value: { account_id: accountId, ...written(done.handled) } }, options)
  }
  await withSession((session) => withPlainStore(session, (store) => work(session, store)))
}
