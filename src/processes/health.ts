/**
 * How an instance is doing, as its API shows it: a probe for each thing that it depends on, and the gauges that are not
 * counted by requests. What runs in other processes is seen by what they hold and leave in Postgres.
 */
import { sql } from 'kysely'
import type { LogGuard } from '../events/log-identity.ts'
import type { EventStore } from '../events/store.ts'
import type { Clock } from '../postgres/clock.ts'
import type { ReadModels } from '../postgres/database.ts'
import { failureOf } from '../postgres/failure.ts'
import { withoutLeader } from '../postgres/leadership.ts'
import { parkedCount } from '../projections/parking.ts'
import { lagMs, type Projector, projectorName } from '../projections/projector.ts'
import type { GaugeSource, Probe, ProbeResult } from '../runtime/health.ts'
import type { ProcessHealth } from './process.ts'

/** The projector of a context, where it runs in this process. */
export interface ContextProjector {
  context: string
  projector: Projector
}

/** What an instance shows of itself. */
export interface Shown {
  config: { HEARTBEAT_INTERVAL_MS: number }
  contexts: readonly {
    name: string
    projections: readonly unknown[]
    processes: readonly { leads: readonly string[] }[]
  }[]
  services: {
    eventStore: { kind: string; damagedPlaces?: () => Promise<number> }
    postgres: { kind: string }
    stream: { kind: string; stream: { isUp(): boolean } }
  }
  store: Pick<EventStore, 'ping' | 'head' | 'isWritable'>
  guard: Pick<LogGuard, 'mismatch'>
  db: ReadModels
  clock: Clock
  /** Persons whose key is lost, as far as was noticed. */
  vault: { missing(): number }
  /** Every process that runs here. */
  processes: readonly {
    leads: readonly string[]
    health: ProcessHealth
    probe?: Probe['check']
    gauges?: readonly GaugeSource[]
  }[]
}

/** Heartbeats that may be missing before a projector that sees nothing else counts as late. */
const HEARTBEATS_LATE_MAX = 2
/** A projector that is further behind is late. */
const LAG_MAX_MS = 30_000
/** What one process of an installation leads at a time, whichever it is. */
const leadersOf = (contexts: Shown['contexts']): string[] => [
  ...contexts.filter(({ projections }) => projections.length > 0).map(({ name }) => projectorName(name)),
  'seals',
  ...contexts.flatMap(({ processes }) => processes.flatMap(({ leads }) => leads)),
]

/**
 * How far the read models of a context are behind, in milliseconds. Its own last events show it; where they stand far
 * from the log's end, the heartbeats that its projector sees do, as far as they are late.
 */
async function lagOf(
  { context, projector }: ContextProjector,
  { store, clock, config }: Pick<Shown, 'store' | 'clock' | 'config'>,
): Promise<number> {
  const figures = projector.health()
  const own = await store.head(`${context}.`)
  if (own) return lagMs(figures, own, clock.now())
  return Math.max(
    0,
    lagMs(figures, await store.head(), clock.now()) - HEARTBEATS_LATE_MAX * config.HEARTBEAT_INTERVAL_MS,
  )
}

function projectorProbe(
  { context, projector }: ContextProjector,
  parts: Pick<Shown, 'store' | 'clock' | 'config'>,
): Probe {
  return {
    name: projectorName(context),
    // A context that has halted leaves the others serving.
    required: false,
    check: async () => {
      const { state, fault, position, parkedStreams } = projector.health()
      const lag = await lagOf({ context, projector }, parts)
      const up = state !== 'halted' && (state === 'standby' || lag < LAG_MAX_MS)
      const detail = { state, position: position?.toString() ?? null, lag_ms: lag, parked_streams: parkedStreams }
      return { up, ...detail, ...(fault ? { error: fault } : {}) }
    },
  }
}

export function probes(
  { config, contexts, services, store, db, clock, vault, processes }: Shown,
  projectors: readonly ContextProjector[],
): Probe[] {
  const list: Probe[] = [
    {
      name: 'event_store',
      required: true,
      check: async () => {
        await store.ping()
        return { up: true, kind: services.eventStore.kind }
      },
    },
    {
      name: 'postgres',
      required: true,
      check: async () => {
        await sql`SELECT 1`.execute(db)
        return { up: true, kind: services.postgres.kind }
      },
    },
    {
      name: 'command_stream',
      required: false,
      check: async () => ({ up: services.stream.stream.isUp(), kind: services.stream.kind }),
    },
    {
      name: 'person_keys',
      required: false,
      check: async () => ({ up: vault.missing() === 0, missing: vault.missing() }),
    },
  ]
  const { damagedPlaces } = services.eventStore
  if (damagedPlaces) {
    list.push({
      name: 'event_log',
      // What is whole is served.
      required: false,
      check: async () => {
        const damaged = await damagedPlaces()
        return { up: damaged === 0, damaged_places: damaged }
      },
    })
  }
  list.push({
    name: 'parked_events',
    required: false,
    check: async () => {
      const parked = await parkedCount(db)
      return { up: parked === 0, events: parked }
    },
  })
  list.push(...projectors.map((each) => projectorProbe(each, { store, clock, config })))
  const here = new Set([
    ...projectors.map(({ context }) => projectorName(context)),
    ...processes.flatMap(({ leads }) => leads),
  ])
  for (const name of leadersOf(contexts).filter((each) => !here.has(each))) {
    list.push({
      name,
      required: false,
      check: async () => {
        const isLed = (await withoutLeader(db, [name])).length === 0
        return { up: isLed, state: 'elsewhere', ...(isLed ? {} : { error: 'no process leads it' }) }
      },
    })
  }
  for (const { leads, health, probe } of processes) {
    const check = probe ?? (() => healthOf(health))
    list.push({ name: leads[0] ?? '', required: false, check })
  }
  return list
}

