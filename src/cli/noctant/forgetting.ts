/** What `opslog admin forget-user` does beside what is the same for every person (person-forgetting.ts). */
import { createInterface } from 'node:readline/promises'
import { z } from 'zod'
import { createCommandBus } from '../../commands/handle.ts'
import { kycIdOf } from '../../commands/noctant/kyc.ts'
import { Rejected } from '../../commands/noctant/rejection.ts'
import { globalUserIdOf, type UserState, user } from '../../commands/noctant/user.ts'
import type { EventStore } from '../../events/store.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import { CliError, colours, EXIT, facts } from '../terminal.ts'
import { operatorIdOf } from './operator-id.ts'

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

export async function forgetUser(
  { withSession, written, forgetting }: AdminTools,
  globalUserId: string | undefined,
  options: ForgetOptions,
): Promise<void> {
  const { withPlainStore, forgetPerson, plainEvents, showForgotten } = await forgetting()
  await withSession((session) =>
    withPlainStore(session, async (store) => {
      const { id, operatorId, externalId, forget } = await found(session, store, globalUserId, options)
      const forgotten = await forgetPerson(session.db, id, forget)
      const plain = await plainEvents(store, [`noctant.user-${id}`, `noctant.kyc-${kycIdOf(operatorId, id)}`])
      if (options.quiet) return
      const value = { global_user_id: id, operator_id: operatorId, ...written(forgotten.handled) }
      showForgotten(forgotten, { id: externalId, plain, value }, options)
    }),
  )
}

/** The user, once whoever asks has confirmed it, and the command that puts it on record. */
async function found(
  { context, db }: AdminSession,
  store: EventStore,
  globalUserId: string | undefined,
  options: ForgetOptions,
) {
  const bus = createCommandBus(store, { cachedAggregatesMax: 10, seenCommandsMax: 100_000, conflictRetriesMax: 3 })
  const id = await idOf({ store, db }, globalUserId, options)
  const known = await bus.current(user, id)
  if (known.status === 'absent') throw new Rejected('user_not_found', 'There is no such user.')
  if (!options.yes && known.status !== 'forgotten') await confirm(known)
  const circumstances = context()
  const command = { kind: 'forget', reference: options.reference ?? null, at: circumstances.at } as const
  const forget = () => bus.handle(user, id, command, circumstances)
  return { id, operatorId: known.operatorId, externalId: known.externalId, forget }
}

/** Throws CliError (usage) where the user is not named in exactly one way. */
async function idOf(
  session: Pick<AdminSession, 'store' | 'db'>,
  globalUserId: string | undefined,
  { operator, externalId }: ForgetOptions,
) {
  if (globalUserId !== undefined && operator === undefined && externalId === undefined) {
    if (z.uuid().safeParse(globalUserId).success) return globalUserId.toLowerCase()
    throw new CliError(EXIT.usage, `${globalUserId} is not a global user id`, 'Or use --operator and --external-id.')
  }
  if (globalUserId === undefined && operator !== undefined && externalId !== undefined) {
    return globalUserIdOf(await operatorIdOf(session, operator), externalId)
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
