/**
 * How a person of any context is forgotten: the key is destroyed, then that is put on record. In this order, because readers of
 * the event ask for the key no more, and must find it gone; and because an event before a destruction that never came would
 * say what is not true. What a kill in between leaves undone is done by running the same command again.
 */
import { isSealed } from '../events/sealing.ts'
import type { EventStore } from '../events/store.ts'
import { createDatabase, type ReadModels } from '../postgres/database.ts'
import { type OlderTransaction, type Sweep, sweepVault } from '../vault/sweep.ts'
import { destroyKey } from '../vault/vault.ts'
import type { AdminSession } from './admin-session.ts'
import { backingUrls, configuration } from './connection.ts'
import { registry } from './contexts.ts'
import { openLogStore } from './log-session.ts'
import { colours, EXIT, show } from './terminal.ts'

/** Destroys the key of this id (registry.ts says which stands for a person), has it recorded, and clears its bytes away. */
export async function forgetPerson<Handled>(db: ReadModels, keyId: string, record: () => Promise<Handled>) {
  const hadKey = await destroyKey(db, keyId)
  const handled = await record()
  return { hadKey, handled, sweep: await sweepKeys() }
}

/** A store that leaves sealed text sealed: to forget somebody takes the database, but not the key that seals it. */
export async function withPlainStore<T>({ db }: AdminSession, work: (store: EventStore) => Promise<T>): Promise<T> {
  const config = configuration()
  const store = openLogStore(config, backingUrls(config).eventStoreUrl, db)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
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

/** Events of these streams that hold personal text which was never sealed: recorded before there were keys. */
export async function plainEvents(store: EventStore, streams: readonly string[]): Promise<number> {
  let plain = 0
  for (const stream of streams) {
    for await (const { type, data } of store.readStream(stream)) {
      const values = (registry.personalFieldsOf(type) ?? []).map(({ name }) => data[name])
      if (values.some((value) => typeof value === 'string' && !isSealed(value))) plain += 1
    }
  }
  return plain
}

/** What is still in the way of clearing the key's bytes. */
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

/** How many events hold plain text. */
function unsealed(plain: number): string {
  return (
    `${plain} of the person's events were recorded before personal data was sealed. Nothing shows their text any more, but ` +
    'the bytes of the log and of its copies hold it: docs/personal-data.md says what to do.'
  )
}

interface Forgetting {
  hadKey: boolean
  handled: { events: readonly unknown[] }
  sweep: Sweep
}

/**
 * Says that a person was forgotten, or was before, and what of it is left to do; the exit code tells the latter too. `id` is
 * the person's, shown as it is; `plain` counts events with plain text; `value` is what `--json` shows beside them.
 */
export function showForgotten(
  { hadKey, handled, sweep }: Forgetting,
  { id, plain, value }: { id: string; plain: number; value: object },
  options: { json?: boolean },
): void {
  show({ ...value, key_destroyed: hadKey, ...sweep, plain_text_events: plain }, options, () =>
    [
      handled.events.length > 0
        ? colours.green(`Forgot ${id}: what was personal cannot be read any more.`)
        : colours.yellow(`${id} was forgotten already; nothing was written.`),
      ...(sweep.swept ? [] : [colours.yellow(unswept(sweep.held_by))]),
      ...(plain > 0 ? [colours.red(unsealed(plain))] : []),
    ].join('\n'),
  )
  if (!sweep.swept) process.exitCode = EXIT.unreachable
}
