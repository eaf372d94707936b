/**
 * The composition: which parts the configured roles need, and the order in which they start and stop. Nothing is
 * decided here that has a rule of its own; this is where the layers meet.
 */
import type { Logger } from 'pino'
import type { Api } from './api.ts'
import { type CommandBus, createCommandBus } from './commands/handle.ts'
import { type Config, ROLES, type Role, readSettings } from './config.ts'
import type { Context } from './context.ts'
import { loadContexts } from './contexts.ts'
import { createLogGuard } from './events/log-identity.ts'
import { createRegistry } from './events/registry.ts'
import { createEventStore, type EventStore } from './events/store.ts'
import { adminAddress, startHealthServer } from './http/health-server.ts'
import { createMetrics } from './http/metrics.ts'
import { startClock } from './postgres/clock.ts'
import { createDatabase } from './postgres/database.ts'
import { gauges, probes } from './processes/health.ts'
import { joinLog } from './processes/log-joining.ts'
import { untilReachable } from './processes/until-reachable.ts'
import { readKnownLog } from './projections/known-log.ts'
import { projectorName } from './projections/projector.ts'
import { prepareSchema } from './projections/schema.ts'
import type { Given, Parts } from './roles.ts'
import { followForgotten, startEngineRole, startFaultNotes, startProcesses, startProjectorRole } from './roles.ts'
import type { GaugeSource, Probe } from './runtime/health.ts'
import type { Services } from './services/backing-services.ts'
import { createKeyRing } from './vault/key-ring.ts'
import { ensureSealingKey, readPreviousKeys } from './vault/secrets-key.ts'
import { createVault, prepareVault } from './vault/vault.ts'

export interface Instance {
  /** Where the API listens and who may try it; undefined without the api role. */
  api: Api | undefined
  /** Order entry; undefined without the engine role. */
  engine: { url: string; token: string } | undefined
  /** Where /healthz and /readyz are: the API's address, or one of their own. */
  health: { url: string }
  /** Takes no new work, finishes what is under way, stops. */
  close(): Promise<void>
}

const isEngineAlone = (config: Config): boolean => config.ROLES.every((role) => role === 'engine')

/** Rejects with InvalidConfiguration where a variable of a context that is to be served does not fit. */
export async function checkSettings(config: Config): Promise<void> {
  if (isEngineAlone(config)) return
  for (const { settings } of await loadContexts(config.CONTEXTS)) if (settings) readSettings(settings, config)
}

/** Starts the roles of the configuration on these services. Rejects, with everything stopped again, where one fails. */
export async function startInstance(config: Config, services: Services, log: Logger): Promise<Instance> {
  const undo: (() => Promise<void>)[] = []
  const stopping = new AbortController()
  const close = async () => {
    const steps = undo.splice(0).toReversed()
    // The API is the last that was started: it drains first, while all that its requests need is still there. Whatever
    // else runs waits for the signal.
    if (config.ROLES.includes('api')) await steps.shift()?.()
    stopping.abort()
    for (const step of steps) await step()
  }
  try {
    const shared = { config, services, log, onClose: (step: () => Promise<void>) => void undo.push(step) }
    return { ...(await startRoles(shared, stopping.signal)), close }
  } catch (error) {
    stopping.abort()
    await close()
    throw error
  }
}

/** The health of a process without an API, on a port of its own. */
async function startHealth(
  { config, onClose }: Given,
  probes: readonly Probe[],
  own: ReadonlySet<string>,
  figures: readonly GaugeSource[] = [],
) {
  const server = await startHealthServer(
    probes,
    own,
    createMetrics(figures),
    adminAddress(config),
    config.READINESS_TIMEOUT_MS,
  )
  onClose(() => server.stop())
  return { url: server.url }
}

/** A context's own way of commands. */
const busFor = (config: Config, store: EventStore): CommandBus =>
  createCommandBus(store, {
    cachedAggregatesMax: config.AGGREGATE_CACHE_MAX,
    seenCommandsMax: config.AGGREGATE_CACHE_COMMANDS_MAX,
    statesMaxBytes: config.AGGREGATE_CACHE_MAX_BYTES,
    conflictRetriesMax: config.CONFLICT_RETRIES_MAX,
  })

