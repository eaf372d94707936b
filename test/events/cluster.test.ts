/** What a cluster does to its clients: slow subscribers are dropped, followers read from behind, a majority may be missing. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { backupStore } from '../../src/embedded/eventstore/maintenance.ts'
import { createLogGuard } from '../../src/events/log-identity.ts'
import { createEventStore, type EventStore, StoreUnavailable } from '../../src/events/store.ts'
import { runSubscription } from '../../src/events/subscription.ts'
import { sampleRegistry as registry } from '../sample/context.ts'
import { startEventStoreNode } from '../support/event-store-node.ts'
import { type EventStoreRelay, startEventStoreRelay } from '../support/event-store-relay.ts'
import { temporaryDirectory } from '../support/services.ts'

const directory = temporaryDirectory()
let node: Awaited<ReturnType<typeof startEventStoreNode>>
let relay: EventStoreRelay
beforeAll(async () => {
  node = await startEventStoreNode({ directory: directory.path })
  relay = await startEventStoreRelay({ target: node.url })
})
afterAll(async () => {
  relay.close()
  await node.close()
  directory.remove()
})

const limits = { registry, deadlineMs: 5_000, appendAttemptsMax: 2 }
const actor = { kind: 'system', id: 'test' } as const
const cause = { $correlationId: 'c', $causationId: 'c', actor, commandId: 'c' }
const event = { type: 'opslog.HeartbeatRecorded.v1', data: { occurredAt: '2026-01-01T00:00:00Z' } }

const append = (store: EventStore, stream: string) =>
  store.append(stream, undefined, '', [{ id: randomUUID(), event, cause }])

it('a consumer that is dropped for being slow subscribes again, and misses nothing', async () => {
  const store = createEventStore({ ...limits, url: node.url })
  const name = `test.slow${randomUUID().slice(0, 8)}`
  const seen: string[] = []
  const lost: unknown[] = []
  const stopping = new AbortController()
  let position: bigint | undefined
  const following = runSubscription({
    url: relay.url,
    registry,
    name: 'test',
    types: [],
    from: async () => position,
    async onBatch(events) {
      seen.push(...events.map(({ stream }) => stream).filter((stream) => stream.startsWith(name)))
      position = events.at(-1)?.position
    },
    batchMax: 3,
    readTimeoutMs: 20_000,
    backoffMinMs: 1,
    backoffMaxMs: 5,
    signal: stopping.signal,
    onError: (error) => lost.push(error),
  })
  const streams = Array.from({ length: 300 }, (_, index) => `${name}-${index}`)
  let dropped = 0
  for (const [index, stream] of streams.entries()) {
    await append(store, stream)
    if (index % 50 === 25) dropped += relay.dropSubscribers()
  }
  await expect.poll(() => seen.length).toBe(streams.length)
  expect(seen).toEqual(streams)
  expect(dropped).toBeGreaterThan(0)
  expect(lost.map(String).join()).toContain('Consumer too slow')
  stopping.abort()
  await following
  await store.close()
})

it('without a majority appends are unavailable, reads go on, and the store is known not to take writes', async () => {
  const store = createEventStore({ ...limits, url: relay.url })
  onTestFinished(() => store.close())
  const stream = `test.quorum-${randomUUID()}`
  await append(store, stream)
  expect(store.isWritable()).toBe(true)
  relay.setQuorum(false)
  onTestFinished(() => relay.setQuorum(true))
  await expect(append(store, `${stream}-2`)).rejects.toThrow(StoreUnavailable)
  expect(store.isWritable()).toBe(false)
  expect(await store.readLast(stream)).toMatchObject({ type: event.type })
  relay.setQuorum(true)
  await append(store, `${stream}-3`)
  expect(store.isWritable()).toBe(true)
})

it.each(['leader', 'follower'])(
  'with nodePreference=%s a follower that is behind is taken for no other log',
  async (preference) => {
    const store = createEventStore({ ...limits, url: node.url })
    await append(store, `test.before-${randomUUID()}`)
    const behind = temporaryDirectory()
    const copy = join(behind.path, 'copy')
    await backupStore(directory.path, copy)
    const late = await startEventStoreNode({ directory: copy })
    const follower = await startEventStoreRelay({ target: late.url, leaderPort: node.port })
    const { position } = await append(store, `test.after-${randomUUID()}`)
    const mark = { position, eventId: (await store.eventIdAt(position))! }
    await store.close()

    const guard = createLogGuard({ known: async () => ({ logId: undefined, mark }), patienceMs: 0, retryMs: 10 })
    const url = `esdb://127.0.0.1:${follower.port},127.0.0.1:${node.port}?tls=false&nodePreference=${preference}`
    const client = createEventStore({ ...limits, url, guard })
    onTestFinished(async () => {
      await client.close()
      follower.close()
      await late.close()
      behind.remove()
    })
    const stream = `test.cluster-${randomUUID()}`
    await expect.poll(() => append(client, stream).then(() => 'appended', String)).toBe('appended')
    await expect.poll(() => client.readLast(stream)).toMatchObject({ type: event.type })
    expect(guard.mismatch()).toBeUndefined()

    const seen: string[] = []
    const stopping = new AbortController()
    const following = runSubscription({
      url,
      registry,
      name: 'test',
      types: [],
      from: async () => position,
      confirm: (view) => guard.confirm(view),
      onBatch: async (events) => void seen.push(...events.map((each) => each.stream)),
      batchMax: 100,
      readTimeoutMs: 20_000,
      backoffMinMs: 10,
      backoffMaxMs: 50,
      signal: stopping.signal,
      onError: () => undefined,
    })
    await expect.poll(() => seen).toContain(stream)
    expect(guard.mismatch()).toBeUndefined()
    stopping.abort()
    await following
  },
)
