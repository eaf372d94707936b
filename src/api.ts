/**
 * The API role: the HTTP application with everything it works on, its probes and its gauges. Keys are checked against a
 * directory in memory that the event log itself keeps up to date.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { openRawLog } from './audit/raw-log.ts'
import { createReadingRecorder } from './commands/audit/reading.ts'
import { parseApiKey } from './commands/noctant/api-key.ts'
import { runSubscription } from './events/subscription.ts'
import { allFolds } from './folds.ts'
import { type AppDeps, createApp } from './http/app.ts'
import { defaultHttpLimits } from './http/environment.ts'
import type { Probe } from './http/health.ts'
import type { GaugeSource } from './http/metrics.ts'
import { defaultServerOptions, type RunningServer, startServer } from './http/server.ts'
import { importPresets } from './presets.ts'
import type { CommandPathFigures } from './processes/noctant/command-path.ts'
import type { WebhookFigures } from './processes/noctant/webhooks.ts'
import { auditorEventTypes, createAuditorDirectory } from './projections/audit/auditors.ts'
import {
  type CredentialDirectory,
  createCredentialDirectory,
  credentialEventTypes,
} from './projections/noctant/credentials.ts'
import { lagMs, type Projector } from './projections/projector.ts'
import { createPositionWaiter } from './projections/waiter.ts'
import { type Parts, supervision } from './roles.ts'
import { ensureSandboxOperator, firstRunContext, type Sandbox } from './sandbox.ts'

/** Where the API goes when it was not told, and how many ports further on it looks. */
const DEFAULT_PORT = 8080
const PORTS_TRIED_MAX = 20
/** How long the first key may take to be known before the API is announced. */
const SANDBOX_WAIT_MAX_MS = 10_000
/** A projector that is further behind is not fit to serve. */
const LAG_MAX_MS = 30_000
const PROBE_TIMEOUT_MS = 2_000

/** What runs in the same process, for probes and gauges. */
export interface Neighbours {
  projector: Projector | undefined
  commandPath: CommandPathFigures | undefined
  webhooks: WebhookFigures | undefined
}

export interface Api {
  url: string
  sandbox: Sandbox | undefined
}

