/**
 * The projector of a context writes its read models. It waits until it leads, makes sure that its checkpoint belongs to this
 * log, and takes in batch after batch. It rebuilds projections of another version beside the live ones.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { haltAtMismatch, LogMismatch } from '../events/log-identity.ts'
import { HEARTBEAT } from '../events/registry.ts'
import { type Delivered, isPoison } from '../events/subscription.ts'
import type { Log } from '../log.ts'
import type { ReadModels } from '../postgres/database.ts'
import { acquireLeadership } from '../postgres/leadership.ts'
import { createQueue, type Queue } from '../runtime/keyed-queue.ts'
import { CheckpointMoved, projectionsCheckpoint, readCheckpoint } from './checkpoint.ts'
import { ProjectorPaused } from './control.ts'
import type { Parking } from './parking.ts'
import type { Projection } from './projection.ts'
import { upgradeProjections } from './rebuild/upgrade.ts'
import { prepareSchema, storedVersions } from './schema.ts'
import { traceBatch } from './tracing.ts'
import { type BatchWriter, createBatchWriter, PoisonedProjection } from './writer.ts'

/**
 * Delivers every event of the projections' contexts (prefixesOf) after `from`, in log order, one batch at a time, until
 * `signal` aborts; then resolves. A throw of `onBatch` makes it ask for `from` again and resume there, after a pause.
 */
export type Source = (reader: {
  from: () => Promise<bigint | undefined>
  onBatch: (events: Delivered[]) => Promise<void>
  onForeign: () => void
  signal: AbortSignal
}) => Promise<void>

/**
 * The same events as the source's, after a position (undefined: all of them) up to the log's present end, in batches. Like
 * that it goes by context and not by type: older releases wrote types that decoding lifts to those of today.
 */
export type HistoryReader = (after: bigint | undefined) => AsyncIterable<Delivered[]>

export interface ProjectorOptions {
  /** The context of these projections: each has a projector, a checkpoint and a leadership of its own. */
  context: string
  db: ReadModels
  /** The same database, for the connection that holds the leadership. */
  url: string
  projections: readonly Projection[]
  source: Source
  readHistory: HistoryReader
  /** The id of the event at a commit position of the log; undefined where there is none. */
  eventIdAt: (position: bigint) => Promise<string | undefined>
  log: Log
  /** Runs of a transaction that Postgres wants run again, in all. */
  transactionAttemptsMax?: number
  /** Before another try after a failure that should pass. */
  retryMs?: number
  /** Between a standby's tries to lead. */
  leadershipPollMs?: number
  /** Between checks whether a pause is over. */
  pausePollMs?: number
  onBatch?: (batch: { events: number; durationMs: number }) => void
}

export interface ProjectorHealth {
  state: 'standby' | 'leading' | 'halted' | 'stopped'
  /** Why it halted. */
  fault: string | undefined
  /** Commit position of the last event applied or skipped; undefined before the first. */
  position: bigint | undefined
  /** When that event was recorded. */
  recordedAt: Date | undefined
  batches: number
  events: number
  /** Events of other programs that bear a name of ours, which were passed over. */
  foreignEvents: number
  /** Streams that this process has parked. */
  parkedStreams: number
  /** An engineer has paused it (control.ts). */
  paused: boolean
  /** Projections that are being rebuilt. */
  rebuilding: readonly string[]
}

export interface Projector {
  health(): ProjectorHealth
  /** Resolves after `stop`; rejects with PoisonedProjection where going on would be wrong. */
  ended: Promise<void>
  /** Finishes the batch under way. */
  stop(): Promise<void>
}

/** The name of a context's projector: of its leadership, and in readiness. */
export const projectorName = (context: string): string => `projector.${context}`

const defaults = { transactionAttemptsMax: 5, retryMs: 1_000, leadershipPollMs: 500, pausePollMs: 250 }

type Settings = ProjectorOptions & typeof defaults

export function startProjector(options: ProjectorOptions): Projector {
  const settings: Settings = { ...defaults, ...options }
  const stopping = new AbortController()
  const health: ProjectorHealth = {
    state: 'standby',
    fault: undefined,
    position: undefined,
    recordedAt: undefined,
    batches: 0,
    events: 0,
    foreignEvents: 0,
    parkedStreams: 0,
    paused: false,
    rebuilding: [],
  }
  const ended = run(settings, health, stopping.signal)
  // A caller that does not await `ended` must not die of it; the state shows a halt too.
  ended.catch(() => undefined)
  return {
    health: () => ({ ...health }),
    ended,
    async stop() {
      stopping.abort()
      await Promise.allSettled([ended])
    },
  }
}

/**
 * How far the read models are behind the log's head, in milliseconds. It is 0 where they have reached the head, and else the
 * age of the last event that they took in.
 */
export function lagMs(health: ProjectorHealth, head: { position: bigint } | undefined, now: Date): number {
  if (head === undefined || (health.position !== undefined && health.position >= head.position)) return 0
  return health.recordedAt === undefined
    ? Number.POSITIVE_INFINITY
    : Math.max(0, now.getTime() - health.recordedAt.getTime())
}

