/** The kernel's webhooks on a real log, a real Postgres and real receivers. */
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type CommandBus, createCommandBus } from '../../src/commands/handle.ts'
import { createEventStore, type EventStore } from '../../src/events/store.ts'
import { readHistory, runSubscription } from '../../src/events/subscription.ts'
import { createDatabase as connect, type ReadModels } from '../../src/postgres/database.ts'
import { startProjector } from '../../src/projections/projector.ts'
import { prepareSchema } from '../../src/projections/schema.ts'
import { createKeyRing } from '../../src/vault/key-ring.ts'
import { createObjectKeys, type ObjectKeys } from '../../src/vault/object-keys.ts'
import { prepareVault } from '../../src/vault/vault.ts'
import { newWebhookHealth, runWebhooks } from '../../src/webhooks/process.ts'
import { openWithVault, sealSecret } from '../../src/webhooks/secret.ts'
import { deadWebhookCount, listWebhookAttempts } from '../../src/webhooks/tables.ts'
import { eventually } from '../projections/support.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { createDatabase, type TestDatabase } from '../support/services.ts'
import { recordingLog } from '../support/streams.ts'
import { answers, type Receiver, startReceiver } from '../support/webhook-receiver.ts'
import { newCommand } from './command.ts'
import { note } from './note.ts'
import {
  hook,
  hookPlaces,
  hookProjections,
  hookReplay,
  hooks,
  names,
  sampleRegistry as registry,
  sign,
  tables,
} from './webhooks.ts'

const KIND = 'sample.hook'

const stopping = new AbortController()
const ends: (() => Promise<unknown>)[] = []
let node: TestStore
let database: TestDatabase
let db: ReadModels
let store: EventStore
let bus: CommandBus
let keys: ObjectKeys

beforeAll(async () => {
  node = await startTestStore()
  database = await createDatabase()
  db = connect({ url: database.url, poolMax: 6 })
  store = createEventStore({ registry, url: node.url, deadlineMs: 5_000, appendAttemptsMax: 3, personKeys: node.keys })
  bus = createCommandBus(store, { cachedAggregatesMax: 100, seenCommandsMax: 1_000, conflictRetriesMax: 3 })
  const ring = createKeyRing({ current: randomBytes(32), previous: [] })
  await prepareVault(db, ring)
  await prepareSchema(db, [{ name: 'sample', projections: hookProjections }])
  keys = createObjectKeys(db, ring, { cachedMax: 10, ttlMs: 50 })
  const supervised = (name: string) => ({
    url: node.url,
    name,
    registry,
    personKeys: node.keys,
    batchMax: 100,
    readTimeoutMs: 20_000,
    backoffMinMs: 50,
    backoffMaxMs: 500,
    signal: stopping.signal,
    onError: () => undefined,
  })
  const log = recordingLog()
  const projector = startProjector({
    context: 'sample',
    db,
    url: database.url,
    projections: hookProjections,
    source: (reader) => runSubscription({ ...supervised('projector'), types: ['sample.'], ...reader }),
    readHistory: (after) => readHistory(supervised('history'), after),
    eventIdAt: store.eventIdAt,
    log,
  })
  const running = runWebhooks(hooks, {
    db,
    databaseUrl: database.url,
    store,
    subscribe: (reader) => runSubscription({ ...supervised('webhooks'), ...reader }),
    log,
    signal: stopping.signal,
    health: newWebhookHealth(),
    retryMs: 100,
    checkpointIntervalMs: 50,
    bus,
    openSecret: openWithVault(keys, KIND),
    limits: {
      timeoutMs: 5_000,
      excerptMaxBytes: 100,
      allowLoopback: true,
      scheduleMs: [50, 60],
      jitterRatio: 0,
      retryAfterMaxMs: 1_000,
      disableAfterMs: 60_000,
      secretsMax: 2,
      concurrencyMax: 10,
      endpointConcurrencyMax: 2,
      endpointQueueMax: 10,
      pollIntervalMs: 40,
      pollBatchMax: 100,
      drainMs: 100,
      cachedMax: 100,
    },
  })
  ends.push(
    () => running,
    () => projector.stop(),
  )
})
const receivers: Receiver[] = []
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close()
})
afterAll(async () => {
  stopping.abort()
  for (const end of ends) await end()
  await store.close()
  await db.destroy()
  await node.close()
  await database.drop()
})