/** Starts the API and, where it is called for, makes the sandbox operator. Rejects where its port is taken. */
export async function startApiRole(parts: Parts, neighbours: Neighbours): Promise<Api> {
  const { config, services, log, bus, db, onClose } = parts
  const waiter = createPositionWaiter({ url: services.postgres.url })
  onClose(() => waiter.close())
  const credentials = await follow(parts, 'credentials', createCredentialDirectory(), credentialEventTypes)
  const app = createApp({
    bus,
    db,
    credentials,
    audit: await auditParts(parts),
    waiter,
    log: log.child({ part: 'api' }),
    clock: parts.clock.now,
    nowMs: () => performance.now(),
    limits: {
      ...defaultHttpLimits,
      bodyMaxBytes: config.BODY_MAX_BYTES,
      jsonDepthMax: config.JSON_DEPTH_MAX,
      readYourWritesWaitMs: config.READ_YOUR_WRITES_WAIT_MS,
      trustProxy: config.TRUST_PROXY,
      launchTokenTtlMs: config.LAUNCH_TOKEN_TTL_S * 1_000,
      browserSessionTtlMs: config.BROWSER_SESSION_TTL_S * 1_000,
      publicUrl: config.PUBLIC_URL,
      hostedPagesPerMinuteMax: config.HOSTED_PAGES_PER_MINUTE_MAX,
      apiKeyRotationGraceMs: config.API_KEY_ROTATION_GRACE_S * 1_000,
      webhookReplayWindowMaxMs: config.WEBHOOK_REPLAY_WINDOW_MAX_DAYS * 86_400_000,
    },
    health: { probes: probes(parts, neighbours), probeTimeoutMs: PROBE_TIMEOUT_MS },
    gauges: gauges(parts, neighbours),
  })
  const server = await listen(parts, app.fetch)
  onClose(() => server.stop(config.SHUTDOWN_GRACE_MS))
  const host = config.HOST === '0.0.0.0' || config.HOST === '::' ? '127.0.0.1' : config.HOST
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`
  const wanted =
    config.SANDBOX_OPERATOR === 'on' || (config.SANDBOX_OPERATOR === 'auto' && services.eventStore.kind === 'embedded')
  return { url, sandbox: wanted ? await makeSandbox(parts, credentials, url) : undefined }
}

async function makeSandbox({ bus, config, clock }: Parts, credentials: CredentialDirectory, url: string) {
  const sandbox = await ensureSandboxOperator(bus, config.DATA_DIR, url, clock.now)
  await importPresets(bus, () => firstRunContext('import presets', clock.now))
  const keyId = parseApiKey(sandbox.apiKey)?.keyId ?? ''
  const deadlineMs = performance.now() + SANDBOX_WAIT_MAX_MS
  while (!credentials.find(keyId) && performance.now() < deadlineMs) await delay(5)
  return sandbox
}

/** Auditors whose last reading is remembered. */
const AUDITORS_MAX = 1_000

/** What the audit API works with: a client of its own on the log, which never stands in the way of the others. */
async function auditParts(parts: Parts): Promise<AppDeps['audit']> {
  const { config, services, store, vault, onClose } = parts
  const log = openRawLog(services.eventStore.url)
  onClose(() => log.close())
  const limits = { auditorsMax: AUDITORS_MAX, conflictRetriesMax: config.CONFLICT_RETRIES_MAX }
  return {
    log,
    folds: await allFolds(),
    personKeys: vault,
    recorder: createReadingRecorder(store, limits),
    auditors: await follow(parts, 'auditors', createAuditorDirectory(), auditorEventTypes),
    limits: {
      eventsMax: config.AUDIT_SCAN_EVENTS_MAX,
      timeMaxMs: config.AUDIT_SCAN_TIME_MAX_MS,
      stateEventsMax: config.AUDIT_STATE_EVENTS_MAX,
      traceEventsMax: config.AUDIT_TRACE_EVENTS_MAX,
      findingsMax: config.AUDIT_FINDINGS_MAX,
      concurrencyMax: config.AUDIT_CONCURRENCY_MAX,
    },
  }
}

/** A directory in memory: loaded from the read models, then fed by the log. Resolves when it is loaded. */
async function follow<D extends Pick<CredentialDirectory, 'load' | 'apply'>>(
  parts: Parts,
  name: string,
  directory: D,
  types: readonly string[],
): Promise<D> {
  const loaded = Promise.withResolvers<void>()
  const following = runSubscription({
    ...supervision(parts, name),
    types,
    async from() {
      const position = await directory.load(parts.db)
      loaded.resolve()
      return position
    },
    onBatch: async (events) => directory.apply(events),
  })
  parts.onClose(() => following)
  await Promise.race([loaded.promise, following])
  return directory
}

async function listen({ config }: Parts, fetch: Parameters<typeof startServer>[0]['fetch']): Promise<RunningServer> {
  const options = { ...defaultServerOptions, fetch, host: config.HOST, requestTimeoutMs: config.REQUEST_TIMEOUT_MS }
  if (config.PORT !== undefined) return startServer({ ...options, port: config.PORT })
  for (let port = DEFAULT_PORT; ; port++) {
    try {
      return await startServer({ ...options, port })
    } catch (error) {
      const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      if (!taken || port >= DEFAULT_PORT + PORTS_TRIED_MAX) throw error
    }
  }
}

/** Processes with a probe of their own. */
const SPECIAL = ['relay', 'webhooks']

function probes(
  { services, store, db, clock, vault, processes }: Parts,
  { projector, commandPath, webhooks }: Neighbours,
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
  if (projector) {
    list.push({
      name: 'projector',
      required: true,
      check: async () => {
        const { state, fault, position } = projector.figures()
        const lag = lagMs(projector.figures(), await store.head(), clock.now())
        const up = state !== 'halted' && (state === 'standby' || lag < LAG_MAX_MS)
        return { up, state, position: position?.toString() ?? null, lag_ms: lag, ...(fault ? { error: fault } : {}) }
      },
    })
  }
  if (commandPath) {
    list.push({
      name: 'relay',
      required: false,
      check: async () => {
        const { state, fault, quarantined, gaps } = commandPath
        return { up: state !== 'halted', state, quarantined, gaps, ...(fault ? { error: fault } : {}) }
      },
    })
  }
  if (webhooks) {
    list.push({
      name: 'webhooks',
      required: false,
      check: async () => {
        const { state, replays } = webhooks
        const fault = webhooks.fault ?? replays.fault
        const up = state !== 'halted' && replays.state !== 'halted'
        return { up, state, under_way: webhooks.underWay(), ...(fault ? { error: fault } : {}) }
      },
    })
  }
  for (const { name, figures } of processes.filter((each) => !SPECIAL.includes(each.name))) {
    list.push({
      name,
      required: false,
      check: async () => {
        const { state, fault, handled } = figures
        return { up: state !== 'halted', state, handled, ...(fault ? { error: fault } : {}) }
      },
    })
  }
  return list
}

function gauges(
  { services, store, clock, vault, processes }: Parts,
  { projector, commandPath, webhooks }: Neighbours,
): GaugeSource[] {
  const list: GaugeSource[] = [
    {
      name: 'opslog_command_stream_up',
      help: 'Whether the command stream answers',
      read: () => (services.stream.stream.isUp() ? 1 : 0),
    },
  ]
  const add = (name: string, help: string, read: GaugeSource['read']) => list.push({ name, help, read })
  add('opslog_clock_offset_seconds', 'How far this process’s own clock is ahead of Postgres’s, which counts', () => {
    return clock.offsetMs() / 1_000
  })
  if (projector) {
    const figures = () => projector.figures()
    add('opslog_projection_lag_seconds', 'Age of what the read models lack', async () => {
      return lagMs(figures(), await store.head(), clock.now()) / 1_000
    })
    add('opslog_projector_events', 'Events taken in since the start', () => figures().events)
    add('opslog_projector_batches', 'Batches written since the start', () => figures().batches)
    add('opslog_projector_parked_streams', 'Streams parked behind a poison event', () => figures().parkedStreams)
    add('opslog_projector_halted', 'Whether the projector has halted', () => (figures().state === 'halted' ? 1 : 0))
  }
  add('opslog_person_keys_missing', 'Persons whose key is lost, as far as was noticed', () => vault.missing())
  add('opslog_processes_halted', 'Processes that have halted and need somebody', () => {
    return processes.filter(({ figures }) => figures.state === 'halted').length
  })
  if (webhooks) {
    add('opslog_webhook_deliveries', 'Webhook deliveries made since the start', () => webhooks.requested)
    add('opslog_webhook_attempts_under_way', 'Requests to webhook endpoints now', () => webhooks.underWay())
  }
  if (commandPath) {
    add('opslog_relay_commands', 'Engine commands relayed since the start', () => commandPath.handled)
    add('opslog_engine_events_quarantined', 'Engine events set aside since the start', () => commandPath.quarantined)
    add('opslog_engine_log_gaps', 'Gaps seen in the engine’s log since the start', () => commandPath.gaps)
  }
  return list
}
