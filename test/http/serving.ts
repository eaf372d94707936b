/**
 * One context over its real components: an event store, PostgreSQL, its projector, its directories, and, where a test wants them,
 * its processes. Put together as an instance does it, by the context's own `serve` and `start`.
 */
import type { Directories } from '../../src/api-keys/directory.ts'
import { createCommandBus } from '../../src/commands/handle.ts'
import { loadConfig } from '../../src/config.ts'
import type { ApiParts, Context, RunningProcess, Served } from '../../src/context.ts'
import { createRegistry } from '../../src/events/registry.ts'
import { createEventStore } from '../../src/events/store.ts'
import { runSubscription } from '../../src/events/subscription.ts'
import { createApp } from '../../src/http/app.ts'
import { createCallers } from '../../src/http/callers.ts'
import { type ContextApi, withParts } from '../../src/http/context.ts'
import { defaultHttpLimits, type HttpLimits } from '../../src/http/environment.ts'
import { health } from '../../src/http/health.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import type { CoreParts } from '../../src/http/operation.ts'
import { defaultServerOptions, startServer } from '../../src/http/server.ts'
import { createDatabase } from '../../src/postgres/database.ts'
import { projectionsCheckpoint } from '../../src/projections/checkpoint.ts'
import { projectorName, startProjector } from '../../src/projections/projector.ts'
import { createPositionWaiters } from '../../src/projections/waiter.ts'
import { createKeyRing } from '../../src/vault/key-ring.ts'
import { prepareVault } from '../../src/vault/vault.ts'
import { prepared } from '../projections/support.ts'
import { startTestStore } from '../support/event-store.ts'
import { quietRuntime } from './exchange.ts'
import { READ_YOUR_WRITES_WAIT_MS, showingBus } from './showing-bus.ts'

export interface ServingOptions {
  env?: Record<string, string>
  limits?: Partial<HttpLimits>
  nowMs?: () => number
  clock?: () => Date
  /** Names of the processes that run; default: none. */
  processes?: readonly string[]
  /** What stands behind the instance, beside its stores. */
  services?: object
  /** By which its API reaches the event store, in place of the store's own address. */
  storeLine?: (url: string) => Promise<string>
}

export interface Asked {
  body?: unknown
  /** Sent as it is, instead of `body`. */
  raw?: string | Uint8Array
  headers?: Record<string, string>
}

export interface Answered {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the answer holds.
  body: any
}

export type ServedContext = Awaited<ReturnType<typeof startServing>>

