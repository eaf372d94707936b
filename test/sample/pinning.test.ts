/** The kernel's processes, seen on the sample context's: one effect for each event, one leader, one log. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type CommandBus, createCommandBus } from '../../src/commands/handle.ts'
import { createEventStore, type EventStore } from '../../src/events/store.ts'
import { runSubscription } from '../../src/events/subscription.ts'
import { newProcessHealth } from '../../src/processes/process.ts'
import { type Prepared, prepared } from '../projections/support.ts'
import { eventsOf, startTestStore, type TestStore } from '../support/event-store.ts'
import { recordingLog } from '../support/streams.ts'
import { BOARD_PLACES, boardStream } from './board.ts'
import { newCommand } from './command.ts'
import { sampleRegistry as registry } from './context.ts'
import { note } from './note.ts'
import { PINNING, runPinning } from './pinning.ts'

let node: TestStore
let database: Prepared
let store: EventStore
let bus: CommandBus
const running: (() => Promise<void>)[] = []

beforeAll(async () => {
  node = await startTestStore()
  database = await prepared([], 'sample')
  store = openStore(node)
  bus = createCommandBus(store, { cachedAggregatesMax: 100, seenCommandsMax: 1_000, conflictRetriesMax: 3 })
})
afterEach(async () => {
  for (const stop of running.splice(0)) await stop()
})
afterAll(async () => {
  await store.close()
  await database.drop()
  await node.close()
})

const openStore = ({ url, keys }: TestStore) =>
  createEventStore({ registry, url, deadlineMs: 5_000, appendAttemptsMax: 3, personKeys: keys })

/** Another process of an installation, on this log. */
function start(on: TestStore = node, to: EventStore = store) {
  const stopping = new AbortController()
  const health = newProcessHealth()
  const log = recordingLog()
  const { signal } = stopping
  const ended = runPinning({
    db: database.db,
    databaseUrl: database.url,
    store: to,
    bus: createCommandBus(to, { cachedAggregatesMax: 100, seenCommandsMax: 1, conflictRetriesMax: 3 }),
    subscribe: (reader) =>
      runSubscription({
        ...{ url: on.url, name: PINNING, registry, personKeys: on.keys, onError: () => undefined },
        ...{ batchMax: 100, readTimeoutMs: 20_000, backoffMinMs: 20, backoffMaxMs: 200 },
        ...reader,
      }),
    ...{ log, signal, health, retryMs: 20, checkpointIntervalMs: 0 },
  })
  const stop = async () => {
    stopping.abort()
    await ended
  }
  running.push(stop)
  return { health, stop }
}

async function write(tenantId: string, text: string): Promise<string> {
  const noteId = randomUUID()
  await bus.handle(note, noteId, { noteId, tenantId, text }, newCommand())
  return noteId
}
const pinned = async (tenantId: string) => (await eventsOf(store, boardStream(tenantId))).map(({ data }) => data.noteId)

it('what follows from an event follows once, also where it is handled again after its checkpoint was lost', async () => {
  const tenantId = randomUUID()
  const first = start()
  const one = await write(tenantId, 'hello!')
  await write(tenantId, 'not so loud')
  await expect.poll(() => pinned(tenantId)).toStrictEqual([one])
  await first.stop()
  await sql`DELETE FROM opslog_checkpoints WHERE name = ${PINNING}`.execute(database.db)
  const { health } = start()
  const two = await write(tenantId, 'again!')
  await expect.poll(() => pinned(tenantId)).toStrictEqual([one, two])
  // They are counted once their batch is done.
  await expect.poll(() => health.handled).toBeGreaterThanOrEqual(3)
})

it('goes on where it was, and a refusal of the domain does not stop it', async () => {
  const [full, other] = [randomUUID(), randomUUID()]
  await start().stop()
  for (let index = 0; index <= BOARD_PLACES; index++) await write(full, `${index}!`)
  const last = await write(other, 'after that!')
  start()
  await expect.poll(() => pinned(other)).toStrictEqual([last])
  expect(await pinned(full)).toHaveLength(BOARD_PLACES)
})

it('one leads, another stands by and takes over when that one is gone', async () => {
  const tenantId = randomUUID()
  const first = start()
  await expect.poll(() => first.health.state).toBe('leading')
  const second = start()
  const one = await write(tenantId, 'one!')
  await expect.poll(() => pinned(tenantId)).toStrictEqual([one])
  expect(second.health).toMatchObject({ state: 'standby', handled: 0 })
  await first.stop()
  const two = await write(tenantId, 'two!')
  await expect.poll(() => pinned(tenantId)).toStrictEqual([one, two])
  expect(second.health.state).toBe('leading')
})

it('stands still at another log than that of its checkpoint, says so, and does nothing there', async () => {
  const first = start()
  const tenantId = randomUUID()
  await write(tenantId, 'known!')
  await expect.poll(() => pinned(tenantId)).toHaveLength(1)
  await first.stop()
  const another = await startTestStore()
  const anotherStore = openStore(another)
  const elsewhere = createCommandBus(anotherStore, {
    cachedAggregatesMax: 9,
    seenCommandsMax: 9,
    conflictRetriesMax: 3,
  })
  const noteId = randomUUID()
  await elsewhere.handle(note, noteId, { noteId, tenantId, text: 'unknown!' }, newCommand())
  const { health, stop } = start(another, anotherStore)
  await expect.poll(() => health).toMatchObject({ state: 'halted', fault: expect.stringContaining('older backup') })
  expect(await eventsOf(anotherStore, boardStream(tenantId))).toStrictEqual([])
  await stop()
  await anotherStore.close()
  await another.close()
})
