/**
 * The API over its real components: an event store node, PostgreSQL, projectors, directories, a socket. It serves the
 * contexts that the test's project loads, each made by test/http/<context>/serving.ts. The engine is told apart: a test
 * writes what an engine would have reported. Every answer is held against the served document.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { ObjectStoreUnavailable } from '../../src/adapters/object-store/object-store.ts'
import type { Directory } from '../../src/api-keys/directory.ts'
import { openRawLog, type RawLog } from '../../src/audit/raw-log.ts'
import type { ClaimLimits } from '../../src/commands/firsthand/claiming.ts'
import { type CommandBus, type CommandContext, createCommandBus } from '../../src/commands/handle.ts'
import type { ContextName } from '../../src/contexts.ts'
import { createEventStore, type EventStore } from '../../src/events/store.ts'
import { runSubscription } from '../../src/events/subscription.ts'
import { createApp } from '../../src/http/app.ts'
import type { AuditLimits } from '../../src/http/audit/access.ts'
import { createCallers } from '../../src/http/callers.ts'
import type { ConsoleLimits } from '../../src/http/console/access.ts'
import type { ServedContext } from '../../src/http/context.ts'
import { defaultHttpLimits, type HttpLimits } from '../../src/http/environment.ts'
import { health } from '../../src/http/health.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import type { CoreParts } from '../../src/http/operation.ts'
import type { RungateParts } from '../../src/http/rungate/access.ts'
import type { PeopleLimits } from '../../src/http/rungate/people/limits.ts'
import { defaultServerOptions, startServer } from '../../src/http/server.ts'
import { createDatabase, type ReadModels } from '../../src/postgres/database.ts'
import { failureOf } from '../../src/postgres/failure.ts'
import { projectionsCheckpoint } from '../../src/projections/checkpoint.ts'
import { projectorName, startProjector } from '../../src/projections/projector.ts'
import { createPositionWaiters, type PositionWaiter } from '../../src/projections/waiter.ts'
import { createKeyRing, type KeyRing } from '../../src/vault/key-ring.ts'
import { prepareVault } from '../../src/vault/vault.ts'
import type { Resolve } from '../../src/webhooks/request.ts'
import { prepared } from '../projections/support.ts'
import { comesUp } from '../support/come-up.ts'
import { contexts, loaded, registry } from '../support/contexts.ts'
import { startTestStore } from '../support/event-store.ts'
import type { MemoryKeys } from '../support/person-keys.ts'
import { createStatementCounter } from '../support/postgres-statements.ts'
import { conforms } from './conforms.ts'
import { testSealer } from './exchange.ts'
import type { NoctantSettings, servingNoctant } from './noctant/serving.ts'
import { READ_YOUR_WRITES_WAIT_MS, showingBus } from './showing-bus.ts'

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the answer holds; its schema has been checked.
  body: any
}

export interface Asked {
  key?: string | undefined
  body?: unknown
  /** Sent as it is, instead of `body`. */
  raw?: string | Uint8Array
  headers?: Record<string, string>
}

export type Api = Awaited<ReturnType<typeof startApi>>

export const systemContext = (): CommandContext => ({
  commandId: randomUUID(),
  fingerprint: undefined,
  actor: { kind: 'admin', id: 'test' },
  requestId: randomUUID(),
  correlationId: randomUUID(),
  traceparent: undefined,
  at: new Date().toISOString(),
})