/** Resolves when its API answers. What it is given of the clock also goes for its processes. */
export async function startServing<D extends Directories>(
  context: Context<D>,
  api: ContextApi<never>,
  options: ServingOptions = {},
) {
  const { name } = context
  const [log, database] = await Promise.all([startTestStore(), prepared(context.projections, name)])
  const registry = createRegistry([context as Context])
  const stopping = new AbortController()
  const stops: (() => Promise<unknown>)[] = []
  const subscription = {
    ...{ url: log.url, registry, personKeys: log.keys, batchMax: 500, readTimeoutMs: 60_000 },
    ...{ backoffMinMs: 20, backoffMaxMs: 200, signal: stopping.signal, onError: () => undefined },
  }
  const logged: { level: string; fields: Record<string, unknown>; message: string }[] = []
  const record = (level: string) => (fields: object, message: string) =>
    void logged.push({ level, fields: fields as Record<string, unknown>, message })
  const testLog = { info: record('info'), warn: record('warn'), error: record('error') }
  const projector = startProjector({
    ...{ context: name, db: database.db, url: database.url, projections: context.projections },
    source: (reader) => runSubscription({ ...subscription, name: projectorName(name), types: [`${name}.`], ...reader }),
    readHistory: () => {
      throw new Error('a fresh database has nothing to rebuild')
    },
    ...{ eventIdAt: log.store.eventIdAt, log: testLog },
  })
  const db = createDatabase({ url: database.url, poolMax: 4, onConnectionLost: () => undefined })
  const checkpoint = projectionsCheckpoint(name)
  const waiters = createPositionWaiters({ url: database.url, checkpoints: [checkpoint], pollMs: 20 })
  const waiter = waiters.of(checkpoint)
  const ring = createKeyRing({ current: Buffer.alloc(32, 7), previous: [] })
  await prepareVault(database.db, ring)
  const directories = (await context.directories?.()) ?? ({} as D)
  const following: Promise<void>[] = []
  for (const [of, directory] of Object.entries(directories)) {
    let from = await directory.load(db)
    const reader = {
      types: directory.types,
      from: async () => from,
      onBatch: async (events: Parameters<typeof directory.apply>[0]) => {
        directory.apply(events)
        from = events.at(-1)?.position
      },
    }
    following.push(runSubscription({ ...subscription, name: of, ...reader }))
  }
  const config = loadConfig({ ...options.env, LOG_LEVEL: 'silent' })
  const services = {
    eventStore: { kind: 'embedded', url: log.url },
    postgres: { kind: 'embedded', url: database.url },
    ...options.services,
  }
  const busOn = (storeUrl = log.url) => {
    const store = createEventStore({
      ...{ registry, url: storeUrl, personKeys: log.keys },
      ...{ deadlineMs: 5_000, appendAttemptsMax: 2 },
    })
    stops.push(() => store.close())
    const bus = createCommandBus(store, { cachedAggregatesMax: 1_000, seenCommandsMax: 100_000, conflictRetriesMax: 3 })
    return { store, bus }
  }
  const now = options.clock ?? (() => new Date())
  const clock = { now, offsetMs: () => 0, stopped: new Promise<void>(() => undefined) }
  let url = 'http://127.0.0.1:9'

  /** What one process of an installation works with. */
  const partsOf = ({ store, bus }: ReturnType<typeof busOn>) =>
    ({
      ...{ config, services: { ...services }, registry, store, bus, db, clock, keyRing: ring, vault: log.keys },
      settings: (schema: { parse(of: unknown): unknown }) => schema.parse(config.GIVEN),
      apiUrl: () => url,
      dependenciesOf: (_: string, of: unknown) => ({
        ...{ db, databaseUrl: database.url, store, log: testLog, signal: stopping.signal, now, health: of },
        subscribe: (reader: object) => runSubscription({ ...subscription, name: 'process', ...reader } as never),
        ...{ retryMs: 50, checkpointIntervalMs: 20 },
      }),
      ...{ contexts: [context], directories, logReaders: [], waiter, caughtUp: async () => undefined },
      onDrain: () => undefined,
      onClose: (stop: () => Promise<void>) => void stops.push(stop),
    }) as unknown as ApiParts<D>

  const callers = createCallers(options.limits?.trustProxy ?? defaultHttpLimits.trustProxy)
  const served: { stop(timeoutMs: number): Promise<void> }[] = []
  /** One API process, which shares nothing but the log and the read models with another. */
  async function serve(own: ApiParts<D>): Promise<{ url: string; port: number; made: Served }> {
    const made = await context.serve(own)
    const metrics = createMetrics([])
    const app = createApp({
      ...quietRuntime(),
      ...{ log: testLog, callers, nowMs: options.nowMs ?? (() => performance.now()) },
      limits: {
        ...defaultHttpLimits,
        readYourWritesWaitMs: READ_YOUR_WRITES_WAIT_MS,
        tenantLoopMaxPercent: 100,
        ...options.limits,
      },
      contexts: [withParts(api as ContextApi<CoreParts>, made.parts)],
      health: health({ probes: [...(made.probes ?? [])], probeTimeoutMs: 1_000 }, metrics),
      metrics,
    })
    const address = { host: '127.0.0.1', port: 0 }
    const server = await startServer({ ...defaultServerOptions, ...address, fetch: app.fetch, callerOf: callers.of })
    served.push(server)
    return { url: `http://127.0.0.1:${server.port}`, port: server.port, made }
  }

  const ofApi = partsOf(busOn(await options.storeLine?.(log.url)))
  const first = await serve(ofApi)
  url = first.url
  const running: RunningProcess[] = context.processes
    .filter(({ leads }) => options.processes?.includes(leads[0] ?? ''))
    .map((declaration) => declaration.start(partsOf(busOn())))

  async function askAt(at: string, method: string, path: string, asked: Asked = {}): Promise<Answered> {
    const { body, raw, headers = {} } = asked
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const answer = await fetch(`${at}/${name}${path}`, {
      method,
      headers: { ...(content !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(content !== undefined && { body: content as NonNullable<RequestInit['body']> }),
      redirect: 'manual',
    })
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.includes('json')
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text }
  }

  return {
    ...{
      url,
      port: first.port,
      store: log.store,
      bus: showingBus(ofApi.bus, () => waiter),
      db,
      logged,
      running,
      waiter,
      callers,
    },
    ...{ directories, gauges: first.made.gauges ?? [], ring, config, keys: log.keys, eventStoreUrl: log.url },
    /** What the handlers work with, and what the context does at an instance's first start. */
    ...{ parts: first.made.parts, firstRun: first.made.firstRun },
    /** What a further process of the installation works with. */
    newParts: () => partsOf(busOn()),
    /** A further API process; answers with its address. */
    serveSecond: async () => (await serve(partsOf(busOn()))).url,
    askAt,
    ask: (method: string, path: string, asked?: Asked) => askAt(url, method, path, asked),
    async stop() {
      await Promise.all(served.map((each) => each.stop(1_000)))
      stopping.abort()
      for (const stop of stops.toReversed()) await stop()
      await Promise.allSettled([...running.map(({ ended }) => ended), ...following, projector.stop()])
      await waiters.close()
      await db.destroy()
      await database.drop()
      await log.close()
    },
  }
}
