/**
 * Ostium over its real components: an event store, PostgreSQL, its projector, its directories, a chain, and, where a test wants
 * them, its processes. Put together as an instance does it, by the context's own `serve` and `start`.
 */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { createCommandBus } from '../../../src/commands/handle.ts'
import { loadConfig } from '../../../src/config.ts'
import type { ApiParts, RunningProcess } from '../../../src/context.ts'
import { ostium } from '../../../src/contexts/ostium.ts'
import { createRegistry } from '../../../src/events/registry.ts'
import { createEventStore } from '../../../src/events/store.ts'
import { runSubscription } from '../../../src/events/subscription.ts'
import { createApp } from '../../../src/http/app.ts'
import { withParts } from '../../../src/http/context.ts'
import { defaultHttpLimits, type HttpLimits } from '../../../src/http/environment.ts'
import { health } from '../../../src/http/health.ts'
import { createMetrics } from '../../../src/http/metrics.ts'
import type { OstiumParts } from '../../../src/http/ostium/access.ts'
import { ostium as api } from '../../../src/http/ostium/api.ts'
import { ostiumDirectories } from '../../../src/http/ostium/directories.ts'
import { defaultServerOptions, startServer } from '../../../src/http/server.ts'
import { createDatabase } from '../../../src/postgres/database.ts'
import { projectionsCheckpoint } from '../../../src/projections/checkpoint.ts'
import { projectorName, startProjector } from '../../../src/projections/projector.ts'
import { createPositionWaiters } from '../../../src/projections/waiter.ts'
import { createKeyRing } from '../../../src/vault/key-ring.ts'
import { prepareVault } from '../../../src/vault/vault.ts'
import { eventually, prepared } from '../../projections/support.ts'
import { startTestStore } from '../../support/event-store.ts'
import { quietRuntime } from '../exchange.ts'

/** What a chain is to the parts: addresses and a node, as the local market gives them. */
export interface GivenMarket {
  rpcUrl: string
  chainId: number
  contracts: { usdc: string; trading: string; tradingStorage: string; agentFactory: string }
  sponsorKey: string
  pricesUrl?: string | undefined
}

export interface OstiumOptions {
  /** Undefined: an instance without a chain. */
  market?: GivenMarket | undefined
  env?: Record<string, string>
  limits?: Partial<HttpLimits>
  nowMs?: () => number
  clock?: () => Date
  /** Names of the processes that run; default: none. */
  processes?: readonly string[]
}

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the answer holds.
  body: any
}

export type ServedOstium = Awaited<ReturnType<typeof startOstium>>

/** An address that nothing listens at. */
const NOBODY = 'http://127.0.0.1:9'
/** For tests that need addresses and no chain. */
export const paperMarket: GivenMarket = {
  rpcUrl: NOBODY,
  chainId: 31_337,
  contracts: {
    usdc: '0xaf88d065e77c8cC2239327C5EDb3A432268e5831',
    trading: '0x6D0bA1f9996DBD8885827e1b2e8f6593e7702411',
    tradingStorage: '0xcCd5891083A8acD2074690F65d3024E7D13d66E7',
    agentFactory: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  },
  sponsorKey: `0x${'7'.repeat(64)}`,
}

