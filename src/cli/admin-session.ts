/**
 * What an administrator's command works with: the command bus over the event store, the read models, and a context that
 * records the operating system's user as the one who did it.
 */
import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import { commandContext } from '../commands/context.ts'
import type { CommandBus, CommandContext, Handled } from '../commands/handle.ts'
import { deterministicId } from '../commands/identity.ts'
import type { AnyEvent } from '../events/event.ts'
import type { EventStore } from '../events/store.ts'
import type { ReadModels } from '../postgres/database.ts'
import { backingUrls, configuration } from './connection.ts'

export interface AdminSession {
  store: EventStore
  bus: CommandBus
  db: ReadModels
  /** A context for one new command, now, by this user. */
  context(): CommandContext
}

/** Event store, Postgres and the contexts, which wrong usage and help do without. */
async function loadServices() {
  const [{ createCommandBus }, { createDatabase }, { openLogStore }, { personKeysOf }] = await Promise.all([
    import('../commands/handle.ts'),
    import('../postgres/database.ts'),
    import('./log-session.ts'),
    import('./person-keys.ts'),
  ])
  return { createCommandBus, createDatabase, openLogStore, personKeysOf }
}

/** Runs `work` with a session and closes it afterwards. Throws CliError where the services are not to be found. */
export async function withAdminSession<T>(work: (session: AdminSession) => Promise<T>): Promise<T> {
  const config = configuration()
  const urls = backingUrls(config)
  const { createCommandBus, createDatabase, openLogStore, personKeysOf } = await loadServices()
  const db = createDatabase({
    url: urls.databaseUrl,
    applicationName: 'opslog admin',
    poolMax: 1,
    connectTimeoutMs: config.DATABASE_CONNECT_TIMEOUT_MS,
    statementTimeoutMs: config.DATABASE_STATEMENT_TIMEOUT_MS,
  })
  const store = openLogStore(config, urls.eventStoreUrl, db, personKeysOf(config, db))
  const bus = createCommandBus(store, {
    cachedAggregatesMax: 10,
    seenCommandsMax: 100_000,
    conflictRetriesMax: config.CONFLICT_RETRIES_MAX,
  })
  try {
    return await work({ store, bus, db, context: adminContext })
  } finally {
    await Promise.allSettled([store.close(), db.destroy()])
  }
}

function adminContext(): CommandContext {
  const requestId = randomUUID()
  const commandId = deterministicId('command', 'admin', requestId)
  const actor = { kind: 'admin', id: userInfo().username } as const
  return commandContext(actor, commandId, new Date().toISOString(), { requestId })
}

/** What a command wrote, for `--json`: event types and the log position after them. */
export const written = ({ events, position }: Handled<unknown, AnyEvent>) => ({
  changed: events.length > 0,
  events: events.map(({ type }) => type),
  position: position?.toString() ?? null,
})