/** Stands between the API and a service behind it, so that a test can cut the line. */
async function startProxy(target: URL) {
  const sockets = new Set<Socket>()
  let statements = 0
  const server = createServer((near) => {
    near.on(
      'data',
      createStatementCounter(() => void statements++),
    )
    const far = connect(Number(target.port || 5432), target.hostname)
    for (const socket of [near, far]) {
      sockets.add(socket)
      // The other end learns of a broken line by its own close.
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    near.pipe(far).pipe(near)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    /** That the API has sent so far. */
    statements: () => statements,
    cut() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

export interface ApiOptions {
  limits?: Partial<HttpLimits>
  nowMs?: () => number
  /** Noctant's own settings. */
  noctant?: NoctantSettings
  /** Of firsthand's workers. */
  claimLimits?: Partial<ClaimLimits>
  /** Of what auditors ask. */
  auditLimits?: Partial<AuditLimits>
  /** Accounts of rungate that one address may register within an hour. */
  registrationsPerHourMax?: number
  /** Whether rungate's webhooks may lead to loopback, and whether a process sends them; default: no, and yes. */
  allowLoopbackWebhooks?: boolean
  areWebhooksServed?: boolean
  /** Where the console's traces link to; default: nowhere. */
  traceUrlTemplate?: string
  /** Of an account. */
  webhooksMax?: number
  /** Whether provider keys may lead to loopback. */
  allowLoopbackProviders?: boolean
  /** Of those who sign in there, and whether they are sent mails. */
  peopleLimits?: Partial<PeopleLimits>
  mailWay?: RungateParts['mailWay']
  /** Of the console, and what its sessions go by. */
  consoleLimits?: Partial<ConsoleLimits>
  consoleClock?: () => Date
  /** What firsthand's requests go by. */
  buyClock?: () => Date
  /** What rungate's people go by. */
  governClock?: () => Date
  /** Rungate's own variables of the environment. */
  rungate?: Record<string, string>
  /** The addresses of a name; default: none has any. */
  resolve?: Resolve
}

/** An answer that takes longer is none. */
const ANSWER_MAX_MS = 30_000

/** What the parts of a context are made of. */
export interface ApiGround {
  options: ApiOptions
  db: ReadModels
  bus: CommandBus
  /** It can be cut off, see `loseEventStore`. */
  store: EventStore
  rawLog: RawLog
  instanceKey: Buffer
  ring: KeyRing
  resolve: Resolve
  /** The directories of the contexts that were made before. */
  directories: Record<string, Directory>
  url(): string
  record(level: string): (fields: object, message: string) => void
  waiterOf(context: string): PositionWaiter
  /** Feeds a directory from the log, as an API process does. */
  follow<D extends Directory>(name: string, directory: D): Promise<D>
  coreOf(context: string, of: CommandBus): CoreParts & { db: ReadModels; personKeys: MemoryKeys }
  /** Done before the API stops: what would not end by itself. */
  onDrain(step: () => void): void
  /** Done when the API has stopped. */
  onStop(stop: () => Promise<void>): void
}

interface Serving {
  directories: Record<string, Directory>
  contextOn(of: CommandBus): ServedContext
  members: object
}

/** Each is loaded where its context is; the auditors' last, who read with the keys of others. */
const servings: Partial<Record<ContextName, (ground: ApiGround) => Promise<Serving>>> = {
  noctant: async (ground) => (await import('./noctant/serving.ts')).servingNoctant(ground),
  firsthand: async (ground) => (await import('./firsthand/serving.ts')).servingFirsthand(ground),
  rungate: async (ground) => (await import('./rungate/serving.ts')).servingRungate(ground),
  console: async (ground) => (await import('./console/serving.ts')).servingConsole(ground),
  audit: async (ground) => (await import('./audit/serving.ts')).servingAudit(ground),
}
type MembersOf<S extends (ground: ApiGround) => Promise<Serving>> = Awaited<ReturnType<S>>['members']
/** What contexts add to an API; there where the context is loaded. */
type Members = MembersOf<typeof servingNoctant> &
  MembersOf<typeof import('./firsthand/serving.ts').servingFirsthand> &
  MembersOf<typeof import('./rungate/serving.ts').servingRungate> &
  MembersOf<typeof import('./console/serving.ts').servingConsole> &
  MembersOf<typeof import('./audit/serving.ts').servingAudit>

export async function startApi(options: ApiOptions = {}) {
  const [log, database] = await Promise.all([
    comesUp('the event store node', startTestStore()),
    comesUp('a database with the read models', prepared()),
  ])
  const stopping = new AbortController()
  const subscription = {
    url: log.url,
    registry,
    personKeys: log.keys,
    batchMax: 500,
    readTimeoutMs: 60_000,
    backoffMinMs: 20,
    backoffMaxMs: 200,
    signal: stopping.signal,
    onError: () => undefined,
  }
  const projectors = contexts.map(({ name: context, projections }) =>
    startProjector({
      context,
      db: database.db,
      url: database.url,
      projections,
      source: (reader) =>
        runSubscription({ ...subscription, name: projectorName(context), types: [`${context}.`], ...reader }),
      readHistory: () => {
        throw new Error('a fresh database has nothing to rebuild')
      },
      eventIdAt: log.store.eventIdAt,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    }),
  )
  const proxy = await startProxy(new URL(database.url))
  const db = createDatabase({ url: proxy.url, poolMax: 4, onConnectionLost: () => undefined })
  const checkpoints = contexts.map(({ name }) => projectionsCheckpoint(name))
  const waiters = createPositionWaiters({ url: proxy.url, checkpoints, pollMs: 20 })
  const following: Promise<void>[] = []
  async function follow<D extends Directory>(name: string, directory: D): Promise<D> {
    let loadedFrom = await comesUp(`the directory of ${name}`, directory.load(db))
    const onBatch = async (events: Parameters<D['apply']>[0]) => {
      directory.apply(events)
      loadedFrom = events.at(-1)?.position
    }
    const reader = { name, types: directory.types, from: async () => loadedFrom, onBatch }
    following.push(runSubscription({ ...subscription, ...reader }))
    return directory
  }
  const rawLog = openRawLog(log.url, registry)
  const storeProxy = await startProxy(new URL(log.url))
  const storeLimits = { deadlineMs: 2_000, appendAttemptsMax: 2 }
  const store = createEventStore({ registry, url: storeProxy.url, ...storeLimits, personKeys: log.keys })
  const newBus = () =>
    createCommandBus(store, { cachedAggregatesMax: 1_000, seenCommandsMax: 100_000, conflictRetriesMax: 3 })
  const bus = newBus()
  const instanceKey = Buffer.alloc(32, 7)
  const ring = createKeyRing({ current: instanceKey, previous: [] })
  await prepareVault(database.db, ring)
  const logged: { level: string; fields: Record<string, unknown>; message: string }[] = []
  const record = (level: string) => (fields: object, message: string) =>
    void logged.push({ level, fields: fields as Record<string, unknown>, message })
  const drains: (() => void)[] = []
  const stops: (() => Promise<void>)[] = []
  const waiterOf = (context: string) => waiters.of(projectionsCheckpoint(context))
  let url = ''
  const ground: ApiGround = {
    ...{ options, db, bus, store, rawLog, instanceKey, ring, record, waiterOf, follow },
    resolve: options.resolve ?? (async () => []),
    directories: {},
    url: () => url,
    coreOf: (context, of) => ({
      ...{ bus: of, db, waiter: waiterOf(context), clock: () => new Date(), personKeys: log.keys },
    }),
    onDrain: (step) => void drains.push(step),
    onStop: (stop) => void stops.push(stop),
  }
  const made: Serving[] = []
  for (const [name, serving] of Object.entries(servings)) {
    if (!loaded.includes(name as ContextName)) continue
    const each = await serving(ground)
    Object.assign(ground.directories, each.directories)
    made.push(each)
  }
  const serve = (of: CommandBus) => {
    // Those who ask are in this process too, and share its loop.
    const own = { readYourWritesWaitMs: READ_YOUR_WRITES_WAIT_MS, tenantLoopMaxPercent: 100 }
    const limits = { ...defaultHttpLimits, ...own, ...options.limits }
    const metrics = createMetrics([])
    const callers = createCallers(limits.trustProxy)
    const app = createApp({
      callers,
      contexts: made.map((each) => each.contextOn(of)),
      isUnavailable: (error) => error instanceof ObjectStoreUnavailable || failureOf(error) === 'unavailable',
      sealer: testSealer,
      log: { info: record('info'), warn: record('warn'), error: record('error') },
      nowMs: options.nowMs ?? (() => performance.now()),
      limits,
      health: health({ probes: [], probeTimeoutMs: 1_000 }, metrics),
      metrics,
    })
    const address = { host: '127.0.0.1', port: 0 }
    return startServer({ ...defaultServerOptions, ...address, fetch: app.fetch, callerOf: callers.of })
  }
  const server = await serve(bus)
  /** Another API process would share nothing but the log and the read models: this one has a cache of its own too. */
  const second = await serve(newBus())
  url = `http://127.0.0.1:${server.port}`
  const secondUrl = `http://127.0.0.1:${second.port}`
  const shown = showingBus(bus, (context) => (loaded.includes(context as ContextName) ? waiterOf(context) : undefined))
  const asking = (base: string, context: string) => (method: string, path: string, asked?: Asked) =>
    callAt(base, method, path, asked, context)
  const auditing = (base: string) => (path: string, asked?: Asked) => callAt(base, 'GET', path, asked, 'audit')

  return {
    ...(Object.assign({}, ...made.map(({ members }) => members)) as Members),
    ...{ url, secondUrl, eventStoreUrl: log.url, keys: log.keys, rawLog, logged, store: log.store, db },
    bus: shown,
    /** A request to noctant; `…Second`: to another API process. */
    call: asking(url, 'noctant'),
    callSecond: asking(secondUrl, 'noctant'),
    /** A buyer's request. */
    buy: asking(url, 'firsthand'),
    buySecond: asking(secondUrl, 'firsthand'),
    /** A request to rungate. */
    govern: asking(url, 'rungate'),
    governSecond: asking(secondUrl, 'rungate'),
    /** An auditor's read. */
    audit: auditing(url),
    auditSecond: auditing(secondUrl),
    /** Of noctant's read models. */
    get waiter() {
      return waiterOf('noctant')
    },
    /** Cuts the API off from PostgreSQL: connections break, and no new one can be made. */
    loseDatabase: () => proxy.cut(),
    /** Statements that the API has sent to PostgreSQL so far. */
    statements: proxy.statements,
    /** Cuts the API's commands off from the event store. */
    loseEventStore: () => storeProxy.cut(),
    async stop() {
      for (const step of drains) step()
      await Promise.all([server.stop(1_000), second.stop(1_000)])
      stopping.abort()
      const ended = [...projectors.map((each) => each.stop()), ...following, ...stops.map((stop) => stop())]
      await Promise.all([...ended, waiters.close(), db.destroy(), store.close(), rawLog.close()])
      proxy.cut()
      storeProxy.cut()
      await database.drop()
      await log.close()
    },
  }
}

async function callAt(
  base: string,
  method: string,
  path: string,
  asked: Asked = {},
  context = 'noctant',
): Promise<Answer> {
  const { key, body, raw, headers = {} } = asked
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  const asking = fetch(`${base}/${context}${path}`, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(content === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(content === undefined ? {} : { body: content as NonNullable<RequestInit['body']> }),
  })
  const response = await comesUp(`an answer to ${method} ${path}`, asking, ANSWER_MAX_MS)
  const answered = await response.text()
  const answer = {
    ...{ status: response.status, headers: response.headers },
    body: answered === '' ? undefined : JSON.parse(answered),
  }
  conforms(method, path.split('?')[0] ?? '', answer, context)
  return answer
}
