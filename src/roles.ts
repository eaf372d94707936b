/**
 * The roles other than the API: what each part is given. A role gets the shared parts, starts, and leaves behind how it
 * is to be stopped; it decides nothing.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { openRawLog } from './audit/raw-log.ts'
import { ensureSealKey } from './audit/seal-key.ts'
import { runSealing } from './audit/sealing.ts'
import { type CommandBus, createCommandBus } from './commands/handle.ts'
import type { Config } from './config.ts'
import type { Context } from './context.ts'
import type { Services } from './embedded/backing-services.ts'
import { syntheticFeed } from './engine/feed.ts'
import { startEngine } from './engine/service.ts'
import { referenceSymbols } from './engine/symbols.ts'
import type { Registry } from './events/registry.ts'
import type { EventStore } from './events/store.ts'
import { readHistory, runSubscription } from './events/subscription.ts'
import type { Clock } from './postgres/clock.ts'
import type { ReadModels } from './postgres/database.ts'
import { runHeartbeat } from './processes/heartbeat.ts'
import { runChallengeRules } from './processes/noctant/challenge-rules.ts'
import { type CommandPathFigures, newCommandPathFigures, runCommandPath } from './processes/noctant/command-path.ts'
import { runPayoutExecution } from './processes/noctant/payout-execution.ts'
import { runWebhooks } from './processes/noctant/webhooks.ts'
import { newProcessFigures, type ProcessFigures, type Subscribe } from './processes/process.ts'
import { type Projector, projectorName, startProjector } from './projections/projector.ts'
import type { KeyRing } from './vault/key-ring.ts'
import type { Vault } from './vault/vault.ts'
import { newWebhookFigures, type WebhookFigures } from './webhooks/process.ts'
import { openSecret } from './webhooks/secret.ts'

/** A process and how it is doing. */
export interface NamedFigures {
  name: string
  figures: ProcessFigures
}

/** The projector of a context, where it runs in this process. */
export interface ContextProjector {
  context: string
  projector: Projector
}

export interface Parts {
  config: Config
  contexts: readonly Context[]
  /** What the log's events mean. */
  registry: Registry
  services: Services
  log: Logger
  store: EventStore
  /** The one way of commands in this process, so that a state is kept once. */
  bus: CommandBus
  db: ReadModels
  clock: Clock
  /** The keys of persons, and the instance's own key. */
  vault: Vault
  keyRing: KeyRing
  /** Aborts when the instance stops. */
  stopping: AbortSignal
  /** Every process that runs here, for readiness and metrics. */
  processes: NamedFigures[]
  /** What is left here is done at the stop, the last first. */
  onClose(undo: () => Promise<void>): void
}

