/**
 * The API role: the HTTP application with everything it works on, its probes and its gauges. Keys are checked against a
 * directory in memory that the event log itself keeps up to date.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Directory, keepDirectory } from './api-keys/directory.ts'
import { auditRulesOf } from './audit/declarations.ts'
import { openRawLog } from './audit/raw-log.ts'
import { pinnedSealKeys } from './audit/seal-key.ts'
import { createReadingRecorder } from './commands/audit/reading.ts'
import { parseApiKey } from './commands/noctant/api-key.ts'
import { runSubscription } from './events/subscription.ts'
import { gauges, type Neighbours, probes } from './figures.ts'
import { createApp } from './http/app.ts'
import { audit } from './http/audit/api.ts'
import { createAuditParts } from './http/audit/parts.ts'
import { withParts } from './http/context.ts'
import { defaultHttpLimits } from './http/environment.ts'
import { noctant } from './http/noctant/api.ts'
import { noctantSettings } from './http/noctant/settings.ts'
import { defaultServerOptions, type RunningServer, startServer } from './http/server.ts'
import { isUnavailable } from './postgres/database.ts'
import { importPresets } from './processes/noctant/presets.ts'
import { ensureSandboxOperator, firstRunContext, type Sandbox } from './processes/noctant/sandbox.ts'
import { auditorEventTypes, createAuditorDirectory } from './projections/audit/auditors.ts'
import { createOwnersOf } from './projections/audit/ownership.ts'
import { projectionsCheckpoint } from './projections/checkpoint.ts'
import {
  type CredentialDirectory,
  createCredentialDirectory,
  credentialEventTypes,
} from './projections/noctant/credentials.ts'
import { createPositionWaiters, type PositionWaiters } from './projections/waiter.ts'
import { type Parts, supervision } from './roles.ts'

/** Where the API goes when it was not told, and how many ports further on it looks. */
const DEFAULT_PORT = 8080
const PORTS_TRIED_MAX = 20
/** How long the first key may take to be known before the API is announced. */
const SANDBOX_WAIT_MAX_MS = 10_000
const PROBE_TIMEOUT_MS = 2_000

export interface Api {
  url: string
  sandbox: Sandbox | undefined
}

/** Starts the API and, where it is called for, makes the sandbox operator. Rejects where its port is taken. */
export async function startApiRole(parts: Parts, neighbours: Neighbours): Promise<Api> {
  const { config, services, log, bus, db, onClose } = parts
  const checkpoints = parts.contexts.map(({ name }) => projectionsCheckpoint(name))
  const waiters = createPositionWaiters({ url: services.postgres.url, checkpoints })
  onClose(() => waiters.close())
  const credentials = await follow(parts, 'credentials', createCredentialDirectory(), credentialEventTypes)
  const core = { bus, db, waiter: waiters.of(projectionsCheckpoint('noctant')), clock: parts.clock.now }
  const auditing = createAuditParts({ ...core, ...(await auditParts(parts, waiters)) })
  const app = createApp({
    contexts: [
      withParts(noctant, { ...core, ...noctantSettings(config), personKeys: parts.vault, credentials }),
      withParts(audit, auditing),
    ],
    log: log.child({ part: 'api' }),
    nowMs: () => performance.now(),
    isUnavailable,
    limits: {
      ...defaultHttpLimits,
      bodyMaxBytes: config.BODY_MAX_BYTES,
      jsonDepthMax: config.JSON_DEPTH_MAX,
      readYourWritesWaitMs: config.READ_YOUR_WRITES_WAIT_MS,
      trustProxy: config.TRUST_PROXY,
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
async function auditParts(parts: Parts, waiters: PositionWaiters) {
  const { config, services, contexts, registry, store, db, vault, onClose } = parts
  const log = openRawLog(services.eventStore.url, registry, config.EVENTSTORE_DEADLINE_MS)
  onClose(() => log.close())
  const limits = { auditorsMax: AUDITORS_MAX, conflictRetriesMax: config.CONFLICT_RETRIES_MAX }
  return {
    log,
    rules: auditRulesOf(contexts),
    sealKeys: pinnedSealKeys(config.SEAL_PUBLIC_KEYS, config.DATA_DIR),
    waiter: waiters.of(projectionsCheckpoint('audit')),
    async caughtUp() {
      const heads = contexts.map(async ({ name }) => {
        const head = await log.head(({ type }) => type.startsWith(`${name}.`))
        if (head === undefined) return
        await waiters.of(projectionsCheckpoint(name)).waitFor(head, config.READ_YOUR_WRITES_WAIT_MS)
      })
      await Promise.all(heads)
    },
    ownersOf: createOwnersOf(
      db,
      contexts.flatMap(({ projections }) => projections),
    ),
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

/** A directory in memory that follows the log. Resolves when it is up to date. */
async function follow<D extends Directory>(
  parts: Parts,
  name: string,
  directory: D,
  types: readonly string[],
): Promise<D> {
  const { db, store, log } = parts
  const { following } = await keepDirectory(directory, types, {
    ...{ db, store, catchUpMaxMs: parts.config.START_WAIT_MAX_MS },
    subscribe: (reader) => runSubscription({ ...supervision(parts, name), ...reader }),
    onBehind: (err) => log.warn({ err, name }, 'keys are known as the read models have them, until the log is there'),
  })
  parts.onClose(() => following)
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
