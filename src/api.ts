/**
 * The API role: the HTTP application with what every context works on, its probes and its gauges. Keys are checked
 * against directories in memory that the event log itself keeps up to date.
 */
import { ObjectStoreUnavailable } from './adapters/object-store/object-store.ts'
import { type Directory, keepDirectory } from './api-keys/directory.ts'
import { type Config, describeConfig, withoutSecret } from './config.ts'
import type { ApiParts, Context, FirstRun, SettingShown } from './context.ts'
import { runSubscription } from './events/subscription.ts'
import { createApp } from './http/app.ts'
import { createCallers } from './http/callers.ts'
import { createSealer } from './http/cursor.ts'
import { health, liveness, readinessOf } from './http/health.ts'
import { adminAddress, serveHealth, urlOf } from './http/health-server.ts'
import { createMetrics } from './http/metrics.ts'
import { CALLERS_MAX, type WindowOf } from './http/rate-limit.ts'
import { defaultServerOptions, type RunningServer, type ServerOptions, startServer } from './http/server.ts'
import { createSharedRates } from './http/shared-rates.ts'
import { createTurns, defaultTurnLimits } from './http/turns.ts'
import { failureOf } from './postgres/failure.ts'
import { withoutLeader } from './postgres/leadership.ts'
import { type ContextProjector, gauges, probes } from './processes/health.ts'
import { untilReachable } from './processes/until-reachable.ts'
import { projectionsCheckpoint } from './projections/checkpoint.ts'
import { addRateCounts, dropRateCounts } from './projections/rate-counts.ts'
import { createPositionWaiters } from './projections/waiter.ts'
import { contextParts, type Parts, PORT_DEFAULT, supervision } from './roles.ts'

/** How many ports after PORT_DEFAULT it tries. */
const PORTS_TRIED_MAX = 20

export interface Api {
  url: string
  /** Where /readyz and /metrics are: the same, or an address of their own. */
  health: { url: string }
  /** Keys for those who try it, by context. */
  firstRuns: ReadonlyMap<string, FirstRun>
  /** Paths at which newcomers register themselves. */
  registersAt: readonly string[]
  /** A link by which whoever has started the instance comes in; undefined: there is nothing to come into. */
  entrance: (() => Promise<string>) | undefined
}

