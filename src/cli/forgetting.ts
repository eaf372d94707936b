/** What `opslog admin forget-user` does beside what is the same for every person (person-forgetting.ts). */
import { createInterface } from 'node:readline/promises'
import { z } from 'zod'
import { createCommandBus, type Handled } from '../commands/handle.ts'
import { kycIdOf } from '../commands/noctant/kyc.ts'
import { Rejected } from '../commands/noctant/rejection.ts'
import { globalUserIdOf, type UserState, user } from '../commands/noctant/user.ts'
import type { UserEvent } from '../events/noctant/user.ts'
import type { EventStore } from '../events/store.ts'
import type { Sweep } from '../vault/sweep.ts'
import { type AdminSession, operatorIdOf, withAdminSession, written } from './admin-session.ts'
import { forgetPerson, plainEvents, unsealed, unswept, withPlainStore } from './person-forgetting.ts'
import { CliError, colours, EXIT, facts, show } from './terminal.ts'

export interface ForgetOptions {
  operator?: string
  externalId?: string
  reference?: string
  yes?: boolean
  json?: boolean
  /** Prints nothing: for those who forget on the way to something else. */
  quiet?: boolean
}

type KnownUser = Exclude<UserState, { status: 'absent' }>

export async function forgetUser(globalUserId: string | undefined, options: ForgetOptions): Promise<void> {
  await withAdminSession((session) => withPlainStore(session, (store) => forget(session, store, globalUserId, options)))
}

async function forget(
  { db, context }: AdminSession,
  store: EventStore,
  globalUserId: string | undefined,
  options: ForgetOptions,
): Promise<void> {
  const bus = createCommandBus(store, { cachedAggregatesMax: 10, seenCommandsMax: 100_000, conflictRetriesMax: 3 })
  const id = await idOf(store, globalUserId, options)
  const known = await bus.current(user, id)
  if (known.status === 'absent') throw new Rejected('user_not_found', 'There is no such user.')
  if (!options.yes && known.status !== 'forgotten') await confirm(known)
  const circumstances = context()
  const command = { kind: 'forget', reference: options.reference ?? null, at: circumstances.at } as const
  const { hadKey, handled, sweep } = await forgetPerson(db, id, () => bus.handle(user, id, command, circumstances))
  const streams = [`noctant.user-${id}`, `noctant.kyc-${kycIdOf(known.operatorId, id)}`]
  const plain = await plainEvents(store, streams)
  const value = { global_user_id: id, operator_id: known.operatorId, key_destroyed: hadKey, ...sweep }
  if (options.quiet) return
  show({ ...value, plain_text_events: plain, ...written(handled) }, options, () => tell(known, handled, sweep, plain))
  if (!sweep.swept) process.exitCode = EXIT.unreachable
}

/** Throws CliError (usage) where the user is not named in exactly one way. */
async function idOf(store: EventStore, globalUserId: string | undefined, { operator, externalId }: ForgetOptions) {
  if (globalUserId !== undefined && operator === undefined && externalId === undefined) {
    if (z.uuid().safeParse(globalUserId).success) return globalUserId.toLowerCase()
    throw new CliError(EXIT.usage, `${globalUserId} is not a global user id`, 'Or use --operator and --external-id.')
  }
  if (globalUserId === undefined && operator !== undefined && externalId !== undefined) {
    return globalUserIdOf(await operatorIdOf(store, operator), externalId)
  }
  throw new CliError(EXIT.usage, 'name the user by its global id, or by --operator together with --external-id')
}

/** Asks on the terminal; the answer is the user's external id, so that a hasty yes forgets nobody. */
async function confirm({ globalUserId, externalId, createdAt }: KnownUser): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new CliError(EXIT.usage, 'there is nobody to ask', 'Say --yes where this is meant: it cannot be undone.')
  }
  const lines = [
    colours.bold('This destroys the key of a person. It cannot be undone.'),
    facts([
      ['user', globalUserId],
      ['external id', externalId],
      ['known since', createdAt],
    ]),
    'Email, display name, KYC references, account names, return URLs and webhook bodies become unreadable everywhere.',
    'Accounts, trades, payouts and ids stay on record. No new account or launch is made for this user any more.',
  ]
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await asking.question(`${lines.join('\n')}\nType the external id to go on: `)
    if (answer.trim() !== externalId) throw new CliError(EXIT.refused, 'that is not the external id; nothing was done')
  } finally {
    asking.close()
  }
}

function tell(
  { externalId }: KnownUser,
  { events }: Handled<UserState, UserEvent>,
  sweep: Sweep,
  plain: number,
): string {
  const done =
    events.length > 0
      ? colours.green(`Forgot ${externalId}: what was personal cannot be read any more.`)
      : colours.yellow(`${externalId} was forgotten already; nothing was written.`)
  const lines = [done]
  if (!sweep.swept) lines.push(colours.yellow(unswept(sweep.held_by)))
  if (plain > 0) lines.push(colours.red(unsealed(plain)))
  return lines.join('\n')
}
