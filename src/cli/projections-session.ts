/**
 * What the projections' commands work with: the read models without a limit on statements, the log's history in large
 * batches, and an end on Ctrl-C that leaves everything in a state to go on from.
 */

import type { EventStore } from '../events/store.ts'
import { type Delivered, readHistory } from '../events/subscription.ts'
import { createDatabase, type ReadModels } from '../postgres/database.ts'
import { acquireLeadership } from '../postgres/leadership.ts'
import { projectionsCheckpoint, readCheckpoint } from '../projections/checkpoint.ts'
import type { Projection } from '../projections/projection.ts'
import { createKernelTables } from '../projections/schema.ts'
import { backingUrls, configuration } from './connection.ts'
import { contexts, projections, registry } from './contexts.ts'
import { openLogStore } from './log-session.ts'
import { personKeysOf } from './person-keys.ts'
import { CliError, EXIT } from './terminal.ts'

export interface ProjectionSession {
  db: ReadModels
  store: EventStore
  databaseUrl: string
  /** With `types` only events whose types begin so. */
  readHistory: (after: bigint | undefined, types?: readonly string[]) => AsyncIterable<Delivered[]>
  /** Aborts on SIGINT and SIGTERM. */
  signal: AbortSignal
  transactionAttemptsMax: number
}

/** Events that a rebuild takes in in one transaction. */
const BULK_BATCH_MAX = 4_000
/** The swap gives way to readers again and again before it gives up. */
const ATTEMPTS_MAX = 60

/** Runs `work` with a session and closes it afterwards. Throws CliError where the services are not to be found. */
export async function withProjectionSession<T>(work: (session: ProjectionSession) => Promise<T>): Promise<T> {
  const config = configuration()
  const urls = backingUrls(config)
  const db = createDatabase({
    url: urls.databaseUrl,
    applicationName: 'opslog projections',
    poolMax: 4,
    connectTimeoutMs: config.DATABASE_CONNECT_TIMEOUT_MS,
    statementTimeoutMs: 0,
  })
  const personKeys = personKeysOf(config, db)
  const store = openLogStore(config, urls.eventStoreUrl, db, personKeys)
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort(new CliError(EXIT.refused, 'interrupted', 'Run it again to go on.'))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    await db.transaction().execute(createKernelTables)
    const readTimeoutMs = config.EVENTSTORE_DEADLINE_MS
    const source = { url: urls.eventStoreUrl, batchMax: BULK_BATCH_MAX, readTimeoutMs, personKeys, registry }
    return await work({
      db,
      store,
      databaseUrl: urls.databaseUrl,
      readHistory: (after, types) => readHistory({ ...source, ...(types && { types }) }, after),
      signal: interrupted.signal,
      transactionAttemptsMax: ATTEMPTS_MAX,
    })
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
    await Promise.allSettled([store.close(), db.destroy()])
  }
}

/** Runs `work` while no other process runs any under this name. Throws CliError where one does. */
export async function exclusively<T>(session: ProjectionSession, name: string, work: () => Promise<T>): Promise<T> {
  const { databaseUrl: url, signal } = session
  const leadership = await acquireLeadership({ url, name, signal, applicationName: `opslog ${name}` }, 'giveUp')
  if (!leadership) {
    throw new CliError(EXIT.refused, `another process is at it already: ${name}`, 'Wait for it to end.')
  }
  try {
    return await work()
  } finally {
    await leadership.release()
  }
}

/** The projections that these names mean; all of them with `all`. Throws CliError (usage). */
export function chosenProjections(names: readonly string[], all: boolean | undefined): Projection[] {
  if (all) return [...projections]
  if (names.length === 0) throw new CliError(EXIT.usage, 'name a projection, or say --all', `There are: ${known()}`)
  return names.map(chosenProjection)
}

export function chosenProjection(name: string): Projection {
  const found = projections.find((projection) => projection.name === name)
  if (!found) throw new CliError(EXIT.usage, `there is no projection ${name}`, `There are: ${known()}`)
  return found
}

const known = (): string => projections.map(({ name }) => name).join(', ')

/** Projections by context, in the order of the contexts: those of one share a checkpoint and are rebuilt together. */
export function byContext(wanted: readonly Projection[]): { name: string; projections: Projection[] }[] {
  return contexts
    .map(({ name, projections }) => ({ name, projections: projections.filter((each) => wanted.includes(each)) }))
    .filter(({ projections }) => projections.length > 0)
}

/**
 * Those of the groups whose context has had events so far; the tables of the others are empty, as they should be. Throws
 * CliError where there is none.
 */
export async function begunOf<Group extends { name: string }>(
  { db }: ProjectionSession,
  groups: readonly Group[],
): Promise<Group[]> {
  const checkpoints = await Promise.all(groups.map(({ name }) => readCheckpoint(db, projectionsCheckpoint(name))))
  const begun = groups.filter((_, index) => checkpoints[index] !== undefined)
  if (begun.length === 0) throw nothingProjected()
  return begun
}

const nothingProjected = () =>
  new CliError(EXIT.refused, 'nothing has been projected yet', 'Start an instance with the projector role.')

/** Throws CliError where nothing of the context has been projected yet, or where its read models are not of this log. */
export async function requireCheckpoint({ db, store }: ProjectionSession, context: string): Promise<bigint> {
  const checkpoint = await readCheckpoint(db, projectionsCheckpoint(context))
  if (!checkpoint) throw nothingProjected()
  if ((await store.eventIdAt(checkpoint.position)) !== checkpoint.eventId) {
    throw new CliError(
      EXIT.refused,
      `the read models stand at position ${checkpoint.position}, where this event store has another event or none`,
      'They belong to another event store, or it was restored from an older backup.',
    )
  }
  return checkpoint.position
}