async function healthOf({ state, fault, handled }: ProcessHealth): Promise<ProbeResult> {
  return { up: state !== 'halted', state, handled, ...(fault ? { error: fault } : {}) }
}

/** Shorter than a scrape waits for a figure. */
const ANSWER_MAX_MS = 600

/** 1 where the work succeeds soon, else 0. */
async function answers(work: () => Promise<unknown>): Promise<number> {
  const { promise: late, resolve } = Promise.withResolvers<number>()
  const timer = setTimeout(() => resolve(0), ANSWER_MAX_MS)
  try {
    return await Promise.race([
      work().then(
        () => 1,
        () => 0,
      ),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}

export function gauges(
  { config, contexts, services, store, guard, db, clock, vault, processes }: Shown,
  projectors: readonly ContextProjector[],
  ofContexts: readonly GaugeSource[],
): GaugeSource[] {
  const list: GaugeSource[] = [
    {
      name: 'opslog_command_stream_up',
      help: 'Whether the command stream answers',
      read: () => (services.stream.stream.isUp() ? 1 : 0),
    },
  ]
  const add = (name: string, help: string, read: GaugeSource['read']) => list.push({ name, help, read })
  add('opslog_event_store_mismatch', 'Whether the event store has another log than this installation’s', () => {
    return guard.mismatch() === undefined ? 0 : 1
  })
  add('opslog_event_store_writable', 'Whether the event store took the last append', () => {
    const isWritable = store.isWritable()
    return isWritable === undefined ? undefined : Number(isWritable)
  })
  add('opslog_event_store_up', 'Whether the event store has the right log and takes writes', () =>
    answers(() => store.ping()),
  )
  const { damagedPlaces } = services.eventStore
  if (damagedPlaces) {
    add('opslog_event_log_damaged_places', 'Places of the embedded log that cannot be read', damagedPlaces)
  }
  add('opslog_postgres_up', 'Whether Postgres answers', () => answers(() => sql`SELECT 1`.execute(db)))
  add('opslog_clock_offset_seconds', 'How far this process’s own clock is ahead of Postgres’s, which counts', () => {
    return clock.offsetMs() / 1_000
  })
  const counted = (count: Promise<number | undefined>) =>
    count.catch((error: unknown) => {
      // While Postgres is away the last figure stands; readiness tells that it is.
      if (failureOf(error) === 'unavailable') return undefined
      throw error
    })
  add('opslog_leaders_missing', 'Processes of the installation that nobody leads', () => {
    return counted(withoutLeader(db, leadersOf(contexts)).then(({ length }) => length))
  })
  for (const { name, help, read } of ofContexts) add(name, help, () => counted(Promise.resolve().then(read)))
  if (projectors.length > 0) {
    const sum = (value: (figures: ReturnType<Projector['health']>) => number) =>
      projectors.reduce((total, { projector }) => total + value(projector.health()), 0)
    add(
      'opslog_projection_lag_seconds',
      'Age of what the read models lack, of the context that is furthest behind',
      async () => {
        const lags = await Promise.all(projectors.map((each) => lagOf(each, { store, clock, config })))
        return Math.max(...lags) / 1_000
      },
    )
    add('opslog_projector_events', 'Events taken in since the start', () => sum(({ events }) => events))
    add('opslog_projector_batches', 'Batches written since the start', () => sum(({ batches }) => batches))
    add('opslog_projector_foreign_events', 'Events of other programs under a name of ours, passed over', () =>
      sum(({ foreignEvents }) => foreignEvents),
    )
    add('opslog_projector_parked_streams', 'Streams parked behind a poison event', () =>
      sum((each) => each.parkedStreams),
    )
    add('opslog_projector_halted', 'Projectors that have halted', () =>
      sum(({ state }) => (state === 'halted' ? 1 : 0)),
    )
  }
  add('opslog_person_keys_missing', 'Persons whose key is lost, as far as was noticed', () => vault.missing())
  add('opslog_processes_halted', 'Processes that have halted and need somebody', () => {
    return processes.filter(({ health }) => health.state === 'halted').length
  })
  for (const { gauges = [] } of processes) list.push(...gauges)
  return list
}
