/**
 * A whole instance in the test's process: real event store node, a database of its own on the run's Postgres, a command
 * stream of the wanted kind, all roles, and the sandbox operator to call it with.
 */

import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { pino } from 'pino'
import { vi } from 'vitest'
import { type CommandBus, type CommandContext, createCommandBus } from '../../src/commands/handle.ts'
import { type Config, loadConfig } from '../../src/config.ts'
import { openStream } from '../../src/embedded/stream.ts'
import type { ApiScope } from '../../src/events/noctant/vocabulary.ts'
import { createEventStore, type EventStore } from '../../src/events/store.ts'
import { connectNats } from '../../src/gateway/nats.ts'
import type { MessageStream } from '../../src/gateway/stream.ts'
import { startInstance } from '../../src/instance.ts'
import { createDatabase as connectDatabase } from '../../src/postgres/database.ts'
import { damagedPlacesOf, stripeStandIns } from '../../src/services/backing-services.ts'
import { localChains } from '../../src/services/local-chain.ts'
import { ensureSealingKey } from '../../src/vault/secrets-key.ts'
import { createVault } from '../../src/vault/vault.ts'
import { loaded, registry } from './contexts.ts'
import { startEventStoreNode } from './event-store-node.ts'
import { createDatabase, natsUrl, temporaryDirectory } from './services.ts'
import { giveClock } from './set-clock.ts'
import { STREAM_BYTES_MAX } from './streams.ts'

export interface TestOperator {
  operatorId: string
  orgId: string
  apiKey: string
  keyId: string
}

export interface Stack {
  /** `http://127.0.0.1:…` of the API. */
  url: string
  /** The sandbox operator's key: every scope, no rate limit. */
  apiKey: string
  engine: { url: string; token: string }
  eventStoreUrl: string
  databaseUrl: string
  /** The instance's log, for what is to be seen or not to be seen there. */
  logFile: string
  store: EventStore
  bus: CommandBus
  stream: MessageStream
  /** Another operator with a key of these scopes (default: all), known to the API when this resolves. */
  addOperator(options?: OperatorOptions): Promise<TestOperator>
  /** A further key for an operator. */
  addKey(of: TestOperator, scopes: readonly ApiScope[]): Promise<TestOperator>
  /** The context of an administrator's command. */
  adminContext(): CommandContext
  close(): Promise<void>
}

export interface OperatorOptions {
  scopes?: readonly ApiScope[]
  tier?: 'standard' | 'pro' | 'enterprise' | 'unlimited'
  apiAccess?: 'disabled' | 'allowlisted_beta'
}

export interface StackOptions {
  /** Which command stream; default: NATS where the run has one. */
  stream?: 'nats' | 'in-process'
  /** Environment variables on top of the tests' own. */
  environment?: Record<string, string>
  /** Its clock can be set ahead (set-clock.ts). */
  hasOwnClock?: boolean
}

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const directory = temporaryDirectory()
  const database = await createDatabase()
  if (options.hasOwnClock) await giveClock(database.url)
  const node = await startEventStoreNode({ directory: join(directory.path, 'eventstore') })
  const stream = await openStreamOf(options.stream ?? (natsUrl() ? 'nats' : 'in-process'), directory.path)
  const logFile = join(directory.path, 'opslog.log')
  const log = pino({ level: 'info' }, pino.destination({ dest: logFile, sync: true }))
  const config: Config = loadConfig({
    ...{ PORT: '0', DATA_DIR: directory.path, CONTEXTS: loaded.join() },
    ...options.environment,
  })
  const stops: (() => Promise<void>)[] = []
  const services = {
    stripeStandIn: stripeStandIns(config, stops),
    ...localChains(config, log, stops),
    eventStore: { kind: 'embedded' as const, url: node.url, damagedPlaces: () => damagedPlacesOf(node) },
    postgres: { kind: 'external' as const, url: database.url },
    stream: { kind: 'embedded' as const, url: null, stream, note: '' },
    failed: new Promise<string>(() => undefined),
    stop: async () => undefined,
  }
  const instance = await startInstance(config, services, log)
  const { api, engine } = instance
  const sandbox = api?.firstRuns.get('noctant')
  if (!api) throw new Error('the stack runs all roles')
  const db = connectDatabase({ url: database.url, poolMax: 2 })
  const vault = createVault({ db, sealingKey: ensureSealingKey(config), cachedMax: 1_000, log })
  const store = createEventStore({
    registry,
    url: node.url,
    deadlineMs: 5_000,
    appendAttemptsMax: 3,
    personKeys: vault,
  })
  const bus = createCommandBus(store, { cachedAggregatesMax: 1_000, seenCommandsMax: 100_000, conflictRetriesMax: 3 })
  return {
    url: api.url,
    get apiKey() {
      return sandbox?.apiKey ?? missing('a sandbox operator')
    },
    get engine() {
      return engine ?? missing('an engine')
    },
    eventStoreUrl: node.url,
    databaseUrl: database.url,
    logFile,
    store,
    bus,
    stream,
    ...operators(bus, api.url),
    async close() {
      await instance.close()
      for (const stop of stops) await stop()
      await stream.close()
      await store.close()
      await db.destroy()
      await node.close()
      await database.drop()
      directory.remove()
    },
  }
}

