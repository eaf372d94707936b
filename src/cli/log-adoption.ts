/**
 * What `opslog store adopt-log` does: the way on where the log, or its end, is lost for good. It says what is gone, asks, and
 * makes the database one of the log that there is now.
 */
import { createInterface } from 'node:readline/promises'
import type { Config } from '../config.ts'
import { DataDirectoryInUse, lockDataDirectory } from '../embedded/data-directory.ts'
import { LOG_ADOPTED, LOG_IDENTITY_STREAM, type Mark } from '../events/log-identity.ts'
import { createEventStore, type EventStore } from '../events/store.ts'
import { readHistory } from '../events/subscription.ts'
import { createDatabase, type ReadModels } from '../postgres/database.ts'
import { withoutLeader } from '../postgres/leadership.ts'
import { identify, writeToLog } from '../processes/log-joining.ts'
import { readKnownLog } from '../projections/known-log.ts'
import { adoptLog, readCheckpoints, type StoredCheckpoint } from '../projections/log-adoption.ts'
import { createKernelTables } from '../projections/schema.ts'
import { startServices } from '../services/backing-services.ts'
import { configuration } from './connection.ts'
import { contexts, registry } from './contexts.ts'
import { CliError, colours, EXIT, facts, show } from './terminal.ts'

export interface AdoptOptions {
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

/** Clocks differ, and a restored copy may have been made while the last events were written: this span is handled again. */
const MARGIN_MS = 600_000
const BATCH_MAX = 1_000

interface Plan {
  logId: string | null
  formerLogId: string | null
  headPosition: string | null
  formerPosition: string | null
  commonPosition: string | null
  processes: string[]
}

export async function adopt(options: AdoptOptions): Promise<void> {
  await withServices(async ({ db, store, url, config }) => {
    await requireStopped(db)
    await db.transaction().execute(createKernelTables)
    const known = await readKnownLog(db)
    const checkpoints = await readCheckpoints(db)
    const [furthest] = checkpoints
    const logId = await store.logId()
    const isTheOne = logId !== undefined && logId === known.logId && (await hasAll(store, checkpoints))
    if (isTheOne || !furthest) {
      return show(
        { adopted: false },
        options,
        () => 'The event store has the log of this database; nothing is to be done.',
      )
    }
    const isKin = known.logId === undefined || known.logId === logId || logId === undefined
    const common = isKin ? await commonMark(store, { url, config }, checkpoints) : undefined
    const plan: Plan = {
      logId: logId ?? null,
      formerLogId: known.logId ?? null,
      headPosition: text((await store.head())?.position),
      formerPosition: text(furthest.position),
      commonPosition: text(common?.position),
      processes: checkpoints.map(({ name }) => name).filter((name) => !name.startsWith('projections')),
    }
    if (options.dryRun) return show({ adopted: false, ...plan }, options, () => describe(plan))
    if (!options.yes) await confirm(plan)
    const id = logId ?? (await identify(store, new Date().toISOString()))
    await record(store, { logId: id, plan, furthest })
    await adoptLog(db, id, common)
    show(
      { adopted: true, ...plan, logId: id },
      options,
      () => `${describe({ ...plan, logId: id })}\nAdopted. Start the instances.`,
    )
  })
}

const text = (position: bigint | undefined): string | null => (position === undefined ? null : String(position))

const describe = ({ logId, formerLogId, headPosition, formerPosition, commonPosition, processes }: Plan): string =>
  facts([
    ['log on record', formerLogId ?? 'none'],
    ['log of the event store', logId ?? 'without an identity'],
    ['this installation has come to', `position ${formerPosition}`],
    ['the log ends at', headPosition === null ? 'its start: it is empty' : `position ${headPosition}`],
    ['surely in common', commonPosition === null ? 'nothing' : `up to position ${commonPosition}`],
    ['gone', 'every event of the former log that this one does not have'],
    ['read models', 'are made again from the log'],
    ['processes', `go on behind what is surely in common: ${processes.join(', ') || 'none'}`],
  ])

async function confirm(plan: Plan): Promise<void> {
  if (!process.stdin.isTTY) throw new CliError(EXIT.usage, 'Nobody is there to ask', 'Give --yes, after a --dry-run.')
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await asking.question(`${describe(plan)}\nType ${colours.bold('adopt')} to go on: `)
    if (answer.trim() !== 'adopt') throw new CliError(EXIT.refused, 'Nothing was changed')
  } finally {
    asking.close()
  }
}

