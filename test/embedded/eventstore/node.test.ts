import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import {
  BACKWARDS,
  binaryEvent,
  END,
  EventStoreDBClient,
  NO_STREAM,
  persistentSubscriptionToStreamSettingsFromDefaults,
  type ResolvedEvent,
  START,
} from '@eventstore/db-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/embedded/eventstore/options.ts'
import { startEventStore, startEventStoreThread } from '../../../src/embedded/eventstore/start.ts'
import { EventStore } from '../../../src/embedded/eventstore/storage/store.ts'
import { verifyStore } from '../../../src/embedded/eventstore/verification.ts'
import { startEventStoreNode } from '../../support/event-store-node.ts'
import { collect, newStream, numbered, numbersOf, OWN_EVENTS, take, temporaryDirectory } from './support/node.ts'
import { startNodeProcess } from './support/node-process.ts'

let directory: { path: string; remove: () => void }
beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(() => directory.remove())

test('has no projections', async () => {
  const node = await startEventStore({ directory: directory.path })
  const client = EventStoreDBClient.connectionString(node.url)
  await expect(client.getProjectionState('any')).rejects.toMatchObject({ code: 12 })
  await client.dispose()
  await node.close()
})

describe.each([
  ['in the calling thread', startEventStore],
  ['in a thread of its own', startEventStoreThread],
] as const)('%s', (_name, start) => {
  test('serves, closes, and serves the same events again', async () => {
    const stream = newStream()
    const first = await start({ directory: directory.path })
    const client = EventStoreDBClient.connectionString(first.url)
    await client.appendToStream(stream, numbered(10), { expectedRevision: NO_STREAM })
    await client.dispose()
    await first.close()
    const second = await start({ directory: directory.path })
    const again = EventStoreDBClient.connectionString(second.url)
    expect(numbersOf(await collect(again.readStream(stream)))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    await again.dispose()
    await second.close()
  })

  test('refuses a directory that is in use, and a port that is taken, with a clear message', async () => {
    const first = await start({ directory: directory.path })
    await expect(start({ directory: directory.path })).rejects.toThrow(/in use by another process/)
    const other = temporaryDirectory()
    await expect(start({ directory: other.path, port: first.port })).rejects.toThrow(/EADDRINUSE/)
    const next = await start({ directory: other.path })
    await next.close()
    other.remove()
    await first.close()
  })

  test('closing finishes the appends in flight, or tells their client that it is unavailable', async () => {
    const node = await start({ directory: directory.path })
    const client = EventStoreDBClient.connectionString(node.url)
    const streams = Array.from({ length: 50 }, () => newStream())
    await client.appendToStream(newStream(), numbered(1), { expectedRevision: NO_STREAM })
    const outcomes = streams.map((stream) =>
      client.appendToStream(stream, numbered(1), { expectedRevision: NO_STREAM }).then(
        () => 'ok',
        (error: { type: string }) => error.type,
      ),
    )
    await node.close()
    const settled = await Promise.all(outcomes)
    expect(settled.filter((outcome) => outcome !== 'ok' && outcome !== 'unavailable')).toEqual([])
    await client.dispose()
  })

  test('closing ends open subscriptions and keeps what was acknowledged', async () => {
    const node = await start({ directory: directory.path })
    const client = EventStoreDBClient.connectionString(node.url)
    const stream = newStream()
    await client.appendToStream(stream, numbered(1), { expectedRevision: NO_STREAM })
    const subscription = client.subscribeToAll({ fromPosition: END })
    const ended = new Promise<unknown>((resolve) => subscription.once('error', resolve))
    await new Promise((resolve) => subscription.once('confirmation', resolve))
    await node.close()
    expect(await ended).toMatchObject({ type: 'unavailable' })
    await client.dispose()
  })
})

test('events of nearly 1 MiB come back whole in both directions, from the files as well', async () => {
  const stream = newStream()
  const first = await startEventStoreNode({
    directory: directory.path,
    recentBytes: 1,
    segmentBytes: 3 * 1024 * 1024,
  })
  const client = EventStoreDBClient.connectionString(first.url)
  const sizes = [1_000_000, 10, 1_040_000, 500_000, 20, 1_048_000]
  for (const [index, size] of sizes.entries()) {
    const event = binaryEvent({ type: 'test.Large', data: Buffer.alloc(size, index) })
    await client.appendToStream(stream, event, { expectedRevision: index === 0 ? NO_STREAM : BigInt(index - 1) })
  }
  const shape = (events: ResolvedEvent[]) =>
    events.map(({ event }) => [event!.revision, (event!.data as Uint8Array).length, (event!.data as Uint8Array).at(-1)])
  const expected = sizes.map((size, index) => [BigInt(index), size, index])
  expect(shape(await collect(client.readStream(stream)))).toEqual(expected)
  expect(shape((await collect(client.readAll())).slice(OWN_EVENTS))).toEqual(expected)
  const backwards = await collect(client.readAll({ fromPosition: END, direction: BACKWARDS }))
  expect(shape(backwards.slice(0, -OWN_EVENTS))).toEqual(expected.toReversed())
  await client.dispose()
  await first.close()
  expect(verifyStore(directory.path)).toMatchObject({ ok: true, events: OWN_EVENTS + sizes.length })
})

test('a fresh log begins with the event that EventStoreDB writes there, once', async () => {
  const starts = async () => {
    const node = await startEventStoreNode({ directory: directory.path })
    const client = EventStoreDBClient.connectionString(node.url)
    const all = await collect(client.readAll())
    const { metadata } = await client.getStreamMetadata('$scavenges')
    await client.dispose()
    await node.close()
    return { all: all.map(({ event }) => [event!.streamId, event!.type, event!.revision]), metadata }
  }
  const first = await starts()
  expect(first.all).toEqual([['$$$scavenges', '$metadata', 0n]])
  expect(first.metadata).toMatchObject({ maxAge: 30 * 24 * 60 * 60, acl: { readRoles: '$ops' } })
  expect(await starts()).toEqual(first)
})

test('a log that has events without that one stays as it is', async () => {
  const stream = newStream()
  const before = new EventStore({ ...DEFAULT_LIMITS, directory: directory.path, onNotice: () => undefined })
  const event = { id: randomBytes(16), type: 'T', json: false, data: Buffer.alloc(1), customMetadata: Buffer.alloc(0) }
  await before.write({ stream, expected: 'no_stream', operation: 'append', events: [event], deadlineMs: undefined })
  await before.close()
  const node = await startEventStoreNode({ directory: directory.path })
  const client = EventStoreDBClient.connectionString(node.url)
  expect((await collect(client.readAll())).map(({ event }) => event!.streamId)).toEqual([stream])
  await client.dispose()
  await node.close()
})

test('a persistent subscription goes on from its checkpoint after a restart', async () => {
  const [stream, group] = [newStream(), newStream('group')]
  const first = await startEventStoreNode({ directory: directory.path })
  const client = EventStoreDBClient.connectionString(first.url)
  await client.appendToStream(stream, numbered(6), { expectedRevision: NO_STREAM })
  const settings = persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START })
  await client.createPersistentSubscriptionToStream(stream, group, settings)
  const subscription = client.subscribeToPersistentSubscriptionToStream(stream, group)
  const events = await take(subscription, 6)
  await subscription.ack(...events.slice(0, 4))
  const inFlight = async () =>
    (await client.getPersistentSubscriptionToStreamInfo(stream, group)).stats.totalInFlightMessages
  while ((await inFlight()) !== 2) await new Promise((resolve) => setImmediate(resolve))
  subscription.on('error', () => subscription.destroy())
  await first.close()
  await client.dispose()
  const second = await startEventStoreNode({ directory: directory.path })
  const again = EventStoreDBClient.connectionString(second.url)
  const rest = await take(again.subscribeToPersistentSubscriptionToStream(stream, group), 2)
  expect(numbersOf(rest)).toEqual([4, 5])
  await again.dispose()
  await second.close()
})

