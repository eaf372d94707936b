/**
 * The API over its real components: an event store node, PostgreSQL, a projector, the key directory, a socket. The engine
 * is told apart: a test writes what an engine would have reported. Every answer is held against the served document.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { createDiskStore } from '../../src/adapters/object-store/disk-store.ts'
import { ObjectStoreUnavailable } from '../../src/adapters/object-store/object-store.ts'
import type { Directory } from '../../src/api-keys/directory.ts'
import { openRawLog } from '../../src/audit/raw-log.ts'
import { auditor } from '../../src/commands/audit/auditor.ts'
import { generateAuditorKey } from '../../src/commands/audit/auditor-key.ts'
import { createReadingRecorder } from '../../src/commands/audit/reading.ts'
import type { ClaimLimits } from '../../src/commands/firsthand/claiming.ts'
import { type CommandBus, type CommandContext, createCommandBus } from '../../src/commands/handle.ts'
import { deterministicId } from '../../src/commands/identity.ts'
import { generateApiKey } from '../../src/commands/noctant/api-key.ts'
import {
  createOperator,
  type OperatorFacts,
  operator as operatorAggregate,
} from '../../src/commands/noctant/operator.ts'
import { describeConfig } from '../../src/config.ts'
import type { ContextName } from '../../src/contexts.ts'
import { accountCurrencies } from '../../src/engine/money.ts'
import { type ApiScope, apiScope } from '../../src/events/noctant/vocabulary.ts'
import { createEventStore } from '../../src/events/store.ts'
import { runSubscription } from '../../src/events/subscription.ts'
import { createApp } from '../../src/http/app.ts'
import type { AuditLimits } from '../../src/http/audit/access.ts'
import { audit } from '../../src/http/audit/api.ts'
import { createAuditParts } from '../../src/http/audit/parts.ts'
import { createCallers } from '../../src/http/callers.ts'
import type { ConsoleLimits } from '../../src/http/console/access.ts'
import { console as consoleApi } from '../../src/http/console/api.ts'
import { createSamples } from '../../src/http/console/samples.ts'
import { withParts } from '../../src/http/context.ts'
import { defaultHttpLimits, type HttpLimits } from '../../src/http/environment.ts'
import { firsthand } from '../../src/http/firsthand/api.ts'
import { createJobWaits } from '../../src/http/firsthand/jobs/job-waits.ts'
import { createKeyUse } from '../../src/http/firsthand/keys/key-use.ts'
import { health } from '../../src/http/health.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { noctant } from '../../src/http/noctant/api.ts'
import type { RungateParts } from '../../src/http/rungate/access.ts'
import { rungate } from '../../src/http/rungate/api.ts'
import { boundsOf, perMinuteOf } from '../../src/http/rungate/bounds.ts'
import { selfDescription } from '../../src/http/rungate/describing.ts'
import { createDeskFollower } from '../../src/http/rungate/desk-follower.ts'
import type { PeopleLimits } from '../../src/http/rungate/people/limits.ts'
import { createSessionUse } from '../../src/http/rungate/people/session-use.ts'
import { createCircuits } from '../../src/http/rungate/proxy/circuits.ts'
import { contentSettingsOf, createContentLog } from '../../src/http/rungate/proxy/content-log.ts'
import { openProxy, pricesIn } from '../../src/http/rungate/proxy/open-proxy.ts'
import { createHealth } from '../../src/http/rungate/public/counts.ts'
import { createTokenUse } from '../../src/http/rungate/tokens/token-use.ts'
import { overlapEndAfter } from '../../src/http/rungate/webhooks/secrets.ts'
import { defaultServerOptions, startServer } from '../../src/http/server.ts'
import { createDatabase, type ReadModels } from '../../src/postgres/database.ts'
import { failureOf } from '../../src/postgres/failure.ts'
import { issueLink } from '../../src/processes/console/access-link.ts'
import { OBJECTS_PATH } from '../../src/processes/firsthand/objects.ts'
import { STRIPE_WEBHOOK_PATH } from '../../src/processes/firsthand/payment-access.ts'
import { endpointKeysOf } from '../../src/processes/firsthand/webhooks.ts'
import { createPeopleDigests } from '../../src/processes/rungate/people-digests.ts'
import { providerSecretsOf } from '../../src/processes/rungate/processes.ts'
import { rungateSettings } from '../../src/processes/rungate/settings.ts'
import { createAuditorDirectory } from '../../src/projections/audit/auditors.ts'
import { createOwnersOf } from '../../src/projections/audit/ownership.ts'
import { projectionsCheckpoint } from '../../src/projections/checkpoint.ts'
import { createSessionDirectory as createConsoleSessions } from '../../src/projections/console/credentials.ts'
import { createCredentialDirectory as createBuyerDirectory } from '../../src/projections/firsthand/credentials.ts'
import { createWorkerDirectory } from '../../src/projections/firsthand/worker-credentials.ts'
import { createCredentialDirectory } from '../../src/projections/noctant/credentials.ts'
import { projectorName, startProjector } from '../../src/projections/projector.ts'
import { createSessionDirectory, createTokenDirectory } from '../../src/projections/rungate/credentials.ts'
import { createGovernanceDirectory } from '../../src/projections/rungate/governance.ts'
import { createPositionWaiters } from '../../src/projections/waiter.ts'
import { createKeyRing } from '../../src/vault/key-ring.ts'
import { prepareVault } from '../../src/vault/vault.ts'
import type { Resolve } from '../../src/webhooks/request.ts'
import { eventually, prepared } from '../projections/support.ts'
import { comesUp } from '../support/come-up.ts'
import { auditRules, contexts, loaded, registry } from '../support/contexts.ts'
import { startDesks } from '../support/desks.ts'
import { startTestStore } from '../support/event-store.ts'
import { startPaymentStandIn } from '../support/payments.ts'
import { createStatementCounter } from '../support/postgres-statements.ts'
import { conforms } from './conforms.ts'
import { testSealer } from './exchange.ts'

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

export interface TestOperator {
  operatorId: string
  orgId: string
  /** A key with every scope. */
  key: string
  keyId: string
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
  noctant?: Partial<typeof noctantSettings>
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

