import { once } from 'node:events'
import {
  END,
  eventTypeFilter,
  jsonEvent,
  NO_STREAM,
  PersistentSubscriptionDoesNotExistError,
  PersistentSubscriptionExistsError,
  PersistentSubscriptionMaximumSubscribersReachedError,
  type PersistentSubscriptionToStream,
  type PersistentSubscriptionToStreamSettings,
  persistentSubscriptionToAllSettingsFromDefaults,
  persistentSubscriptionToStreamSettingsFromDefaults,
  type ResolvedEvent,
  START,
} from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collect, newStream, numbered, numbersOf, startServer, type TestServer, take } from '../support/node.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const upTo = (count: number, first = 0) => Array.from({ length: count }, (_, index) => first + index)
const settingsOf = (settings: Partial<PersistentSubscriptionToStreamSettings> = {}) =>
  persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START, ...settings })

async function groupOn(count: number, settings: Partial<PersistentSubscriptionToStreamSettings> = {}) {
  const stream = newStream()
  const group = newStream('group')
  if (count > 0) await server.client.appendToStream(stream, numbered(count), { expectedRevision: NO_STREAM })
  await server.client.createPersistentSubscriptionToStream(stream, group, settingsOf(settings))
  return { stream, group }
}

type Received = { number: number; retryCount: number }

/** Takes events, doing with each what the test says, until `count` were taken. */
async function work(
  subscription: PersistentSubscriptionToStream,
  count: number,
  handle: (event: ResolvedEvent & { retryCount: number }, number: number) => Promise<void>,
): Promise<Received[]> {
  const received: Received[] = []
  const iterator = subscription[Symbol.asyncIterator]()
  while (received.length < count) {
    const { value, done } = await iterator.next()
    if (done) throw new Error('the subscription ended')
    const { number } = value.event!.data as { number: number }
    received.push({ number, retryCount: value.retryCount })
    await handle(value, number)
  }
  return received
}

