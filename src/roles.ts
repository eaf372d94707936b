/**
 * The roles other than the API: what each part is given. A role gets the shared parts, starts, and leaves behind how it
 * is to be stopped; it decides nothing.
 */
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { Logger } from 'pino'
import { openRawLog } from './audit/raw-log.ts'
import { ensureSealKey, sealKeyFile } from './audit/seal-key.ts'
import { runSealing, type SealPost } from './audit/sealing.ts'
import type { CommandBus } from './commands/handle.ts'
import { Rejected } from './commands/rejection.ts'
import { type Config, type Role, readSettings } from './config.ts'
import type { Context, ContextParts, RunningProcess } from './context.ts'
import { syntheticFeed } from './engine/feed.ts'
import { referenceSymbols } from './engine/symbols.ts'
import type { LogGuard, LogView } from './events/log-identity.ts'
import type { Registry } from './events/registry.ts'
import type { EventStore } from './events/store.ts'
import { readHistory, runSubscription } from './events/subscription.ts'
import type { Clock } from './postgres/clock.ts'
import type { ReadModels } from './postgres/database.ts'
import { runFaultNotes } from './processes/fault-notes.ts'
import type { ContextProjector } from './processes/health.ts'
import { runHeartbeat } from './processes/heartbeat.ts'
import { newProcessHealth, type ProcessHealth, type Subscribe } from './processes/process.ts'
import { type Projector, projectorName, startProjector } from './projections/projector.ts'
import { InvalidConfiguration } from './runtime/invalid-configuration.ts'
import type { Services } from './services/backing-services.ts'
import type { KeyRing } from './vault/key-ring.ts'
import type { Vault } from './vault/vault.ts'
import { webhookUrl } from './webhooks/address.ts'
import { createResolve } from './webhooks/request.ts'
import { createSealSender } from './webhooks/seal-post.ts'

/** The API's port where PORT is unset and the port free. */
export const PORT_DEFAULT = 8080

/** A process that runs here, and the names that it leads under. */
export interface NamedProcess extends Omit<RunningProcess, 'ended'> {
  leads: readonly string[]
}

export interface Parts {
  config: Config
  contexts: readonly Context[]
  /** What the log's events mean. */
  registry: Registry
  services: Services
  log: Logger
  store: EventStore
  /** Knows the log that this installation belongs to. */
  guard: LogGuard
  /** A context's one way of commands in this process, so that a state is kept once. */
  busOf(context: Context): CommandBus
  db: ReadModels
  clock: Clock
  /** The keys of persons, and the instance's own key. */
  vault: Vault
  keyRing: KeyRing
  /** Where the API listens, once it does so in this process. */
  listening: { url?: string }
  /** Aborts when the instance stops. */
  stopping: AbortSignal
  /** Every process that runs here, for readiness and metrics. */
  processes: NamedProcess[]
  /** What is left here is done at the stop, the last first. */
  onClose(undo: () => Promise<void>): void
}

/** What a role is given before anything else is open. */
export type Given = Pick<Parts, 'config' | 'services' | 'log' | 'onClose'>

/** The reference engine and its order entry, behind a token that is new at every start. */
export async function startEngineRole({ config, services, log, onClose }: Given) {
  const { startEngine } = await import('./engine/service.ts')
  const token = randomBytes(32).toString('base64url')
  const engine = await startEngine({
    directory: join(config.DATA_DIR, 'engine'),
    feedsDirectory: join(config.DATA_DIR, 'feeds'),
    stream: services.stream.stream,
    feed: syntheticFeed({ seed: String(config.ENGINE_FEED_SEED), symbols: referenceSymbols }),
    orderEntry: { host: '127.0.0.1', port: config.ENGINE_PORT, token },
    log: log.child({ part: 'engine' }),
    tickIntervalMs: config.ENGINE_TICK_INTERVAL_MS,
    rules: { markIntervalMs: config.ENGINE_MARK_INTERVAL_MS },
  })
  onClose(() => engine.close())
  return { url: engine.url, token }
}

