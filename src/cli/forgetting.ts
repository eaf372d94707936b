/**
 * What `opslog admin forget-user` does: it destroys a person's key, then puts it on record. In this order, because readers of the
 * event asks for the key no more, and must find it gone; and because an event before a destruction that never came would
 * say what is not true. What a kill in between leaves undone is done by running the same command again.
 */
import { createInterface } from 'node:readline/promises'
import { z } from 'zod'
import { createCommandBus, type Handled } from '../commands/handle.ts'
import { kycIdOf } from '../commands/noctant/kyc.ts'
import { Rejected } from '../commands/noctant/rejection.ts'
import { globalUserIdOf, type UserState, user } from '../commands/noctant/user.ts'
import type { UserEvent } from '../events/noctant/user.ts'
import { isSealed } from '../events/sealing.ts'
import type { EventStore } from '../events/store.ts'
import { createDatabase } from '../postgres/database.ts'
import { type OlderTransaction, type Sweep, sweepVault } from '../vault/sweep.ts'
import { destroyKey } from '../vault/vault.ts'
import { type AdminSession, operatorIdOf, withAdminSession, written } from './admin-session.ts'
import { backingUrls, configuration } from './connection.ts'
import { registry } from './contexts.ts'
import { openLogStore } from './log-session.ts'
import { CliError, colours, EXIT, facts, show } from './terminal.ts'

export interface ForgetOptions {
  operator?: string
  externalId?: string
  reference?: string
  yes?: boolean
  json?: boolean
}

type KnownUser = Exclude<UserState, { status: 'absent' }>

export async function forgetUser(globalUserId: string | undefined, options: ForgetOptions): Promise<void> {
  await withAdminSession((session) => withPlainStore(session, (store) => forget(session, store, globalUserId, options)))
}

/** A store that leaves sealed text sealed: to forget somebody takes the database, but not the key that seals it. */
async function withPlainStore<T>({ db }: AdminSession, work: (store: EventStore) => Promise<T>): Promise<T> {
  const config = configuration()
  const store = openLogStore(config, backingUrls(config).eventStoreUrl, db)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
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
  const hadKey = await destroyKey(db, id)
  const circumstances = context()
  const command = { kind: 'forget', reference: options.reference ?? null, at: circumstances.at } as const
  const handled = await bus.handle(user, id, command, circumstances)
  const sweep = await sweepKeys()
  const plain = await plainEvents(store, known)
  const value = { global_user_id: id, operator_id: known.operatorId, key_destroyed: hadKey, ...sweep }
  show({ ...value, plain_text_events: plain, ...written(handled) }, options, () => tell(known, handled, sweep, plain))
  if (!sweep.swept) process.exitCode = EXIT.unreachable
}

/** On a connection of its own, whose statements may take as long as a large vault needs. */
async function sweepKeys(): Promise<Sweep> {
  const config = configuration()
  const db = createDatabase({
    url: backingUrls(config).databaseUrl,
    applicationName: 'opslog sweep',
    poolMax: 1,
    connectTimeoutMs: config.DATABASE_CONNECT_TIMEOUT_MS,
    statementTimeoutMs: config.VAULT_SWEEP_MAX_MS,
  })
  try {
    return await sweepVault(db, config.VAULT_SWEEP_MAX_MS)
  } finally {
    await db.destroy()
  }
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

/** Events that hold personal text which was never sealed: recorded before there were keys. */
async function plainEvents(store: EventStore, { globalUserId, operatorId }: KnownUser): Promise<number> {
  let plain = 0
  for (const stream of [`noctant.user-${globalUserId}`, `noctant.kyc-${kycIdOf(operatorId, globalUserId)}`]) {
    for await (const { type, data } of store.readStream(stream)) {
      const values = (registry.personalFieldsOf(type) ?? []).map(({ name }) => data[name])
      if (values.some((value) => typeof value === 'string' && !isSealed(value))) plain += 1
    }
  }
  return plain
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

function unswept(heldBy: readonly OlderTransaction[]): string {
  const names = heldBy.map(
    ({ pid, application, database, since }) =>
      `${application || 'somebody'} (pid ${pid}, ${database === null ? 'replication' : `database ${database}`}, since ${since})`,
  )
  return (
    'The destroyed key is out of use, but its bytes are still in Postgres’s file, because an older transaction is open: ' +
    `${names.join(', ') || 'one that this role cannot see'}. When it has ended, run the same command again.`
  )
}

function unsealed(plain: number): string {
  return (
    `${plain} of the user's events were recorded before personal data was sealed. Nothing shows their text any more, but ` +
    'the bytes of the log and of its copies hold it: docs/personal-data.md says what to do.'
  )
}