/** Asks until the condition holds; the test's timeout is the bound. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve))
}

describe('managing persistent subscriptions', () => {
  test('creating one twice, and reading, updating or deleting one that is not there, are errors', async () => {
    const { stream, group } = await groupOn(0)
    await expect(
      server.client.createPersistentSubscriptionToStream(stream, group, settingsOf()),
    ).rejects.toBeInstanceOf(PersistentSubscriptionExistsError)
    const other = newStream('group')
    const attempts = [
      server.client.updatePersistentSubscriptionToStream(stream, other, settingsOf()),
      server.client.deletePersistentSubscriptionToStream(stream, other),
      server.client.getPersistentSubscriptionToStreamInfo(stream, other),
      server.client.replayParkedMessagesToStream(stream, other),
      server.client.listPersistentSubscriptionsToStream(newStream()),
    ]
    for (const attempt of attempts)
      await expect(attempt).rejects.toBeInstanceOf(PersistentSubscriptionDoesNotExistError)
    const subscription = server.client.subscribeToPersistentSubscriptionToStream(stream, other)
    const [error] = await once(subscription, 'error')
    expect(error).toBeInstanceOf(PersistentSubscriptionDoesNotExistError)
  })

  test('information and lists show the settings', async () => {
    const settings = { maxRetryCount: 3, consumerStrategyName: 'Pinned', maxSubscriberCount: 4, startFrom: 2n } as const
    const { stream, group } = await groupOn(5, settings)
    const info = await server.client.getPersistentSubscriptionToStreamInfo(stream, group)
    expect(info).toMatchObject({ eventSource: stream, groupName: group, settings })
    expect(info.connections).toEqual([])
    const listed = await server.client.listPersistentSubscriptionsToStream(stream)
    expect(listed.map(({ groupName }) => groupName)).toEqual([group])
    const all = await server.client.listAllPersistentSubscriptions()
    expect(all.some(({ groupName }) => groupName === group)).toBe(true)
    await server.client.deletePersistentSubscriptionToStream(stream, group)
    await expect(server.client.getPersistentSubscriptionToStreamInfo(stream, group)).rejects.toBeInstanceOf(
      PersistentSubscriptionDoesNotExistError,
    )
  })

  test('an update changes the settings, and drops the consumers', async () => {
    const { stream, group } = await groupOn(3)
    const subscription = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    await once(subscription, 'confirmation')
    const failed = once(subscription, 'error')
    subscription.resume()
    await server.client.updatePersistentSubscriptionToStream(stream, group, settingsOf({ maxRetryCount: 42 }))
    const [error] = await failed
    expect(error).toMatchObject({ type: 'persistent-subscription-dropped' })
    const info = await server.client.getPersistentSubscriptionToStreamInfo(stream, group)
    expect(info.settings.maxRetryCount).toBe(42)
  })

  test('no more consumers than allowed may connect', async () => {
    const { stream, group } = await groupOn(1, { maxSubscriberCount: 1 })
    const first = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    await once(first, 'confirmation')
    const second = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    const [error] = await once(second, 'error')
    expect(error).toBeInstanceOf(PersistentSubscriptionMaximumSubscribersReachedError)
    await first.unsubscribe()
  })
})

describe('consuming', () => {
  test('delivers history and what is appended later, and does not deliver acknowledged events again', async () => {
    const { stream, group } = await groupOn(20)
    const first = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    await once(first, 'confirmation')
    await server.client.appendToStream(stream, numbered(20, 20), { expectedRevision: 19n })
    const received = await work(first, 40, (event) => first.ack(event))
    expect(received.map(({ number }) => number)).toEqual(upTo(40))
    await until(async () => {
      const { stats } = await server.client.getPersistentSubscriptionToStreamInfo(stream, group)
      return stats.totalInFlightMessages === 0
    })
    await first.unsubscribe()
    const second = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    await once(second, 'confirmation')
    await server.client.appendToStream(stream, numbered(1, 40), { expectedRevision: 39n })
    expect(await work(second, 1, (event) => second.ack(event))).toEqual([{ number: 40, retryCount: 0 }])
    await second.unsubscribe()
  })

  test('from the end delivers only what comes afterwards, even to a consumer that comes later', async () => {
    const { stream, group } = await groupOn(5, { startFrom: END })
    await server.client.appendToStream(stream, numbered(2, 5), { expectedRevision: 4n })
    const subscription = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    const received = await work(subscription, 2, (event) => subscription.ack(event))
    expect(received.map(({ number }) => number)).toEqual([5, 6])
    await subscription.unsubscribe()
  })

  test('never has more in flight than the consumer asked for', async () => {
    const { stream, group } = await groupOn(50)
    const subscription = server.client.subscribeToPersistentSubscriptionToStream(stream, group, { bufferSize: 5 })
    await work(subscription, 5, async () => undefined)
    const info = await server.client.getPersistentSubscriptionToStreamInfo(stream, group)
    expect(info.stats.totalInFlightMessages).toBe(5)
    expect(info.connections[0]).toMatchObject({ inFlightMessages: 5, availableSlots: 0 })
    await subscription.unsubscribe()
  })

  test('a refused event is retried with its count, then parked, and can be replayed', async () => {
    const { stream, group } = await groupOn(3, { maxRetryCount: 2 })
    const subscription = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    const received = await work(subscription, 5, (event, number) =>
      number === 1 ? subscription.nack('retry', 'not yet', event) : subscription.ack(event),
    )
    expect(received.filter(({ number }) => number === 1).map(({ retryCount }) => retryCount)).toEqual([0, 1, 2])
    const parked = async () =>
      (await server.client.getPersistentSubscriptionToStreamInfo(stream, group)).stats.parkedMessageCount
    await until(async () => (await parked()) === 1n)
    await server.client.replayParkedMessagesToStream(stream, group)
    expect(await work(subscription, 1, (event) => subscription.ack(event))).toEqual([{ number: 1, retryCount: 0 }])
    await until(async () => (await parked()) === 0n)
    await subscription.unsubscribe()
  })

  test('a skipped event is done with; a parked one is kept aside at once', async () => {
    const { stream, group } = await groupOn(4)
    const subscription = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    await work(subscription, 4, (event, number) => {
      if (number === 0) return subscription.nack('skip', 'unwanted', event)
      return number === 2 ? subscription.nack('park', 'broken', event) : subscription.ack(event)
    })
    await until(async () => {
      const { stats } = await server.client.getPersistentSubscriptionToStreamInfo(stream, group)
      return stats.parkedMessageCount === 1n && stats.totalInFlightMessages === 0
    })
    const parked = await collect(
      server.client.readStream(`$persistentsubscription-${stream}::${group}-parked`, { resolveLinkTos: true }),
    )
    expect(numbersOf(parked)).toEqual([2])
    await subscription.unsubscribe()
  })

  test('an event that is not acknowledged in time comes again', async () => {
    const { stream, group } = await groupOn(1, { messageTimeout: 200 })
    const subscription = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    const received = await work(subscription, 2, async (event, _number) => {
      if (event.retryCount > 0) await subscription.ack(event)
    })
    expect(received).toEqual([
      { number: 0, retryCount: 0 },
      { number: 0, retryCount: 1 },
    ])
    await subscription.unsubscribe()
  })

  test('what a consumer had in flight goes to another when it leaves', async () => {
    const { stream, group } = await groupOn(6, { consumerStrategyName: 'DispatchToSingle' })
    const first = server.connect().subscribeToPersistentSubscriptionToStream(stream, group)
    await work(first, 6, async () => undefined)
    await first.unsubscribe()
    const second = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    const received = await work(second, 6, (event) => second.ack(event))
    expect(received.map(({ number }) => number).toSorted()).toEqual(upTo(6))
    await second.unsubscribe()
  })

  // EventStoreDB takes the action and leaves it without effect until the message times out.
  test.runIf(!process.env.EVENTSTORE_URL)('stop gives the event back and drops the consumer', async () => {
    const { stream, group } = await groupOn(1)
    const first = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    const failed = once(first, 'error')
    first.on('data', (event) => void first.nack('stop', 'going away', event))
    expect((await failed)[0]).toMatchObject({ type: 'persistent-subscription-dropped' })
    const second = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    const received = await work(second, 1, (again) => second.ack(again))
    expect(received[0]!.number).toBe(0)
    await second.unsubscribe()
  })
})

describe('strategies', () => {
  async function shares(
    consumerStrategyName: 'RoundRobin' | 'DispatchToSingle',
    bufferSize: number,
  ): Promise<number[]> {
    const { stream, group } = await groupOn(0, { consumerStrategyName })
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

test('restarting the subsystem drops consumers, and the work goes on from the checkpoint', async () => {
  const { stream, group } = await groupOn(10, { checkPointLowerBound: 1, checkPointUpperBound: 1 })
  const first = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
  await work(first, 10, (event, number) => (number < 6 ? first.ack(event) : Promise.resolve()))
  await until(async () => {
    const { stats } = await server.client.getPersistentSubscriptionToStreamInfo(stream, group)
    return stats.lastCheckpointedEventRevision === 5n
  })
  const dropped = once(first, 'error')
  first.resume()
  await server.client.restartPersistentSubscriptionSubsystem()
  expect((await dropped)[0]).toMatchObject({ type: 'persistent-subscription-dropped' })
  const second = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
  const received = await work(second, 4, (event) => second.ack(event))
  expect(received.map(({ number }) => number)).toEqual([6, 7, 8, 9])
  await second.unsubscribe()
})