/** How every subscription of the instance is supervised. */
export function supervision({ config, services, registry, guard, log, vault, stopping }: Parts, name: string) {
  return {
    url: services.eventStore.url,
    registry,
    name,
    personKeys: vault,
    confirm: (view: LogView) => guard.confirm(view),
    batchMax: config.SUBSCRIPTION_BATCH_MAX,
    readTimeoutMs: config.SUBSCRIPTION_SILENCE_MAX_MS,
    backoffMinMs: config.SUBSCRIPTION_BACKOFF_MIN_MS,
    backoffMaxMs: config.SUBSCRIPTION_BACKOFF_MAX_MS,
    signal: stopping,
    onError: (err: unknown, retryInMs: number) => log.warn({ err, name, retryInMs }, 'subscription lost; resuming'),
  }
}

/**
 * Removes forgotten persons from this process's memory as soon as the log says so, whichever process forgot them. There is
 * no history to catch up with: from now on everything is read with the keys that still exist.
 */
export function followForgotten(parts: Parts): void {
  let seen: bigint | undefined
  const following = runSubscription({
    ...supervision(parts, 'forgotten'),
    types: parts.registry.forgettingTypes,
    async from() {
      seen ??= (await parts.store.head())?.position
      return seen
    },
    // The reader tells the vault by itself, before it delivers.
    async onBatch(events) {
      seen = events.at(-1)?.position
    },
  })
  parts.onClose(() => following)
}

/** A projector for each context, and the heartbeat that keeps every subscription moving. */
export function startProjectorRole(parts: Parts): ContextProjector[] {
  const { config, contexts, log, store, stopping, onClose } = parts
  const projectors = contexts
    .filter(({ projections }) => projections.length > 0)
    .map((context) => ({ context: context.name, projector: startContextProjector(parts, context) }))
  onClose(async () => void (await Promise.all(projectors.map(({ projector }) => projector.stop()))))
  const onError = (err: unknown) => log.warn({ err }, 'no heartbeat: the event store does not answer')
  const { HEARTBEAT_INTERVAL_MS: intervalMs, HEARTBEAT_IDLE_INTERVAL_MS: idleIntervalMs } = config
  const beating = runHeartbeat({ store, intervalMs, idleIntervalMs, signal: stopping, onError })
  onClose(() => beating)
  startSealing(parts)
  return projectors
}

function startContextProjector(parts: Parts, { name: context, projections }: Context): Projector {
  const { config, services, registry, guard, log, store, db } = parts
  const { PROJECTOR_BATCH_INTERVAL_MS: batchIntervalMs } = config
  const name = projectorName(context)
  const types = [`${context}.`]
  const history = {
    url: services.eventStore.url,
    registry,
    batchMax: config.SUBSCRIPTION_BATCH_MAX,
    readTimeoutMs: config.EVENTSTORE_DEADLINE_MS,
    personKeys: parts.vault,
    types,
    confirm: (view: LogView) => guard.confirm(view),
  }
  return startProjector({
    context,
    db,
    url: services.postgres.url,
    projections,
    source: (reader) => runSubscription({ ...supervision(parts, name), batchIntervalMs, types, ...reader }),
    readHistory: (after) => readHistory(history, after),
    eventIdAt: store.eventIdAt,
    log: log.child({ part: name }),
  })
}

/** Seals the log at intervals. */
function startSealing(parts: Parts): void {
  const { config, services, registry, store, clock, stopping, onClose } = parts
  const { health, log: report, databaseUrl, retryMs } = dependenciesOf(parts, 'seals', newProcessHealth())
  const log = openRawLog(services.eventStore.url, registry)
  const privateKey = ensureSealKey(sealKeyFile(config))
  const times = { intervalMs: config.SEAL_INTERVAL_S * 1_000, retryMs, now: clock.now, signal: stopping }
  const offered = { file: config.SEAL_FILE, post: sealPostOf(parts) }
  const running = runSealing({ ...times, ...offered, log, store, databaseUrl, privateKey, health, report })
  parts.processes.push({ leads: ['seals'], health })
  onClose(() => running.finally(() => log.close()))
}