test('an id is recognised after a restart, whatever was expected of its stream at first', async () => {
  const stream = newStream()
  const [event, other] = numbered(2)
  const first = await startEventStore({ directory: directory.path })
  const client = EventStoreDBClient.connectionString(first.url)
  await client.appendToStream(stream, event!, { expectedRevision: NO_STREAM })
  await client.appendToStream(stream, other!, { expectedRevision: 0n })
  await client.dispose()
  await first.close()
  const second = await startEventStore({ directory: directory.path })
  const again = EventStoreDBClient.connectionString(second.url)
  expect((await again.appendToStream(stream, event!)).nextExpectedRevision).toBe(0n)
  expect((await again.appendToStream(stream, other!)).nextExpectedRevision).toBe(1n)
  expect(await collect(again.readStream(stream))).toHaveLength(2)
  await again.dispose()
  await second.close()
})

test('answers its health and what it is over plain HTTP on the same port', async () => {
  const node = await startEventStore({ directory: directory.path })
  const base = `http://127.0.0.1:${node.port}`
  expect((await fetch(`${base}/health/live`)).status).toBe(204)
  const info = await fetch(`${base}/info`)
  expect(await info.json()).toMatchObject({ esVersion: '23.10.6', state: 'leader' })
  expect((await fetch(`${base}/nothing`)).status).toBe(404)
  expect((await fetch(`${base}/info`, { method: 'POST' })).status).toBe(405)
  await node.close()
})

test('as a process it prints where it listens and stops on SIGTERM', async () => {
  const node = await startNodeProcess(directory.path)
  const client = EventStoreDBClient.connectionString(node.url)
  await client.appendToStream(newStream(), numbered(1), { expectedRevision: NO_STREAM })
  await client.dispose()
  expect(await node.stop()).toBe(0)
})

test('as a process it fails with a clear message where the port is taken', async () => {
  const blocker = createServer()
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
  const { port } = blocker.address() as { port: number }
  await expect(startNodeProcess(directory.path, port)).rejects.toThrow(/EADDRINUSE/)
  await new Promise((resolve) => blocker.close(resolve))
})