/** Starts the API and, where it is called for, what contexts do at a first start. Rejects where its port is taken. */
export async function startApiRole(parts: Parts, projectors: readonly ContextProjector[]): Promise<Api> {
  const { config, services, log, onClose } = parts
  const drains: (() => void)[] = []
  const contexts = await serveContexts(parts, (step) => void drains.push(step))
  let hasStarted = false
  const served = await Promise.all(contexts.map(async (each) => ({ api: await each.context.api(), ...each.served })))
  const ofContexts = contexts.flatMap((each) => each.served.gauges ?? [])
  const metrics = createMetrics(gauges(parts, projectors, ofContexts))
  const shown = {
    probes: [...probes(parts, projectors), ...contexts.flatMap((each) => each.served.probes ?? [])],
    probeTimeoutMs: config.READINESS_TIMEOUT_MS,
    hasStarted: () => hasStarted,
  }
  const readiness = readinessOf(shown)
  const apart =
    config.ADMIN_PORT === undefined ? undefined : await serveHealth(shown, metrics, adminAddress(config), readiness)
  if (apart) onClose(() => apart.stop())
  const callers = createCallers(config.TRUST_PROXY)
  const turns = createTurns({
    ...defaultTurnLimits,
    waitingMax: config.REQUESTS_WAITING_MAX,
    unknownWaitingMax: config.ANONYMOUS_REQUESTS_WAITING_MAX,
    unknownMaxPercent: config.ANONYMOUS_LOOP_MAX_PERCENT,
  })
  const app = createApp({
    ...{ callers, turns },
    contexts: served,
    log: log.child({ part: 'api' }),
    nowMs: () => performance.now(),
    windowOf: shareRates(parts),
    isUnavailable: (error) => error instanceof ObjectStoreUnavailable || failureOf(error) === 'unavailable',
    sealer: createSealer(parts.keyRing.all),
    limits: {
      bodyMaxBytes: config.BODY_MAX_BYTES,
      ...{ jsonDepthMax: config.JSON_DEPTH_MAX, jsonTokensMax: config.JSON_TOKENS_MAX },
      readYourWritesWaitMs: config.READ_YOUR_WRITES_WAIT_MS,
      authFailuresPerMinuteMax: config.AUTH_FAILURES_PER_MINUTE_MAX,
      anonymousPerMinuteMax: config.ANONYMOUS_PER_MINUTE_MAX,
      bodiesInFlightMaxBytes: config.BODIES_IN_FLIGHT_MAX_BYTES,
      bodiesInFlightPerAddressMaxBytes: config.BODIES_IN_FLIGHT_PER_ADDRESS_MAX_BYTES,
      answersUnreadMaxBytes: config.ANSWERS_UNREAD_MAX_BYTES,
      answersUnreadInAllMaxBytes: config.ANSWERS_UNREAD_IN_ALL_MAX_BYTES,
      answerTakenMaxMs: config.ANSWER_TAKEN_MAX_MS,
      tenantInFlightMax: config.TENANT_REQUESTS_IN_FLIGHT_MAX,
      tenantLoopMaxPercent: config.TENANT_LOOP_MAX_PERCENT,
      tenantLoopWindowMs: config.TENANT_LOOP_WINDOW_MS,
      tenantListsMax: config.TENANT_LISTS_MAX,
      trustProxy: config.TRUST_PROXY,
    },
    health: apart ? liveness(shown) : health(shown, metrics, undefined, readiness),
    readiness,
    metrics,
  })
  // Made at the first request, they would hold up everybody for a fifth of a second.
  const documents = served.filter(({ api }) => api.operations.length > 0).map(({ api }) => `/${api.name}/openapi.json`)
  for (const path of ['/docs', '/docs/viewer.js', ...documents]) await app.request(path)
  const transfers = served.flatMap(({ api }) => api.transfers ?? [])
  const isTransfer = (path: string) => transfers.some((start) => path.startsWith(start))
  const server = await listen(parts, { fetch: app.fetch, isTransfer, callerOf: callers.of, turns })
  onClose(() => {
    for (const step of drains) step()
    return server.stop(config.SHUTDOWN_GRACE_MS)
  })
  const url = urlOf(config.HOST, server.port)
  parts.listening.url = url
  const wanted =
    config.SANDBOX_OPERATOR === 'on' || (config.SANDBOX_OPERATOR === 'auto' && services.eventStore.kind === 'embedded')
  const firstRuns = new Map<string, FirstRun>()
  const { START_WAIT_MAX_MS: waitMaxMs } = config
  for (const { context, served } of wanted ? contexts : []) {
    const { firstRun } = served
    if (firstRun) firstRuns.set(context.name, await untilReachable(() => firstRun(url), { waitMaxMs, log }))
  }
  hasStarted = true
  const registersAt = contexts.flatMap(({ served }) => served.registersAt ?? [])
  const entrance = contexts.map(({ served }) => served.entrance).find((each) => each !== undefined)
  return { url, health: apart ?? { url }, firstRuns, registersAt, entrance }
}

/** Callers whose counts one statement adds. */
const RATE_BATCH_MAX = 5_000

/** Counts rate limits together with the installation's other API processes. */
function shareRates({ config, db, clock, log, onClose }: Parts): WindowOf {
  const rates = createSharedRates({
    add: (windowAt, counts) => addRateCounts(db, windowAt, counts),
    drop: (before) => dropRateCounts(db, before),
    now: clock.now,
    intervalMs: config.RATE_SHARE_INTERVAL_MS,
    ...{ keysMax: CALLERS_MAX, batchMax: RATE_BATCH_MAX },
    log: log.child({ part: 'rates' }),
  })
  const stop = new AbortController()
  const running = rates.run(stop.signal)
  onClose(async () => {
    stop.abort()
    await running
  })
  return rates.windowOf
}