const noctantSettings = {
  engineCurrencies: accountCurrencies,
  keyRotationGraceMs: 300_000,
  keysPerOperatorMax: 100,
  perMinute: { requestsMax: 600, rotationsMax: 100_000 },
  keyKnownWaitMs: 5_000,
  replayWindowMaxMs: 31 * 86_400_000,
  hostedPagesPerMinuteMax: 600,
  launch: { tokenTtlMs: 300_000, browserSessionTtlMs: 28_800_000, publicUrl: undefined as string | undefined },
}

/** Firsthand's own settings. */
const firsthandSettings = {
  ...{ keysMax: 100, keyOverlapMs: 86_400_000, keyKnownWaitMs: 5_000 },
  transferLimits: { uploadsMax: 16, downloadsMax: 16, idleMs: 20_000 },
  perMinute: { jobsMax: 100, jobReadsMax: 300, requestsMax: 60, workerRequestsMax: 600 },
}

/** More than tests do, unless they mean to. */
const peopleLimits = (): PeopleLimits => ({
  ...{ loginMs: 900_000, loginsPerCallerMax: 100_000, loginsPerEmailMax: 100_000, loginsMax: 100_000 },
  ...{ verificationsMax: 100_000, invitationMs: 604_800_000, invitationsMax: 100_000, resendsMax: 100_000 },
})
const SESSION_MS = 604_800_000

/** How long firsthand's workers have seats, and how many. */
const claimLimits = (): ClaimLimits => ({
  ...{ claimTtlMs: 1_800_000, openSeatsMax: 500, workerClaimsMax: 3, workerClaimsPerDayMax: 50 },
})

/** An answer that takes longer is none. */
const ANSWER_MAX_MS = 30_000

/** As the settings have them. */
const consoleLimits = (): ConsoleLimits => ({
  ...{
    sessionTtlMs: 43_200_000,
    sessionIdleMs: 3_600_000,
    sessionKnownWaitMs: 5_000,
    followersMax: 100,
    followMaxMs: 1_800_000,
  },
})

