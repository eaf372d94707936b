/** `opslog admin rungate forget-member`: address, name and mails of a person become unreadable; what it did stays. */
import { Command } from 'commander'
import { address } from '../../commands/rungate/address.ts'
import { finishRemoval } from '../../commands/rungate/leaving.ts'
import { SYSTEM } from '../../commands/rungate/registering.ts'
import { Rejected } from '../../commands/rungate/rejection.ts'
import { ownerIn, roster } from '../../commands/rungate/roster.ts'
import type { EventStore } from '../../events/store.ts'
import { isUuid } from '../../events/uuid.ts'
import { belongingsIn } from '../../processes/rungate/completion.ts'
import { findAddressIdOf } from '../../projections/rungate/address.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { CliError, EXIT, text } from '../terminal.ts'

/** Few streams are read and written. */
const LIMITS = { cachedAggregatesMax: 100, seenCommandsMax: 100_000, conflictRetriesMax: 3 }

interface Options {
  reference?: string
  yes?: boolean
  json?: boolean
}

export const forgetMemberCommand = (tools: AdminTools): Command =>
  new Command('forget-member')
    .description('make what is personal of a member unreadable, for good')
    .argument('<member>', 'its id')
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
The address, the name, the mails and the browsers of the person become unreadable, in the log, in every copy of it and in every
read model. It is removed from its account first: agents and personal policies go to the owner, sessions end. An account whose
owner is forgotten has none, and can be claimed anew with an admin token. Safe to run again, and to be run again where it was cut
short.

Exit codes: 0 forgotten (or was before), 1 there is no such person, 2 wrong usage, 3 not reachable, or forgotten while an
older transaction keeps the key's bytes in Postgres's file: run it again.`,
    )
    .addHelpText('after', examples('0b4ee4a5-7b02-5c0f-8b5b-000000000004 --reference DSR-2026-019 --yes'))
    .action((memberId: string, options: Options) => forget(tools, memberId.toLowerCase(), options))

async function forget(
  { withSession, written, forgetting }: AdminTools,
  memberId: string,
  options: Options,
): Promise<void> {
  if (!isUuid(memberId)) throw new CliError(EXIT.usage, `${memberId} is no member's id`)
  if (!options.yes) throw new CliError(EXIT.usage, 'say --yes where this is meant: it cannot be undone')
  const { forgetPerson, plainEvents, showForgotten, withPlainStore } = await forgetting()
  const { createCommandBus } = await import('../../commands/handle.ts')
  const work = async ({ db, context }: AdminSession, store: EventStore) => {
    const bus = createCommandBus(store, LIMITS)
    const addressId = await findAddressIdOf(db, memberId)
    if (addressId === undefined) throw new Rejected('member_not_found', `There is no person ${memberId}.`)
    const circumstances = context()
    const { at } = circumstances
    const { accountId } = await bus.current(address, addressId)
    const state = accountId === null ? undefined : await bus.current(roster, accountId)
    if (accountId !== null && state?.members.has(memberId)) {
      const owner = ownerIn(state)?.memberId ?? null
      const heirId = owner === memberId ? null : owner
      const removal = { accountId, memberId, addressId, heirId, author: SYSTEM, occurredAt: at }
      await bus.handle(roster, accountId, { kind: 'remove', ...removal, at, isForgotten: true }, circumstances)
      await finishRemoval(bus, belongingsIn(db), removal, circumstances)
    }
    const reference = options.reference ?? null
    const command = { kind: 'forget', addressId, memberId, reference, at } as const
    const done = await forgetPerson(db, memberId, () => bus.handle(address, addressId, command, circumstances))
    const plain = await plainEvents(store, [`${address.category}-${addressId}`])
    const value = { member_id: memberId, ...written(done.handled) }
    showForgotten(done, { id: memberId, plain, value }, options)
  }
  await withSession((session) => withPlainStore(session, (store) => work(session, store)))
}