/** An endpoint of the tenant that listens; `placesMax`: as many as it may have. */
async function addHook(tenantId: string, { placesMax = 2, eventTypes = null as string[] | null } = {}) {
  const receiver = await startReceiver()
  receivers.push(receiver)
  const hookId = randomUUID()
  const owner = { tenantId, hookId }
  const [secret, secretId, now] = [`s-${randomUUID()}`, randomUUID(), newCommand()]
  await bus.handle(hookPlaces, tenantId, { kind: 'take', owner, placesMax, at: now.at }, now)
  const sealed = sealSecret(secret, { endpointId: hookId, secretId }, await keys.ensure(KIND, hookId))
  const command = {
    kind: 'set',
    owner,
    url: receiver.url,
    eventTypes,
    secret: { secretId, sealed },
    at: now.at,
  } as const
  await bus.handle(hook, hookId, command, newCommand())
  return { receiver, owner, hookId, secret }
}
const write = async (tenantId: string, text: string) => {
  const noteId = randomUUID()
  await bus.handle(note, noteId, { noteId, tenantId, text }, newCommand())
  return noteId
}
const receives = (receiver: Receiver, count: number) =>
  eventually(() => {
    expect(receiver.received).toHaveLength(count)
    return receiver.received
  })
const attemptsOf = (tenantId: string) => listWebhookAttempts(db, names, tables, { tenantId, limit: 100 })

describe('webhooks of another context', () => {
  it('go to every endpoint of the tenant that takes them, signed as that context signs', async () => {
    const tenantId = randomUUID()
    const [first, second] = [await addHook(tenantId), await addHook(tenantId)]
    const other = await addHook(randomUUID())
    await write(tenantId, 'hello')
    for (const { receiver, secret } of [first, second]) {
      const [received] = await receives(receiver, 1)
      expect(received?.event).toMatchObject({ type: 'note.written', note: 'hello' })
      const { 'x-sample-signature': signature = '', 'x-sample-event': id } = received!.headers
      const timestampS = Number(/^t=(\d+)/.exec(String(signature))?.[1])
      const message = { id: String(id), eventType: '', deliveryId: '', timestampS, body: received!.body }
      expect(received!.headers).toMatchObject(sign(message, [secret]))
      expect(received!.headers).not.toHaveProperty('webhook-signature')
    }
    await eventually(async () => expect(await attemptsOf(tenantId)).toHaveLength(2))
    expect(other.receiver.received).toStrictEqual([])
  })

  it('are delivered again, by replay, to the endpoint that asked and to no other', async () => {
    const tenantId = randomUUID()
    const [asking, other] = [await addHook(tenantId), await addHook(tenantId)]
    const noteId = await write(tenantId, 'again')
    const [received] = await receives(asking.receiver, 1)
    const [replayId, { at }] = [randomUUID(), newCommand()]
    const source = {
      eventId: String(received!.headers['x-sample-event']),
      stream: `sample.note-${noteId}`,
      revision: '0',
    }
    const window = { from: at, to: at, eventTypes: null, limit: 1, sources: [source] }
    const facts = { replayId, ...asking.owner, ...window }
    await bus.handle(hookReplay, replayId, { kind: 'request', facts, at }, newCommand())
    const [, again] = await receives(asking.receiver, 2)
    expect(again?.body).toBe(received?.body)
    await receives(other.receiver, 1)
  })

  it('have a bounded number of endpoints a tenant, and places are free again', async () => {
    const tenantId = randomUUID()
    const first = await addHook(tenantId, { placesMax: 1 })
    await expect(addHook(tenantId, { placesMax: 1 })).rejects.toMatchObject({ code: 'webhook_limit_reached' })
    const { at } = newCommand()
    await bus.handle(hook, first.hookId, { kind: 'delete', at }, newCommand())
    await bus.handle(hookPlaces, tenantId, { kind: 'free', owner: first.owner, at }, newCommand())
    const second = await addHook(tenantId, { placesMax: 1 })
    await write(tenantId, 'to the second alone')
    await receives(second.receiver, 1)
    expect(first.receiver.received).toStrictEqual([])
  })

  it('that do not get through are dead letters; a secret goes with its key in the vault', async () => {
    const tenantId = randomUUID()
    const { receiver, hookId } = await addHook(tenantId)
    const before = await deadWebhookCount(db, tables)
    receiver.behave(answers(500))
    await write(tenantId, 'never heard')
    await receives(receiver, 3)
    await eventually(async () => expect(await deadWebhookCount(db, tables)).toBe(before + 1))
    expect(await keys.destroy(KIND, hookId)).toBe(true)
    const open = openWithVault(keys, KIND)('x', { endpointId: hookId, secretId: 'any' })
    await expect(open).rejects.toThrow(/destroyed/)
  })
})
