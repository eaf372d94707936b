import { once } from 'node:events'
import {
  END,
  eventTypeFilter,
  jsonEvent,
  NO_STREAM,
  persistentSubscriptionToAllSettingsFromDefaults,
} from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collect, newStream, numbered, numbersOf, startServer, type TestServer, take } from '../support/node.ts'
import { groupOn, upTo } from '../support/persistent.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

describe('strategies', () => {
  async function shares(
    consumerStrategyName: 'RoundRobin' | 'DispatchToSingle',
    bufferSize: number,
  ): Promise<number[]> {
    const { stream, group } = await groupOn(server.client, 0, { consumerStrategyName })
    const consumers = upTo(2).map(() =>
      server.connect().subscribeToPersistentSubscriptionToStream(stream, group, { bufferSize }),
    )
    await Promise.all(consumers.map((consumer) => once(consumer, 'confirmation')))
    const counts = [0, 0]
    const done = new Promise<void>((resolve) => {
      for (const [index, consumer] of consumers.entries()) {
        consumer.on('data', (event) => {
          counts[index]!++
          void consumer.ack(event)
          if (counts[0]! + counts[1]! === 10) resolve()
        })
      }
    })
    await server.client.appendToStream(stream, numbered(10), { expectedRevision: NO_STREAM })
    await done
    for (const consumer of consumers) await consumer.unsubscribe()
    return counts
  }

  test('round robin shares evenly', async () => {
    expect(await shares('RoundRobin', 10)).toEqual([5, 5])
  })

  test('dispatch to single keeps to one consumer while it has room', async () => {
    expect((await shares('DispatchToSingle', 10)).toSorted()).toEqual([0, 10])
  })

  test('pinned sends the events of one stream to one consumer', async () => {
    const type = `test.Pinned${crypto.randomUUID()}`
    const group = newStream('group')
    const settings = persistentSubscriptionToAllSettingsFromDefaults({ startFrom: END, consumerStrategyName: 'Pinned' })
    await server.client.createPersistentSubscriptionToAll(group, settings, {
      filter: eventTypeFilter({ prefixes: [type] }),
    })
    const consumers = upTo(2).map(() => server.connect().subscribeToPersistentSubscriptionToAll(group))
    await Promise.all(consumers.map((consumer) => once(consumer, 'confirmation')))
    const owners = new Map<string, Set<number>>()
    let total = 0
    const done = new Promise<void>((resolve) => {
      for (const [index, consumer] of consumers.entries()) {
        consumer.on('data', (event) => {
          const stream = event.event!.streamId
          owners.set(stream, (owners.get(stream) ?? new Set()).add(index))
          void consumer.ack(event)
          if (++total === 60) resolve()
        })
      }
    })
    for (const stream of upTo(20).map(() => newStream())) {
      await server.client.appendToStream(stream, numbered(3, 0, type), { expectedRevision: NO_STREAM })
    }
    await done
    for (const owner of owners.values()) expect(owner.size).toBe(1)
    expect(new Set([...owners.values()].map(([owner]) => owner)).size).toBe(2)
    for (const consumer of consumers) await consumer.unsubscribe()
    await server.client.deletePersistentSubscriptionToAll(group)
  })
})

describe('on $all', () => {
  test('delivers what the filter lets through, from a position on', async () => {
    const type = `test.PersistentAll${crypto.randomUUID()}`
    const stream = newStream()
    await server.client.appendToStream(stream, numbered(5, 0, type), { expectedRevision: NO_STREAM })
    const events = await collect(server.client.readStream(stream))
    const group = newStream('group')
    const settings = persistentSubscriptionToAllSettingsFromDefaults({ startFrom: events[2]!.event!.position! })
    await server.client.createPersistentSubscriptionToAll(group, settings, {
      filter: eventTypeFilter({ prefixes: [type] }),
    })
    const subscription = server.client.subscribeToPersistentSubscriptionToAll(group)
    await server.client.appendToStream(stream, jsonEvent({ type, data: { number: 5 } }), { expectedRevision: 4n })
    const received = await take(subscription, 4)
    expect(numbersOf(received)).toEqual([2, 3, 4, 5])
    await subscription.ack(...received)
    const info = await server.client.getPersistentSubscriptionToAllInfo(group)
    expect(info.settings.startFrom).toEqual(events[2]!.event!.position)
    expect(info.stats.lastKnownEventPosition).toEqual(received[3]!.event!.position)
    const listed = await server.client.listPersistentSubscriptionsToAll()
    expect(listed.some(({ groupName }) => groupName === group)).toBe(true)
    await subscription.unsubscribe()
    await server.client.deletePersistentSubscriptionToAll(group)
  })
})