/** The event store, once its log and the database know each other. Rejects with LogMismatch where they are strangers. */
async function openStore(
  { config, services, log, onClose }: Given,
  { db, vault, registry, clock }: Pick<Parts, 'db' | 'vault' | 'registry' | 'clock'>,
): Promise<Pick<Parts, 'guard' | 'store'>> {
  const guard = createLogGuard({
    known: () => readKnownLog(db),
    patienceMs: config.LOG_MISMATCH_PATIENCE_MS,
    onMismatch: (sentence) => log.error({ sentence }, 'the event store has another log: nothing is read or written'),
    onMatch: () => log.info({}, 'the event store has the right log: everything goes on'),
  })
  const store = createEventStore({
    guard,
    url: services.eventStore.url,
    registry,
    deadlineMs: config.EVENTSTORE_DEADLINE_MS,
    appendAttemptsMax: config.APPEND_ATTEMPTS_MAX,
    personKeys: vault,
  })
  onClose(() => store.close())
  const join = () => joinLog(store, db, clock.now().toISOString())
  await untilReachable(join, { waitMaxMs: config.START_WAIT_MAX_MS, log })
  return { guard, store }
}

async function startRoles(shared: Given, stopping: AbortSignal): Promise<Omit<Instance, 'close'>> {
  const { config, services, log, onClose } = shared
  const runs = (role: Role) => config.ROLES.includes(role)
  const engine = runs('engine') ? await startEngineRole(shared) : undefined
  if (isEngineAlone(config)) {
    const check = async () => ({ up: services.stream.stream.isUp() })
    const stream = { name: 'command_stream', required: true, check }
    return { api: undefined, engine, health: await startHealth(shared, [stream], new Set([stream.name])) }
  }

  const contexts = await loadContexts(config.CONTEXTS)
  const registry = createRegistry(contexts)
  const db = createDatabase({
    url: services.postgres.url,
    poolMax: config.DATABASE_POOL_MAX,
    connectTimeoutMs: config.DATABASE_CONNECT_TIMEOUT_MS,
    statementTimeoutMs: config.DATABASE_STATEMENT_TIMEOUT_MS,
    onConnectionLost: (err) => log.warn({ err }, 'a Postgres connection was lost'),
  })
  onClose(() => db.destroy())
  const keyRing = createKeyRing({ current: ensureSealingKey(config), previous: readPreviousKeys(config) })
  const prepare = () => prepareVault(db, keyRing).then(() => prepareSchema(db, contexts))
  await untilReachable(prepare, { waitMaxMs: config.START_WAIT_MAX_MS, log })
  const vault = createVault({ db, sealingKey: keyRing, cachedMax: config.PERSON_KEYS_CACHE_MAX, log })
  const clock = await startClock({
    db,
    checkIntervalMs: config.CLOCK_CHECK_INTERVAL_MS,
    offsetAlarmMs: config.CLOCK_OFFSET_ALARM_MS,
    signal: stopping,
    log: log.child({ part: 'clock' }),
  })
  onClose(() => clock.stopped)
  const { guard, store } = await openStore(shared, { db, vault, registry, clock })
  const buses = new Map(contexts.map(({ name }) => [name, busFor(config, store)]))
  const busOf = ({ name }: Context) => buses.get(name)!
  const opened = { contexts, registry, store, guard, busOf, db, clock, vault, keyRing }
  const parts: Parts = { ...shared, ...opened, stopping, processes: [], listening: {} }
  followForgotten(parts)
  const projectors = runs('projector') ? startProjectorRole(parts) : []
  for (const role of ROLES) if (runs(role)) startProcesses(parts, role)
  startFaultNotes(parts)
  // A process without the role does not load the web framework and the documents.
  const api = runs('api') ? await (await import('./api.ts')).startApiRole(parts, projectors) : undefined
  const stores = ['event_store', 'postgres', ...(runs('relay') || engine ? ['command_stream'] : [])]
  const own = new Set([
    ...stores,
    ...projectors.map(({ context }) => projectorName(context)),
    ...parts.processes.flatMap(({ leads }) => leads),
  ])
  if (api) return { api, engine, health: api.health }
  const figures = gauges(parts, projectors, [])
  return { api, engine, health: await startHealth(shared, probes(parts, projectors), own, figures) }
}
