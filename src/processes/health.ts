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
import { readProcessFault } from '../projections/process-faults.ts'
import { lagMs, type Projector, projectorName } from '../projections/projector.ts'
import type { GaugeSource, Probe, ProbeResult } from '../runtime/health.ts'
import { within } from '../runtime/within.ts'
import type { ProcessHealth } from './process.ts'

/** The projector of a context, where it runs in this process. */
export interface ContextProjector {
  context: string
  projector: Projector
}

/** What an instance shows of itself. */
export interface Shown {
  config: { HEARTBEAT_INTERVAL_MS: number; PROJECTION_LAG_MAX_MS: number }
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
  /** Milliseconds since this process began; default: by its own clock. */
  uptimeMs?: () => number
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
/** What one process of an installation leads at a time, whichever it is. */
const leadersOf = (contexts: Shown['contexts']): string[] => [
  ...contexts.filter(({ projections }) => projections.length > 0).map(({ name }) => projectorName(name)),
  'seals',
  ...contexts.flatMap(({ processes }) => processes.flatMap(({ leads }) => leads)),
]

type LagSources = Pick<Shown, 'store' | 'clock' | 'config' | 'uptimeMs'>

/**
 * How far the read models of a context are behind, in milliseconds. Its own last events show it; where they stand far
 * from the log's end, the heartbeats that its projector sees do, as far as they are late. A projector that has taken
 * nothing in yet is behind since the process began: right after a start that is no fault.
 */
async function lagOf(
  { context, projector }: ContextProjector,
  { store, clock, config, uptimeMs = () => performance.now() }: LagSources,
): Promise<number> {
  const health = projector.health()
  if (health.position === undefined) return (await store.head(`${context}.`)) === undefined ? 0 : uptimeMs()
  const own = await store.head(`${context}.`)
  if (own) return lagMs(health, own, clock.now())
  return Math.max(
    0,
    lagMs(health, await store.head(), clock.now()) - HEARTBEATS_LATE_MAX * config.HEARTBEAT_INTERVAL_MS,
  )
}

async function projectorHealth({ context, projector }: ContextProjector, parts: LagSources): Promise<ProbeResult> {
  const { state, fault, position, parkedStreams, events } = projector.health()
  const lag = await lagOf({ context, projector }, parts)
  const up = state !== 'halted' && (state === 'standby' || lag < parts.config.PROJECTION_LAG_MAX_MS)
  const detail = { state, position: position?.toString() ?? null, lag_ms: lag, parked_streams: parkedStreams, events }
  return { up, ...detail, ...(fault ? { error: fault } : {}) }
}

export function probes(shown: Shown, projectors: readonly ContextProjector[]): Probe[] {
  const { contexts, services, store, db, vault, processes } = shown
  const list: Probe[] = []
  const add = (name: string, required: boolean, check: Probe['check']) => list.push({ name, required, check })
  add('event_store', true, async () => {
    await store.ping()
    return { up: true, kind: services.eventStore.kind }
  })
  add('postgres', true, async () => {
    await sql`SELECT 1`.execute(db)
    return { up: true, kind: services.postgres.kind }
  })
  add('command_stream', false, async () => ({ up: services.stream.stream.isUp(), kind: services.stream.kind }))
  add('person_keys', false, async () => ({ up: vault.missing() === 0, missing: vault.missing() }))
  const { damagedPlaces } = services.eventStore
  if (damagedPlaces) {
    // The whole parts of the log are served.
    add('event_log', false, async () => {
      const damaged = await damagedPlaces()
      return { up: damaged === 0, damaged_places: damaged }
    })
  }
  add('parked_events', false, async () => {
    const parked = await parkedCount(db)
    return { up: parked === 0, events: parked }
  })
  // A context whose projector has halted leaves the others serving.
  for (const each of projectors) add(projectorName(each.context), false, () => projectorHealth(each, shown))
  const here = new Set(list.map(({ name }) => name).concat(processes.flatMap(({ leads }) => leads)))
  for (const name of leadersOf(contexts).filter((each) => !here.has(each))) {
    add(name, false, async () => {
      const isLed = (await withoutLeader(db, [name])).length === 0
      const error = (await readProcessFault(db, name)) ?? (isLed ? undefined : 'no process leads it')
      return { up: error === undefined, state: 'elsewhere', ...(error === undefined ? {} : { error }) }
    })
  }
  for (const { leads, health, probe } of processes)
    add(leads[0] ?? '', false, probe ?? (() => healthOf(health, db, leads[0] ?? '')))
  return list
}

const isWell = ({ state, fault }: Pick<ProcessHealth, 'state' | 'fault'>): boolean =>
  state !== 'halted' && fault === undefined

/** Of one that stands by, also what the one that leads has met, or did before it ended. */
async function healthOf(
  { state, fault: own, handled }: ProcessHealth,
  db: ReadModels,
  name: string,
): Promise<ProbeResult> {
  const fault = own ?? (state === 'standby' ? await readProcessFault(db, name) : undefined)
  return { up: isWell({ state, fault }), state, handled, ...(fault === undefined ? {} : { error: fault }) }
}

/** Shorter than a scrape waits for a figure. */
const ANSWER_MAX_MS = 600

/** 1 where the work succeeds soon, else 0. */
const answers = (work: () => Promise<unknown>): Promise<number> =>
  within(
    ANSWER_MAX_MS,
    work().then(
      () => 1,
      () => 0,
    ),
    0,
  )

/** Undefined while Postgres is away: the last value stands, and readiness says that it is. */
const counted = (count: () => number | undefined | Promise<number | undefined>): Promise<number | undefined> =>
  Promise.try(count).catch((error: unknown) => {
    if (failureOf(error) === 'unavailable') return undefined
    throw error
  })

export function gauges(
  shown: Shown,
  projectors: readonly ContextProjector[],
  ofContexts: readonly GaugeSource[],
): GaugeSource[] {
  const { contexts, services, store, guard, db, clock, vault, processes } = shown
  const list: GaugeSource[] = []
  const add = (name: string, help: string, read: GaugeSource['read']) => list.push({ name, help, read })
  const is = (fact: boolean | undefined): number | undefined => (fact === undefined ? undefined : Number(fact))
  const isHalted = ({ state }: { state: string }) => state === 'halted'
  add('opslog_command_stream_up', 'Whether the command stream answers', () => is(services.stream.stream.isUp()))
  add('opslog_event_store_mismatch', 'Whether the event store has another log than this installation’s', () =>
    is(guard.mismatch() !== undefined),
  )
  add('opslog_event_store_writable', 'Whether the event store took the last append', () => is(store.isWritable()))
  add('opslog_event_store_up', 'Whether the event store has the right log and takes writes', () =>
    answers(() => store.ping()),
  )
  const { damagedPlaces } = services.eventStore
  if (damagedPlaces) {
    add('opslog_event_log_damaged_places', 'Places of the embedded log that cannot be read', damagedPlaces)
  }
  add('opslog_postgres_up', 'Whether Postgres answers', () => answers(() => sql`SELECT 1`.execute(db)))
  add(
    'opslog_clock_offset_seconds',
    'How far this process’s own clock is ahead of Postgres’s, which counts',
    () => clock.offsetMs() / 1_000,
  )
  add('opslog_leaders_missing', 'Processes of the installation that nobody leads', () =>
    counted(async () => (await withoutLeader(db, leadersOf(contexts))).length),
  )
  for (const { name, help, read } of ofContexts) add(name, help, () => counted(read))
  if (projectors.length > 0) {
    const all = () => projectors.map(({ projector }) => projector.health())
    const sum = (value: (of: ReturnType<Projector['health']>) => number) =>
      all().reduce((total, of) => total + value(of), 0)
    add(
      'opslog_projection_lag_seconds',
      'Age of what the read models lack, of the context that is furthest behind',
      async () => Math.max(...(await Promise.all(projectors.map((each) => lagOf(each, shown))))) / 1_000,
    )
    add('opslog_projector_events', 'Events taken in since the start', () => sum(({ events }) => events))
    add('opslog_projector_batches', 'Batches written since the start', () => sum(({ batches }) => batches))
    add('opslog_projector_foreign_events', 'Events of other programs under a name of ours, passed over', () =>
      sum(({ foreignEvents }) => foreignEvents),
    )
    add('opslog_projector_parked_streams', 'Streams parked behind a poison event', () =>
      sum(({ parkedStreams }) => parkedStreams),
    )
    add('opslog_projector_halted', 'Projectors that have halted', () => all().filter(isHalted).length)
  }
  add('opslog_person_keys_missing', 'Persons whose key is lost, as far as was noticed', () => vault.missing())
  add(
    'opslog_processes_halted',
    'Processes that have halted, or go on beside a fault, and need somebody',
    () => processes.filter(({ health }) => !isWell(health)).length,
  )
  return list.concat(processes.flatMap(({ gauges = [] }) => gauges))
}