/** Where seals are posted to. Throws InvalidConfiguration where the settings do not go together. */
function sealPostOf({ config, clock }: Parts): SealPost | undefined {
  const { SEAL_WEBHOOK_URL: url, SEAL_WEBHOOK_SECRET: secret } = config
  if (url === undefined) return undefined
  if (secret === undefined)
    throw new InvalidConfiguration('SEAL_WEBHOOK_URL needs SEAL_WEBHOOK_SECRET: whsec_… in base64.')
  const limits = {
    timeoutMs: config.WEBHOOK_TIMEOUT_MS,
    excerptMaxBytes: config.WEBHOOK_EXCERPT_MAX_BYTES,
    allowLoopback: config.WEBHOOK_ALLOW_PRIVATE,
  }
  try {
    webhookUrl(url, limits, Rejected)
  } catch (error) {
    throw new InvalidConfiguration(`SEAL_WEBHOOK_URL cannot be used. ${(error as Error).message}`)
  }
  return {
    send: createSealSender({ url, secret, limits, resolve: createResolve(), now: clock.now }),
    // With the key: another projector that takes over knows both.
    marker: join(dirname(sealKeyFile(config)), 'seal-posted'),
    backlogMax: config.SEAL_WEBHOOK_BACKLOG_MAX,
    retryScheduleMs: config.WEBHOOK_RETRY_SCHEDULE_MS,
  }
}

/** What every process of the instance works with. */
function dependenciesOf<F extends ProcessHealth>(parts: Parts, name: string, health: F) {
  const { config, services, log, store, db, clock, stopping } = parts
  return {
    db,
    databaseUrl: services.postgres.url,
    store,
    subscribe: ((reader) => runSubscription({ ...supervision(parts, name), ...reader })) satisfies Subscribe,
    log: log.child({ part: name }),
    signal: stopping,
    now: clock.now,
    health,
    retryMs: config.PROCESS_RETRY_MS,
    checkpointIntervalMs: config.PROCESS_CHECKPOINT_INTERVAL_MS,
    pace: {
      concurrencyMax: config.DUE_WORK_CONCURRENCY_MAX,
      retryMinMs: config.DUE_WORK_RETRY_MIN_MS,
      retryMaxMs: config.DUE_WORK_RETRY_MAX_MS,
      drainMs: config.DUE_WORK_DRAIN_MS,
    },
  }
}

/** What they meet is noted for the processes of the installation that run elsewhere. */
export function startFaultNotes({ config, db, processes, stopping: signal, log, onClose }: Parts): void {
  const intervalMs = config.PROCESS_FAULTS_INTERVAL_MS
  const noting = runFaultNotes({ db, processes, intervalMs, signal, log: log.child({ part: 'process faults' }) })
  onClose(() => noting)
}

const apiUrlOf = ({ config: { PUBLIC_URL, PORT }, listening }: Parts): string =>
  (PUBLIC_URL ?? listening.url ?? `http://127.0.0.1:${PORT || PORT_DEFAULT}`).replace(/\/+$/, '')

/** What an instance gives to a context's own parts. */
export const contextParts = (parts: Parts, context: Context): ContextParts => ({
  config: parts.config,
  settings: (schema) => readSettings(schema, parts.config),
  services: parts.services,
  registry: parts.registry,
  store: parts.store,
  bus: parts.busOf(context),
  db: parts.db,
  clock: parts.clock,
  apiUrl: () => apiUrlOf(parts),
  vault: parts.vault,
  keyRing: parts.keyRing,
  dependenciesOf: (name, health) => dependenciesOf(parts, name, health),
})

/** The contexts' processes that this role runs. */
export function startProcesses(parts: Parts, role: Role): void {
  for (const context of parts.contexts) {
    for (const declaration of context.processes.filter((each) => each.role === role)) {
      const running = declaration.start(contextParts(parts, context))
      parts.processes.push({ leads: declaration.leads, ...running })
      parts.onClose(() => running.ended)
    }
  }
}