export async function startOstium(options: OstiumOptions = {}) {
  const [log, database] = await Promise.all([startTestStore(), prepared(ostium.projections, 'ostium')])
  const registry = createRegistry([ostium])
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
    ...{ context: 'ostium', db: database.db, url: database.url, projections: ostium.projections },
    source: (reader) =>
      runSubscription({ ...subscription, name: projectorName('ostium'), types: ['ostium.'], ...reader }),
    readHistory: () => {
      throw new Error('a fresh database has nothing to rebuild')
    },
    ...{ eventIdAt: log.store.eventIdAt, log: testLog },
  })
  const db = createDatabase({ url: database.url, poolMax: 4, onConnectionLost: () => undefined })
  const waiters = createPositionWaiters({
    url: database.url,
    checkpoints: [projectionsCheckpoint('ostium')],
    pollMs: 20,
  })
  const waiter = waiters.of(projectionsCheckpoint('ostium'))
  const ring = createKeyRing({ current: Buffer.alloc(32, 7), previous: [] })
  await prepareVault(database.db, ring)
  const directories = ostiumDirectories()
  const following: Promise<void>[] = []
  for (const [name, directory] of Object.entries(directories)) {
    let from = await directory.load(db)
    const reader = {
      types: directory.types,
      from: async () => from,
      onBatch: async (events: Parameters<typeof directory.apply>[0]) => {
        directory.apply(events)
        from = events.at(-1)?.position
      },
    }
    following.push(runSubscription({ ...subscription, name, ...reader }))
  }
  const market = options.market
  const config = loadConfig({ ...options.env, LOG_LEVEL: 'silent' })
  const services = {
    eventStore: { kind: 'embedded', url: log.url },
    postgres: { kind: 'embedded', url: database.url },
    async localMarket() {
      if (market) return { ...market, exited: new Promise(() => undefined), followPrices: () => undefined }
      throw Object.assign(new Error('there is no chain for this test'), { name: 'AnvilNotInstalled' })
    },
  }
  const busOn = () => {
    const store = createEventStore({
      ...{ registry, url: log.url, personKeys: log.keys },
      ...{ deadlineMs: 5_000, appendAttemptsMax: 2 },
    })
    stops.push(() => store.close())
    const bus = createCommandBus(store, { cachedAggregatesMax: 1_000, seenCommandsMax: 100_000, conflictRetriesMax: 3 })
    return { store, bus }
  }
  const clock = {
    now: options.clock ?? (() => new Date()),
    offsetMs: () => 0,
    stopped: new Promise<void>(() => undefined),
  }

  /** What one process of an installation works with. */
  const partsOf = ({ store, bus }: ReturnType<typeof busOn>) =>
    ({
      ...{ config, services: { ...services }, registry, store, bus, db, clock, keyRing: ring, vault: log.keys },
      settings: (schema: { parse(of: unknown): unknown }) => schema.parse(config.GIVEN),
      apiUrl: () => NOBODY,
      dependenciesOf: (_: string, of: unknown) => ({
        ...{ db, databaseUrl: database.url, store, log: testLog, signal: stopping.signal, now: clock.now, health: of },
        subscribe: (reader: object) => runSubscription({ ...subscription, name: 'process', ...reader } as never),
        ...{ retryMs: 50, checkpointIntervalMs: 20 },
      }),
      ...{ contexts: [ostium], directories, logReaders: [], waiter, caughtUp: async () => undefined },
      onDrain: () => undefined,
      onClose: (stop: () => Promise<void>) => void stops.push(stop),
    }) as unknown as ApiParts<typeof directories>

  const ofApi = partsOf(busOn())
  const { parts, probes = [], gauges = [] } = await ostium.serve(ofApi as never)
  const running: RunningProcess[] = ostium.processes
    .filter(({ leads }) => options.processes?.includes(leads[0] ?? ''))
    .map((declaration) => declaration.start(partsOf(busOn())))
  const metrics = createMetrics([])
  const app = createApp({
    ...quietRuntime(),
    log: testLog,
    nowMs: options.nowMs ?? (() => performance.now()),
    limits: { ...defaultHttpLimits, readYourWritesWaitMs: 5_000, ...options.limits },
    contexts: [withParts(api, parts as OstiumParts)],
    health: health({ probes: [...probes], probeTimeoutMs: 1_000 }, metrics),
    metrics,
  })
  const server = await startServer({ ...defaultServerOptions, fetch: app.fetch, host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${server.port}`

  async function ask(method: string, path: string, asked: Asked = {}): Promise<Answer> {
    const { body, raw, trader, key, headers = {} } = asked
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const answer = await fetch(`${url}/ostium${path}`, {
      method,
      headers: {
        ...(content !== undefined && { 'content-type': 'application/json' }),
        ...(trader !== undefined && { 'x-trader-address': trader }),
        ...(key !== undefined && { 'x-api-key': key }),
        ...headers,
      },
      ...(content !== undefined && { body: content }),
    })
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.includes('json')
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text }
  }

  return {
    ...{ url, port: server.port, store: log.store, bus: ofApi.bus, db, logged, parts: parts as OstiumParts, running },
    ...{ directories, gauges, ring },
    ask,
    post: (path: string, trader: string, body?: unknown, more: Asked = {}) =>
      ask('POST', path, { trader, body, ...more }),
    get: (path: string, trader?: string) => ask('GET', path, trader === undefined ? {} : { trader }),
    /** An open socket, and what has come on it. */
    async socket(path: string) {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ostium${path}`)
      // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever comes.
      const messages: any[] = []
      socket.on('message', (data) => messages.push(JSON.parse(data.toString())))
      await once(socket, 'open')
      return { socket, messages, send: (message: unknown) => socket.send(JSON.stringify(message)) }
    },
    untilProjected: (check: () => Promise<void>) => eventually(check),
    async stop() {
      await server.stop(1_000)
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

export interface Asked {
  trader?: string
  key?: string
  body?: unknown
  /** Sent as it is, instead of `body`. */
  raw?: string
  headers?: Record<string, string>
}