/** The reference engine and its order entry, behind a token that is new at every start. */
export async function startEngineRole({
  config,
  services,
  log,
  onClose,
}: Omit<
  Parts,
  'contexts' | 'registry' | 'store' | 'bus' | 'db' | 'clock' | 'vault' | 'keyRing' | 'stopping' | 'processes'
>) {
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
export function supervision({ config, services, registry, log, vault, stopping }: Parts, name: string) {
  return {
    url: services.eventStore.url,
    registry,
    name,
    personKeys: vault,
    batchMax: config.SUBSCRIPTION_BATCH_MAX,
    readTimeoutMs: config.SUBSCRIPTION_SILENCE_MAX_MS,
    backoffMinMs: config.SUBSCRIPTION_BACKOFF_MIN_MS,
    backoffMaxMs: config.SUBSCRIPTION_BACKOFF_MAX_MS,
    signal: stopping,
    onError: (err: unknown, retryInMs: number) => log.warn({ err, name, retryInMs }, 'subscription lost; resuming'),
  }
}

/**
 * Whoever is forgotten, in whichever process, goes from the memory of this one as soon as the log says so. There is no
 * history to catch up with: what is read from now on is read with the keys that there still are.
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

/** A projector for each context, and the heartbeat that keeps them and everybody else's subscriptions moving. */
export function startProjectorRole(parts: Parts): ContextProjector[] {
  const { config, contexts, log, store, stopping, onClose } = parts
  const projectors = contexts
    .filter(({ projections }) => projections.length > 0)
    .map((context) => ({ context: context.name, projector: startContextProjector(parts, context) }))
  onClose(async () => void (await Promise.all(projectors.map(({ projector }) => projector.stop()))))
  const onError = (err: unknown) => log.warn({ err }, 'no heartbeat: the event store does not answer')
  const beating = runHeartbeat({ store, intervalMs: config.HEARTBEAT_INTERVAL_MS, signal: stopping, onError })
  onClose(() => beating)
  startSealing(parts)
  return projectors
}

function startContextProjector(parts: Parts, { name: context, projections }: Context): Projector {
  const { config, services, registry, log, store, db } = parts
  const { PROJECTOR_BATCH_INTERVAL_MS: batchIntervalMs } = config
  const name = projectorName(context)
  const history = {
    url: services.eventStore.url,
    registry,
    batchMax: config.SUBSCRIPTION_BATCH_MAX,
    readTimeoutMs: config.EVENTSTORE_DEADLINE_MS,
    personKeys: parts.vault,
  }
  return startProjector({
    context,
    db,
    url: services.postgres.url,
    projections,
    source: (reader) =>
      runSubscription({ ...supervision(parts, name), batchIntervalMs, types: [`${context}.`], ...reader }),
    readHistory: (after) => readHistory(history, after),
    eventIdAt: store.eventIdAt,
    log: log.child({ part: name }),
  })
}

/** Seals the log at intervals. */
function startSealing(parts: Parts): void {
  const { config, services, registry, store, clock, stopping, onClose } = parts
  const { figures, log: report, databaseUrl, retryMs } = dependenciesOf(parts, 'seals', newProcessFigures())
  const log = openRawLog(services.eventStore.url, registry)
  const privateKey = ensureSealKey(config.DATA_DIR)
  const times = { intervalMs: config.SEAL_INTERVAL_S * 1_000, retryMs, now: clock.now, signal: stopping }
  const running = runSealing({ ...times, log, store, databaseUrl, privateKey, file: config.SEAL_FILE, figures, report })
  onClose(() => running.finally(() => log.close()))
}

/** What every process of the instance works with. */
function dependenciesOf<F extends ProcessFigures>(parts: Parts, name: string, figures: F) {
  const { config, services, log, store, db, clock, stopping } = parts
  parts.processes.push({ name, figures })
  return {
    db,
    databaseUrl: services.postgres.url,
    store,
    subscribe: ((reader) => runSubscription({ ...supervision(parts, name), ...reader })) satisfies Subscribe,
    log: log.child({ part: name }),
    signal: stopping,
    now: clock.now,
    figures,
    retryMs: config.PROCESS_RETRY_MS,
    checkpointIntervalMs: config.PROCESS_CHECKPOINT_INTERVAL_MS,
  }
}

/** Relay, sweeper and engine ingest. */
export function startRelayRole(parts: Parts): CommandPathFigures {
  const { config, services, onClose } = parts
  const figures = newCommandPathFigures()
  const running = runCommandPath({
    ...dependenciesOf(parts, 'relay', figures),
    stream: services.stream.stream,
    limits: {
      concurrencyMax: config.RELAY_CONCURRENCY_MAX,
      republishBackoffMinMs: config.REPUBLISH_BACKOFF_MIN_MS,
      republishBackoffMaxMs: config.REPUBLISH_BACKOFF_MAX_MS,
      republishAttemptsMax: config.REPUBLISH_ATTEMPTS_MAX,
      sweepIntervalMs: config.SWEEP_INTERVAL_MS,
      sweepBatchMax: config.SWEEP_BATCH_MAX,
      ackPendingMax: config.INGEST_ACK_PENDING_MAX,
      ackWaitMs: config.INGEST_ACK_WAIT_MS,
      accountsCacheMax: config.INGEST_ACCOUNTS_CACHE_MAX,
      resendIntervalMs: config.RESEND_INTERVAL_MS,
    },
  })
  onClose(() => running)
  startPayoutExecution(parts)
  startChallengeRules(parts)
  return figures
}

/** Holds challenges to their rules. */
function startChallengeRules(parts: Parts): void {
  const { config, bus, onClose } = parts
  const limits = {
    recordIntervalMs: config.CHALLENGE_RECORD_INTERVAL_MS,
    sweepIntervalMs: config.CHALLENGE_SWEEP_INTERVAL_MS,
    graceMs: config.CHALLENGE_GRACE_MS,
    sweepBatchMax: config.CHALLENGE_SWEEP_BATCH_MAX,
    concurrencyMax: config.CHALLENGE_CONCURRENCY_MAX,
    accountsCacheMax: config.CHALLENGE_ACCOUNTS_CACHE_MAX,
  }
  const running = runChallengeRules({ ...dependenciesOf(parts, 'challenge-rules', newProcessFigures()), bus, limits })
  onClose(() => running)
}

/** Carries payouts to the accounts and the engine's word on them back. */
function startPayoutExecution(parts: Parts): void {
  const { bus, onClose } = parts
  const running = runPayoutExecution({ ...dependenciesOf(parts, 'payouts', newProcessFigures()), bus })
  onClose(() => running)
}

/** Added to a wait by chance, as a part of it. */
const WEBHOOK_JITTER_RATIO = 0.2
/** For the read models to take in the account that an engine's event is about. */
const OWNER_WAIT_MAX_MS = 30_000

/** Webhook delivery. */
export function startWebhooksRole(parts: Parts): WebhookFigures {
  const { config, store, onClose } = parts
  const figures = newWebhookFigures()
  // A delivery is a stream that is used for a while and never again: in the common cache it would push accounts out.
  const bus = createCommandBus(store, {
    cachedAggregatesMax: config.WEBHOOK_CACHE_MAX,
    seenCommandsMax: config.AGGREGATE_CACHE_COMMANDS_MAX,
    conflictRetriesMax: config.CONFLICT_RETRIES_MAX,
  })
  const running = runWebhooks({
    ...dependenciesOf(parts, 'webhooks', figures),
    bus,
    openSecret: async (sealed, name) => openSecret(sealed, name, parts.keyRing.all()),
    limits: {
      timeoutMs: config.WEBHOOK_TIMEOUT_MS,
      excerptMaxBytes: config.WEBHOOK_EXCERPT_MAX_BYTES,
      allowLoopback: config.WEBHOOK_ALLOW_PRIVATE,
      scheduleMs: config.WEBHOOK_RETRY_SCHEDULE_MS,
      jitterRatio: WEBHOOK_JITTER_RATIO,
      retryAfterMaxMs: config.WEBHOOK_RETRY_AFTER_MAX_MS,
      disableAfterMs: config.WEBHOOK_DISABLE_AFTER_MS,
      concurrencyMax: config.WEBHOOK_CONCURRENCY_MAX,
      endpointConcurrencyMax: config.WEBHOOK_ENDPOINT_CONCURRENCY_MAX,
      endpointQueueMax: config.WEBHOOK_ENDPOINT_QUEUE_MAX,
      pollIntervalMs: config.WEBHOOK_POLL_INTERVAL_MS,
      pollBatchMax: config.WEBHOOK_POLL_BATCH_MAX,
      drainMs: config.WEBHOOK_DRAIN_MS,
      cachedMax: config.WEBHOOK_CACHE_MAX,
      ownerWaitMaxMs: OWNER_WAIT_MAX_MS,
    },
  })
  onClose(() => running)
  return figures
}