function openStreamOf(kind: 'nats' | 'in-process', directory: string): Promise<MessageStream> | MessageStream {
  const url = natsUrl()
  if (kind === 'in-process') return openStream({ file: join(directory, 'stream.db') })
  if (!url) throw new Error('this test needs a nats-server')
  const prefix = `test-${randomBytes(6).toString('hex')}`
  return connectNats({ url, prefix, publishTimeoutMs: 2_000, streamBytesMax: STREAM_BYTES_MAX })
}

/** Of what a stack has where noctant is among the contexts of the test's project. */
const missing = (what: string): never => {
  throw new Error(`without noctant there is no ${what}`)
}

/** Operators are noctant's, which is loaded where a test makes one. */
function operators(bus: CommandBus, url: string): Pick<Stack, 'addOperator' | 'addKey' | 'adminContext'> {
  const adminContext = (): CommandContext => ({
    commandId: randomUUID(),
    fingerprint: undefined,
    actor: { kind: 'admin', id: 'test' },
    requestId: randomUUID(),
    correlationId: randomUUID(),
    traceparent: undefined,
    at: new Date().toISOString(),
  })
  const addKey: Stack['addKey'] = async ({ operatorId, orgId }, scopes) => {
    const { generateApiKey } = await import('../../src/commands/noctant/api-key.ts')
    const { operator } = await import('../../src/commands/noctant/operator.ts')
    const { key, keyId, keyHash } = generateApiKey('sandbox')
    const facts = { keyId, keyHash, scopes: [...scopes], label: null }
    const context = adminContext()
    await bus.handle(operator, operatorId, { kind: 'issueKey', key: facts, at: context.at }, context)
    await keyIsKnown(url, key)
    return { operatorId, orgId, apiKey: key, keyId }
  }
  const addOperator: Stack['addOperator'] = async (options = {}) => {
    const operatorId = randomUUID()
    const orgId = randomUUID()
    const facts = {
      operatorId,
      orgId,
      name: 'Test operator',
      slug: `test-${operatorId}`,
      environment: 'sandbox' as const,
      rateLimitTier: options.tier ?? ('unlimited' as const),
      apiAccess: options.apiAccess ?? ('allowlisted_beta' as const),
      allowedOrigins: [],
    }
    const { createOperator } = await import('../../src/commands/noctant/operator.ts')
    const { apiScope } = await import('../../src/events/noctant/vocabulary.ts')
    await createOperator(bus, facts, adminContext())
    return addKey({ operatorId, orgId, apiKey: '', keyId: '' }, options.scopes ?? apiScope.options)
  }
  return { addOperator, addKey, adminContext }
}

/**
 * A key works on an API process as soon as its event has arrived there, which takes milliseconds; asking too often
 * would run into the limit on failed authentications.
 */
const keyIsKnown = (url: string, key: string): Promise<void> =>
  vi.waitFor(
    async () => {
      const answer = await fetch(`${url}/noctant/v1/me`, { headers: { authorization: `Bearer ${key}` } })
      await answer.body?.cancel()
      if (answer.status === 401) throw new Error('the API does not know a key that was issued')
    },
    { interval: 20, timeout: 5_000 },
  )