async function run(settings: Settings, health: ProjectorHealth, signal: AbortSignal): Promise<void> {
  const { context, url, log, leadershipPollMs: pollMs, retryMs } = settings
  const name = projectorName(context)
  while (!signal.aborted) {
    if (health.state !== 'halted') health.state = 'standby'
    const leadership = await acquireLeadership({ url, name, signal, pollMs }).catch(() => undefined)
    if (!leadership) break
    if (health.state !== 'halted') health.state = 'leading'
    log.info({}, 'this process writes the read models')
    try {
      await lead(settings, health, AbortSignal.any([signal, leadership.lost]))
    } catch (error) {
      if (error instanceof PoisonedProjection) {
        health.state = 'halted'
        health.fault = error.message
        log.error({ err: error }, 'the projector has halted')
        throw error
      }
      log.warn({ err: error, retryMs }, 'the projector starts over')
      await delay(retryMs, undefined, { signal }).catch(() => undefined)
    } finally {
      await leadership.release()
    }
  }
  health.state = 'stopped'
}

/** The work of a leader. Resolves when `signal` aborts; throws the error that ends it earlier. */
async function lead(settings: Settings, health: ProjectorHealth, signal: AbortSignal): Promise<void> {
  const { db, context, projections, log, transactionAttemptsMax } = settings
  const checkpoint = projectionsCheckpoint(context)
  await prepareSchema(db, [{ name: context, projections }])
  await verifyCheckpoint(settings, health)
  const versions = await storedVersions(db)
  const upgrades = projections.filter(({ name, version }) => versions.get(name) !== version)
  const onParked = (parking: Parking) => {
    health.parkedStreams += 1
    const { projection, event, fault } = parking
    const { stream, type, revision, position } = event
    const facts = { projection: projection.name, stream, type, revision: `${revision}`, position: `${position}`, fault }
    log.error(facts, 'parked a poison event, and the rest of its stream behind it')
  }
  const current = projections.filter((projection) => !upgrades.includes(projection))
  const writer = createBatchWriter({ db, checkpoint, projections: current, transactionAttemptsMax, onParked })
  const failed = new AbortController()
  const until = AbortSignal.any([signal, failed.signal])
  const exclusively = createQueue()
  const failure = (work: Promise<void>) =>
    work.catch((error: unknown) => {
      failed.abort(error)
      throw error
    })
  await Promise.all([
    failure(consume(settings, health, writer, exclusively, until)),
    failure(upgradeProjections({ ...settings, checkpoint, writer, upgrades, exclusively, signal: until, health })),
  ])
}

/** Halts, and shows it, while the log is another one. The source calls this again and again. */
const verifyCheckpoint = (settings: Settings, health: ProjectorHealth): Promise<void> =>
  haltAtMismatch(health, () => requireCheckpoint(settings))

async function requireCheckpoint({ db, context, eventIdAt }: Settings): Promise<void> {
  const checkpoint = await readCheckpoint(db, projectionsCheckpoint(context))
  // The look itself finds out whether this is the log at all.
  const found = await eventIdAt(checkpoint?.position ?? 0n)
  if (!checkpoint || found === checkpoint.eventId) return
  const { position, eventId } = checkpoint
  throw new LogMismatch(
    `the read models stand at position ${position} (event ${eventId}), but the event store has ${found ?? 'no event'} ` +
      'there: it was restored from an older backup, or it is another store.',
  )
}

/** Takes in live events, batch by batch. An error that another try cannot mend ends the reading. */
async function consume(
  settings: Settings,
  health: ProjectorHealth,
  writer: BatchWriter,
  exclusively: Queue,
  signal: AbortSignal,
): Promise<void> {
  const broken = new AbortController()
  const until = AbortSignal.any([signal, broken.signal])
  const lasting = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      if (error instanceof PoisonedProjection || error instanceof CheckpointMoved) broken.abort(error)
      throw error
    })
  await settings.source({
    signal: until,
    onForeign: () => void health.foreignEvents++,
    async from() {
      await verifyCheckpoint(settings, health)
      const position = await lasting(exclusively(() => writer.resume()))
      health.position ??= position
      return position
    },
    async onBatch(events) {
      const startedAtMs = performance.now()
      until.throwIfAborted()
      warnOfPoison(settings.log, events)
      // Heartbeats only prove life. Their stream is truncated, so a checkpoint must not name one.
      const lasts = events.filter(({ type }) => type !== HEARTBEAT)
      const write = () => writeUnlessPaused(settings, health, () => exclusively(() => writer.write(lasts)), until)
      await lasting(traceBatch(settings.context, lasts, write))
      const last = events.at(-1)
      health.position = last?.position ?? health.position
      health.recordedAt = last?.recordedAt ?? health.recordedAt
      health.batches += 1
      health.events += lasts.length
      settings.onBatch?.({ events: lasts.length, durationMs: performance.now() - startedAtMs })
    },
  })
  if (broken.signal.aborted) throw broken.signal.reason
  if (!signal.aborted) throw new Error('the source of events has ended')
}

/** Tries again while the projector is paused; the reading waits meanwhile. */
async function writeUnlessPaused(
  { log, pausePollMs }: Settings,
  health: ProjectorHealth,
  write: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      await write()
      if (health.paused) log.info({}, 'the projector goes on')
      health.paused = false
      return
    } catch (error) {
      if (!(error instanceof ProjectorPaused)) throw error
      if (!health.paused) log.warn({ reason: error.message }, 'the projector waits')
      health.paused = true
      await delay(pausePollMs, undefined, { signal })
    }
  }
}

function warnOfPoison(log: Log, events: readonly Delivered[]): void {
  for (const { id, stream, type, revision, fault } of events.filter(isPoison)) {
    log.warn({ id, stream, type, revision: `${revision}`, fault }, 'an event does not decode')
  }
}