/** What each context's HTTP works with. */
async function serveContexts(parts: Parts, onDrain: ApiParts['onDrain']) {
  const { config, contexts, services, onClose } = parts
  const checkpoints = contexts.map(({ name }) => projectionsCheckpoint(name))
  const waiters = createPositionWaiters({ url: services.postgres.url, checkpoints })
  onClose(() => waiters.close())
  const waiterOf = (context: string) => waiters.of(projectionsCheckpoint(context))
  const caughtUp: ApiParts['caughtUp'] = async (wantedFrom) => {
    const heads = contexts.map(async ({ name }) => {
      const head = await wantedFrom(`${name}.`)
      if (head !== undefined) await waiterOf(name).waitFor(head, config.READ_YOUR_WRITES_WAIT_MS)
    })
    await Promise.all(heads)
  }
  const known = await Promise.all(contexts.map((context) => followDirectories(parts, context)))
  const logReaders = known.flatMap(({ findReader }) => findReader ?? [])
  const isLed = async (name: string) => (await withoutLeader(parts.db, [name])).length === 0
  const settingsShown = () => shownSettings(config, contexts)
  const shared = { contexts, logReaders, caughtUp, isLed, onDrain, onClose, settingsShown }
  return Promise.all(
    known.map(async ({ context, directories }) => {
      const own = { ...contextParts(parts, context), ...shared, waiter: waiterOf(context.name), directories }
      return { context, served: await context.serve(own) }
    }),
  )
}

const shownSettings = (config: Config, contexts: readonly Context[]): SettingShown[] =>
  describeConfig(contexts).map(({ name, fallback, description }) => {
    const given = config.GIVEN[name]
    const value = given === undefined ? fallback : withoutSecret(name, given)
    return { name, value, fallback, source: given === undefined ? 'default' : 'environment', description }
  })

/** Lets what a context keeps in memory follow the log. Resolves when all of it is up to date. */
async function followDirectories(parts: Parts, context: Context) {
  const { db, store, log, config, onClose } = parts
  const directories = (await context.directories?.()) ?? {}
  const follow = async ([directory, kept]: [string, Directory]) => {
    const name = `${context.name}-${directory}`
    const { following } = await keepDirectory(kept, {
      ...{ db, store, catchUpMaxMs: config.START_WAIT_MAX_MS },
      subscribe: (reader) => runSubscription({ ...supervision(parts, name), ...reader }),
      onBehind: (err) => log.warn({ err, name }, 'keys are known as the read models have them, until the log is there'),
    })
    onClose(() => following)
  }
  await Promise.all(Object.entries(directories).map(follow))
  return { context, directories, findReader: await context.findLogReader?.(directories) }
}

async function listen(
  { config }: Parts,
  served: Pick<ServerOptions, 'fetch' | 'isTransfer' | 'callerOf' | 'turns'>,
): Promise<RunningServer> {
  const options = {
    ...defaultServerOptions,
    ...served,
    host: config.HOST,
    headersMaxBytes: config.HEADERS_MAX_BYTES,
    headersTimeoutMs: config.HEADERS_TIMEOUT_MS,
    keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT_MS,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    transferTimeoutMs: config.TRANSFER_TIMEOUT_MS,
    stallTimeoutMs: config.ANSWER_STALL_MAX_MS,
    connectionsMax: config.CONNECTIONS_MAX,
    // All of a proxy's connections come from one address.
    connectionsPerAddressMax: config.TRUST_PROXY ? Number.POSITIVE_INFINITY : config.CONNECTIONS_PER_ADDRESS_MAX,
    pipelinedMax: config.PIPELINED_REQUESTS_MAX,
    pipelinedPerCallerMax: config.PIPELINED_PER_CALLER_MAX,
  }
  const portMax = config.PORT ?? PORT_DEFAULT + PORTS_TRIED_MAX
  for (let port = config.PORT ?? PORT_DEFAULT; ; port++) {
    try {
      return await startServer({ ...options, port })
    } catch (error) {
      const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      if (!taken || port >= portMax) throw error
    }
  }
}
