import { once } from 'node:events'
import {
  END,
  PersistentSubscriptionDoesNotExistError,
  PersistentSubscriptionExistsError,
  PersistentSubscriptionMaximumSubscribersReachedError,
} from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collect, newStream, numbered, numbersOf, startServer, type TestServer } from '../support/node.ts'
import { groupOn, settingsOf, until, upTo, work } from '../support/persistent.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

describe('managing persistent subscriptions', () => {
  test('creating one twice, and reading, updating or deleting one that is not there, are errors', async () => {
    const { stream, group } = await groupOn(server.client, 0)
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
    const { stream, group } = await groupOn(server.client, 5, settings)
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
    const { stream, group } = await groupOn(server.client, 3)
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
    const { stream, group } = await groupOn(server.client, 1, { maxSubscriberCount: 1 })
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
    const { stream, group } = await groupOn(server.client, 20)
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
    const { stream, group } = await groupOn(server.client, 5, { startFrom: END })
    await server.client.appendToStream(stream, numbered(2, 5), { expectedRevision: 4n })
    const subscription = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    const received = await work(subscription, 2, (event) => subscription.ack(event))
    expect(received.map(({ number }) => number)).toEqual([5, 6])
    await subscription.unsubscribe()
  })

  test('never has more in flight than the consumer asked for', async () => {
    const { stream, group } = await groupOn(server.client, 50)
    const subscription = server.client.subscribeToPersistentSubscriptionToStream(stream, group, { bufferSize: 5 })
    await work(subscription, 5, async () => undefined)
    const info = await server.client.getPersistentSubscriptionToStreamInfo(stream, group)
    expect(info.stats.totalInFlightMessages).toBe(5)
    expect(info.connections[0]).toMatchObject({ inFlightMessages: 5, availableSlots: 0 })
    await subscription.unsubscribe()
  })

  test('a refused event is retried with its count, then parked, and can be replayed', async () => {
    const { stream, group } = await groupOn(server.client, 3, { maxRetryCount: 2 })
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
    const { stream, group } = await groupOn(server.client, 4)
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
    const { stream, group } = await groupOn(server.client, 1, { messageTimeout: 200 })
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
    const { stream, group } = await groupOn(server.client, 6, { consumerStrategyName: 'DispatchToSingle' })
    const first = server.connect().subscribeToPersistentSubscriptionToStream(stream, group)
    await work(first, 6, async () => undefined)
    await first.unsubscribe()
    const second = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    const received = await work(second, 6, (event) => second.ack(event))
    expect(received.map(({ number }) => number).toSorted()).toEqual(upTo(6))
    await second.unsubscribe()
  })

  test('stop leaves the consumer connected, and nobody gets the event again', async () => {
    const { stream, group } = await groupOn(server.client, 2)
    const subscription = server.client.subscribeToPersistentSubscriptionToStream(stream, group)
    await work(subscription, 2, (event, number) =>
      number === 0 ? subscription.nack('stop', 'no more', event) : subscription.ack(event),
    )
    await server.client.appendToStream(stream, numbered(1, 2))
    subscription.resume()
    const received = await work(subscription, 1, (event) => subscription.ack(event))
    expect(received).toEqual([{ number: 2, retryCount: 0 }])
    const { stats, connections } = await server.client.getPersistentSubscriptionToStreamInfo(stream, group)
    expect([stats.parkedMessageCount, connections.length]).toEqual([0n, 1])
    await subscription.unsubscribe()
  })
})

test('restarting the subsystem drops consumers, and the work goes on from the checkpoint', async () => {
  const { stream, group } = await groupOn(server.client, 10, { checkPointLowerBound: 1, checkPointUpperBound: 1 })
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