/** Small enough that tests meet them where they mean to. */
const auditLimits = (): AuditLimits => ({
  eventsMax: 100_000,
  stateEventsMax: 100_000,
  timeMaxMs: 60_000,
  traceEventsMax: 300,
  findingsMax: 1_000,
  concurrencyMax: 4,
  waitingMax: 4,
  waitMaxMs: 5_000,
})

/** Feeds a directory of keys from the log, as an API process does. */
async function follow<D extends Directory>(
  db: ReadModels,
  directory: D,
  subscription: Omit<Parameters<typeof runSubscription>[0], 'types' | 'from' | 'onBatch'>,
) {
  let loadedFrom = await comesUp(`the directory of ${subscription.name}`, directory.load(db))
  const following = runSubscription({
    ...subscription,
    types: directory.types,
    from: async () => loadedFrom,
    onBatch: async (events) => {
      directory.apply(events)
      loadedFrom = events.at(-1)?.position
    },
  })
  return { directory, following }
}

/** Whether the test's project loads the context: what it does not load has no tables here. */
const serves = (name: ContextName) => loaded.includes(name)

/** Noctant's API and the auditors', and firsthand's and rungate's where they are loaded. */
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
  const waiter = waiters.of(projectionsCheckpoint('noctant'))
  const { directory: credentials, following: followingKeys } = await follow(db, createCredentialDirectory(), {
    ...subscription,
    name: 'credentials',
  })
  const buyers = createBuyerDirectory()
  const followingBuyers =
    serves('firsthand') && (await follow(db, buyers, { ...subscription, name: 'buyers' })).following
  const workers = createWorkerDirectory()
  const followingWorkers =
    serves('firsthand') && (await follow(db, workers, { ...subscription, name: 'workers' })).following
  const waits = createJobWaits()
  const followingJobs = serves('firsthand') && (await follow(db, waits, { ...subscription, name: 'waits' })).following
  const tokens = createTokenDirectory()
  const followingTokens = serves('rungate') && (await follow(db, tokens, { ...subscription, name: 'tokens' })).following
  const agents = createGovernanceDirectory()
  const followingAgents = serves('rungate') && (await follow(db, agents, { ...subscription, name: 'agents' })).following
  const circuits = createCircuits()
  const followingCircuits =
    serves('rungate') && (await follow(db, circuits, { ...subscription, name: 'circuits' })).following
  const deskFollower = createDeskFollower()
  const followingDesks =
    serves('rungate') && (await follow(db, deskFollower, { ...subscription, name: 'desks' })).following
  const sessions = createSessionDirectory()
  const followingSessions =
    serves('rungate') && (await follow(db, sessions, { ...subscription, name: 'sessions' })).following
  const { directory: auditors, following: followingAuditors } = await follow(db, createAuditorDirectory(), {
    ...subscription,
    name: 'auditors',
  })
  const consoleSessions = createConsoleSessions()
  const followingConsole =
    serves('console') && (await follow(db, consoleSessions, { ...subscription, name: 'console' })).following
  const own = { credentials: buyers, workers, waits }
  const drains: (() => void)[] = []
  const logReaders = await Promise.all(contexts.flatMap((each) => each.findLogReader?.(own) ?? []))
  const storeProxy = await startProxy(new URL(log.url))
  const limits = { deadlineMs: 2_000, appendAttemptsMax: 2 }
  const store = createEventStore({ registry, url: storeProxy.url, ...limits, personKeys: log.keys })
  const bus = createCommandBus(store, { cachedAggregatesMax: 1_000, seenCommandsMax: 100_000, conflictRetriesMax: 3 })
  const rawLog = openRawLog(log.url, registry)
  const sealKeys: string[] = []
  const instanceKey = Buffer.alloc(32, 7)
  const instanceKeys = () => [instanceKey]
  const ring = createKeyRing({ current: instanceKey, previous: [] })
  if (serves('firsthand') || serves('rungate')) await prepareVault(database.db, ring)
  const resolve = options.resolve ?? (async () => [])
  const ofAudits = { ...auditLimits(), ...options.auditLimits }
  const logged: { level: string; fields: Record<string, unknown>; message: string }[] = []
  const record = (level: string) => (fields: object, message: string) =>
    void logged.push({ level, fields: fields as Record<string, unknown>, message })
  const objectsDirectory = await mkdtemp(join(tmpdir(), 'opslog-objects-'))
  const objects = createDiskStore({
    directory: objectsDirectory,
    keys: instanceKeys,
    linkBase: () => url + OBJECTS_PATH,
    now: () => new Date(),
  })
  let webhookUrl: string | undefined
  const standIn = serves('firsthand') ? await startPaymentStandIn(() => webhookUrl) : undefined
  const buying = (of: CommandBus) => ({
    ...{ payments: (environment: 'live' | 'test') => standIn!.payments(environment), publicUrl: undefined },
    log: { warn: record('warn'), error: record('error') },
    ...{ bus: of, db, clock: options.buyClock ?? (() => new Date()), credentials: buyers, ...firsthandSettings },
    waiter: waiters.of(projectionsCheckpoint('firsthand')),
    ...{ instanceKeys, waits, objects },
    webhooks: {
      keys: endpointKeysOf(db, ring),
      resolve,
      allowLoopback: false,
      endpointsMax: 16,
      overlapMs: 86_400_000,
    },
    workerCredentials: workers,
    claimLimits: { ...claimLimits(), ...options.claimLimits },
    noteUse: createKeyUse({ bus: of, log: { warn: record('warn') }, clock: () => new Date(), gapMinMs: 900_000 }),
  })
  const desks = startDesks(store)
  deskFollower.tell(desks.follow)
  const governClock = options.governClock ?? (() => new Date())
  const providerSecrets = providerSecretsOf(db, ring)
  const providerAddresses = {
    ...{ resolve, allowLoopback: options.allowLoopbackProviders ?? false },
    hosts: ['llm.internal', '10.1.0.0/16'],
  }
  const governSettings = rungateSettings.parse({ ...options.rungate })
  const contentLog = createContentLog({
    ...{ bus, keys: providerSecrets, clock: () => new Date(), log: { warn: record('warn') } },
    settings: contentSettingsOf(governSettings),
  })
  const opened = openProxy({
    ...{ desks, processId: desks.processId, directory: agents, circuits, bus, db, providerSecrets, providerAddresses },
    ...{ clock: () => new Date(), log: { info: record('info'), warn: record('warn'), error: record('error') } },
    ...{ contentLog, settings: governSettings, ownPrices: await pricesIn(governSettings.PRICES_FILE) },
  })
  const governing = (of: CommandBus): RungateParts => ({
    ...{
      sessions,
      sessionMs: SESSION_MS,
      cookies: { publicUrl: undefined, trustProxy: options.limits?.trustProxy ?? false },
    },
    noteSeen: createSessionUse({
      ...{ bus: of, log: { warn: record('warn') }, clock: governClock, sessionMs: SESSION_MS, gapMinMs: 3_600_000 },
    }),
    ...{ people: createPeopleDigests(providerSecrets), peopleLimits: { ...peopleLimits(), ...options.peopleLimits } },
    mailWay: options.mailWay ?? 'mailbox',
    ...{ bus: of, db, clock: governClock, tokens, agents, keyKnownWaitMs: 5_000, apiUrl: () => url },
    waiter: waiters.of(projectionsCheckpoint('rungate')),
    noteUse: createTokenUse({ bus: of, log: { warn: record('warn') }, clock: () => new Date(), gapMinMs: 900_000 }),
    registrationsPerHourMax: options.registrationsPerHourMax ?? 100_000,
    ...{ perMinute: perMinuteOf(governSettings), adminTokensMax: governSettings.RUNGATE_ADMIN_TOKENS_MAX },
    ...{ providerSecrets, providerAddresses, proxy: opened.proxy, contentLog, bounds: boundsOf(governSettings) },
    webhooks: {
      ...{ resolve, allowLoopback: options.allowLoopbackWebhooks ?? false },
      webhooksMax: options.webhooksMax ?? 100_000,
      ...{ overlapEnd: overlapEndAfter(600_000), isServed: async () => options.areWebhooksServed ?? true },
    },
    health: createHealth(db),
    ...{ desks, processId: desks.processId },
    ...selfDescription,
  })
  const serve = (of: CommandBus) => {
    // Those who ask are in this process too, and share its loop.
    const own = { readYourWritesWaitMs: 5_000, tenantLoopMaxPercent: 100 }
    const limits = { ...defaultHttpLimits, ...own, ...options.limits }
    const core = { bus: of, db, waiter, clock: () => new Date(), personKeys: log.keys }
    const auditing = createAuditParts({
      ...core,
      ...{
        log: rawLog,
        rules: auditRules,
        sealKeys,
        auditors,
        logReaders,
        limits: ofAudits,
        requestsPerMinuteMax: 600,
        traceUrlTemplate: options.traceUrlTemplate,
      },
      waiter: waiters.of(projectionsCheckpoint('audit')),
      async caughtUp() {
        const head = await rawLog.head(({ type }) => type.startsWith('noctant.'))
        if (head !== undefined) await waiter.waitFor(head, limits.readYourWritesWaitMs)
      },
      ownersOf: createOwnersOf(db, contexts),
      recorder: createReadingRecorder(store, { auditorsMax: 10, conflictRetriesMax: 5 }),
    })
    const metrics = createMetrics([])
    const callers = createCallers(limits.trustProxy)
    const app = createApp({
      callers,
      contexts: [
        withParts(noctant, { ...core, store, credentials, ...noctantSettings, ...options.noctant }),
        withParts(audit, auditing),
        ...(serves('firsthand') ? [withParts(firsthand, buying(of))] : []),
        ...(serves('rungate') ? [withParts(rungate, governing(of))] : []),
        ...(serves('console')
          ? [
              withParts(consoleApi, {
                ...core,
                ...{
                  isOn: true,
                  settings: () =>
                    describeConfig(contexts).map((each) => ({ ...each, value: each.fallback, source: 'default' })),
                  readModels: () => contexts,
                  onDrain: (step) => void drains.push(step),
                  ...{ store, samples: createSamples(), series: new Map() },
                  publicUrl: undefined,
                  sessions: consoleSessions,
                },
                waiter: waiters.of(projectionsCheckpoint('console')),
                clock: options.consoleClock ?? (() => new Date()),
                limits: { ...consoleLimits(), ...options.consoleLimits },
              }),
            ]
          : []),
      ],
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
  const second = await serve(
    createCommandBus(store, { cachedAggregatesMax: 1_000, seenCommandsMax: 100_000, conflictRetriesMax: 3 }),
  )
  const url = `http://127.0.0.1:${server.port}`
  webhookUrl = `${url}${STRIPE_WEBHOOK_PATH}`

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

  /** A new operator, or another key of one. */
  async function addKey(operatorId: string, scopes: readonly ApiScope[]): Promise<{ key: string; keyId: string }> {
    const { key, keyId, keyHash } = generateApiKey('sandbox')
    const at = new Date().toISOString()
    const facts = { keyId, label: null, scopes: [...scopes], keyHash }
    await bus.handle(operatorAggregate, operatorId, { kind: 'issueKey', key: facts, at }, systemContext())
    await eventually(() => expect(credentials.find(keyId)).toBeDefined())
    return { key, keyId }
  }

  return {
    url,
    call: (method: string, path: string, asked?: Asked) => callAt(url, method, path, asked),
    secondUrl: `http://127.0.0.1:${second.port}`,
    /** The same, of another API process. */
    callSecond: (method: string, path: string, asked?: Asked) =>
      callAt(`http://127.0.0.1:${second.port}`, method, path, asked),
    /** A buyer's request. */
    buy: (method: string, path: string, asked?: Asked) => callAt(url, method, path, asked, 'firsthand'),
    buySecond: (method: string, path: string, asked?: Asked) =>
      callAt(`http://127.0.0.1:${second.port}`, method, path, asked, 'firsthand'),
    /** A request to rungate. */
    govern: (method: string, path: string, asked?: Asked) => callAt(url, method, path, asked, 'rungate'),
    governSecond: (method: string, path: string, asked?: Asked) =>
      callAt(`http://127.0.0.1:${second.port}`, method, path, asked, 'rungate'),
    buyers,
    /** Rungate's desks, of both API processes. */
    desks,
    /** A figure of its calls, as the metrics say it. */
    async figure(name: string) {
      const gauge = opened.gauges.find((each) => each.name === name)
      if (!gauge) throw new Error(`there is no gauge ${name}`)
      return gauge.read()
    },
    workers,
    waits,
    objects,
    /** Where the test's project loads firsthand. */
    get firsthandWaiter() {
      return waiters.of(projectionsCheckpoint('firsthand'))
    },
    /** An auditor's read. */
    audit: (path: string, asked?: Asked) => callAt(url, 'GET', path, asked, 'audit'),
    auditSecond: (path: string, asked?: Asked) =>
      callAt(`http://127.0.0.1:${second.port}`, 'GET', path, asked, 'audit'),
    /** A key for the events of one operator, or of all (null). */
    async addAuditor(operatorId: string | null, name = 'Grace of the auditors') {
      const { key, keyId, keyHash } = generateAuditorKey()
      const at = new Date().toISOString()
      const facts = { keyId, operatorId, name, scopes: ['audit:read' as const], keyHash }
      await bus.handle(auditor, keyId, { kind: 'issue', facts, at }, systemContext())
      await eventually(() => expect(auditors.find(keyId)).toBeDefined())
      return { key, keyId }
    },
    auditors,
    /** A link that opens the console to an administrator, and how long it does. */
    async addConsoleLink({ isReadOnly = false, ttlMs = 300_000, now = new Date() } = {}) {
      return (await issueLink(bus, { url, ttlMs, isReadOnly, now })).url
    },
    consoleSessions,
    rawLog,
    /** A test may change them. */
    auditLimits: ofAudits,
    /** Keys that seals are held against. */
    sealKeys,
    eventStoreUrl: log.url,
    keys: log.keys,
    logged,
    bus,
    store: log.store,
    db,
    waiter,
    credentials,
    addKey,
    async addOperator(overrides: Partial<OperatorFacts> = {}): Promise<TestOperator> {
      const operatorId = randomUUID()
      const orgId = deterministicId('test organisation', operatorId)
      const facts: OperatorFacts = {
        operatorId,
        orgId,
        name: 'Acme Trading',
        slug: `acme-${operatorId.slice(0, 8)}`,
        environment: 'sandbox',
        rateLimitTier: 'unlimited',
        apiAccess: 'allowlisted_beta',
        allowedOrigins: ['https://acme.example'],
        ...overrides,
      }
      await createOperator(bus, facts, systemContext())
      return { operatorId, orgId, ...(await addKey(operatorId, apiScope.options)) }
    },
    /** A command of an administrator's. */
    administer: (operatorId: string, command: Parameters<typeof operatorAggregate.decide>[0]) =>
      bus.handle(operatorAggregate, operatorId, command, systemContext()),
    /** The stand-in for Stripe, where firsthand is served. */
    standIn,
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
      const ended = [
        ...projectors.map((each) => each.stop()),
        followingKeys,
        followingBuyers,
        followingTokens,
        followingAgents,
        followingCircuits,
        opened.close(),
        followingDesks,
        followingSessions,
        followingJobs,
        followingWorkers,
        followingAuditors,
        followingConsole,
        waiters.close(),
        db.destroy(),
      ]
      await standIn?.close()
      await Promise.all([...ended, store.close(), rawLog.close()])
      proxy.cut()
      storeProxy.cut()
      await Promise.all([database.drop(), rm(objectsDirectory, { recursive: true, force: true })])
      await log.close()
    },
  }
}

/** A request for an account that is all right. */
export const accountRequest = (externalAccountId: string, overrides: Record<string, unknown> = {}) => ({
  external_account_id: externalAccountId,
  external_user_id: 'trader-1',
  currency: 'usd',
  initial_balance: '100000',
  execution_profile_key: 'standard',
  provider_type: 'prop_firm',
  rules_owner: 'partner',
  feed_source: 'noctant',
  branding_policy: 'co_brand',
  visibility_policy: 'same_sponsor_only',
  claim_allowed: false,
  marketing_allowed: true,
  ...overrides,
})