/** Records the loss behind what the log says of itself. */
async function record(
  store: EventStore,
  { logId, plan, furthest }: { logId: string; plan: Plan; furthest: StoredCheckpoint },
): Promise<void> {
  const last = await store.readLast(LOG_IDENTITY_STREAM)
  const { formerLogId, commonPosition } = plan
  const former = { formerLogId, formerPosition: String(furthest.position), formerEventId: furthest.eventId }
  const data = { logId, ...former, commonPosition, occurredAt: new Date().toISOString() }
  await writeToLog(store, LOG_ADOPTED, data, last && { revision: last.revision, hash: last.metadata.hash })
}

async function hasAll(store: EventStore, checkpoints: readonly StoredCheckpoint[]): Promise<boolean> {
  for (const { position, eventId } of checkpoints) if ((await store.eventIdAt(position)) !== eventId) return false
  return true
}

/** The last event that both logs are known to have: a checkpoint's, or one from well before the former log's last. */
async function commonMark(
  store: EventStore,
  { url, config }: { url: string; config: Config },
  checkpoints: readonly StoredCheckpoint[],
): Promise<Mark | undefined> {
  let common: Mark | undefined
  for (const { position, eventId } of checkpoints) {
    if ((await store.eventIdAt(position)) !== eventId) continue
    common = { position, eventId }
    break
  }
  const movedAtMs = Math.max(...checkpoints.map(({ movedAt }) => movedAt.getTime()))
  const history = { url, registry, batchMax: BATCH_MAX, readTimeoutMs: config.EVENTSTORE_DEADLINE_MS }
  for await (const events of readHistory(history, common?.position)) {
    for (const { position, id, recordedAt, stream } of events) {
      if (recordedAt.getTime() > movedAtMs - MARGIN_MS) return common
      if (!stream.startsWith('opslog.')) common = { position, eventId: id }
    }
  }
  return common
}

async function requireStopped(db: ReadModels): Promise<void> {
  const names = ['projector', ...contexts.map(({ name }) => `projector.${name}`)]
  const without = await withoutLeader(db, names)
  if (without.length === names.length) return
  throw new CliError(EXIT.unreachable, 'An instance works on this database', 'Stop all instances first.')
}

interface Opened {
  db: ReadModels
  store: EventStore
  url: string
  config: Config
}

/** The instance's own services are started for the time of the command, as no instance that refuses its log has them up. */
async function withServices(work: (opened: Opened) => Promise<void>): Promise<void> {
  const config = configuration()
  const lock = lockFor(config.DATA_DIR)
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const services = await startServices(config, quiet)
  const url = services.eventStore.url
  const db = createDatabase({
    url: services.postgres.url,
    applicationName: 'opslog adopt-log',
    poolMax: 2,
    connectTimeoutMs: config.DATABASE_CONNECT_TIMEOUT_MS,
    statementTimeoutMs: 0,
  })
  const limits = { deadlineMs: config.EVENTSTORE_DEADLINE_MS, appendAttemptsMax: config.APPEND_ATTEMPTS_MAX }
  const store = createEventStore({ url, registry, ...limits })
  try {
    await work({ db, store, url, config })
  } finally {
    await store.close()
    await db.destroy()
    await services.stop()
    lock.release()
  }
}

function lockFor(directory: string) {
  try {
    return lockDataDirectory(directory)
  } catch (error) {
    if (!(error instanceof DataDirectoryInUse)) throw error
    throw new CliError(EXIT.unreachable, error.message, 'Stop all instances first.')
  }
}
