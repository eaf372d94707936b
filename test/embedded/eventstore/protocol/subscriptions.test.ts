import { once } from 'node:events'
import { END, eventTypeFilter, jsonEvent, NO_STREAM, type Position, START } from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  collect,
  newStream,
  numbered,
  numbersOf,
  revisionsOf,
  startServer,
  type TestServer,
  take,
} from '../support/node.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const upTo = (count: number, first = 0) => Array.from({ length: count }, (_, index) => first + index)

describe('a subscription to a stream', () => {
  test('from the start receives history and then what is appended', async () => {
    const stream = newStream()
    await server.client.appendToStream(stream, numbered(5), { expectedRevision: NO_STREAM })
    const subscription = server.client.subscribeToStream(stream)
    await once(subscription, 'confirmation')
    await server.client.appendToStream(stream, numbered(5, 5), { expectedRevision: 4n })
    expect(numbersOf(await take(subscription, 10))).toEqual(upTo(10))
    await subscription.unsubscribe()
  })

  test('from a revision begins behind it, and from the end with the next event', async () => {
    const stream = newStream()
    await server.client.appendToStream(stream, numbered(5), { expectedRevision: NO_STREAM })
    const fromSecond = server.client.subscribeToStream(stream, { fromRevision: 2n })
    const fromEnd = server.client.subscribeToStream(stream, { fromRevision: END })
    await Promise.all([once(fromSecond, 'confirmation'), once(fromEnd, 'confirmation')])
    await server.client.appendToStream(stream, numbered(1, 5), { expectedRevision: 4n })
    expect(numbersOf(await take(fromSecond, 3))).toEqual([3, 4, 5])
    expect(numbersOf(await take(fromEnd, 1))).toEqual([5])
    await fromSecond.unsubscribe()
    await fromEnd.unsubscribe()
  })

  test('that has caught up gets every event that is appended, even those that the metadata hides', async () => {
    const stream = newStream()
    await server.client.appendToStream(stream, numbered(2), { expectedRevision: NO_STREAM })
    const subscription = server.client.subscribeToStream(stream)
    await once(subscription, 'caughtUp')
    await server.client.setStreamMetadata(stream, { maxCount: 1 })
    await server.client.appendToStream(stream, numbered(3, 2), { expectedRevision: 1n })
    expect(numbersOf(await take(subscription, 5))).toEqual(upTo(5))
    expect(numbersOf(await collect(server.client.readStream(stream)))).toEqual([4])
    await subscription.unsubscribe()
  })

  test('that does not exist yet waits for it', async () => {
    const stream = newStream()
    const subscription = server.client.subscribeToStream(stream)
    await once(subscription, 'confirmation')
    await server.client.appendToStream(stream, numbered(2), { expectedRevision: NO_STREAM })
    expect(numbersOf(await take(subscription, 2))).toEqual([0, 1])
    await subscription.unsubscribe()
  })

  test('ends with an error when the stream is tombstoned', async () => {
    const stream = newStream()
    await server.client.appendToStream(stream, numbered(1), { expectedRevision: NO_STREAM })
    const subscription = server.client.subscribeToStream(stream, { fromRevision: END })
    await once(subscription, 'confirmation')
    const failed = once(subscription, 'error')
    subscription.resume()
    await server.client.tombstoneStream(stream)
    const [error] = await failed
    expect(error).toMatchObject({ type: 'stream-deleted' })
  })

  test('follows links when asked to', async () => {
    const target = newStream()
    const links = newStream('links')
    await server.client.appendToStream(target, numbered(1, 42), { expectedRevision: NO_STREAM })
    const subscription = server.client.subscribeToStream(links, { resolveLinkTos: true })
    const link = {
      id: crypto.randomUUID(),
      contentType: 'application/octet-stream' as const,
      type: '$>',
      data: Buffer.from(`0@${target}`),
      metadata: undefined,
    }
    await server.client.appendToStream(links, link, { expectedRevision: NO_STREAM })
    const [resolved] = await take(subscription, 1)
    expect([resolved!.event!.streamId, resolved!.link!.streamId]).toEqual([target, links])
    await subscription.unsubscribe()
  })
})

describe('a subscription to $all', () => {
  test('goes from history to live under concurrent appends without a gap or a double', async () => {
    const type = `test.Concurrent${crypto.randomUUID().replaceAll('-', '')}`
    const streams = upTo(8).map(() => newStream())
    const perStream = 150
    const writers = streams.map(async (stream) => {
      for (let index = 0; index < perStream; index += 3) {
        const revision = index === 0 ? NO_STREAM : BigInt(index - 1)
        await server.client.appendToStream(stream, numbered(3, index, type), { expectedRevision: revision })
      }
    })
    const subscriptions = upTo(3).map(() =>
      server.connect().subscribeToAll({ fromPosition: START, filter: eventTypeFilter({ prefixes: [type] }) }),
    )
    const received = await Promise.all(
      subscriptions.map((subscription) => take(subscription, streams.length * perStream)),
    )
    await Promise.all(writers)
    for (const subscription of subscriptions) await subscription.unsubscribe()
    const orders = received.map((events) => events.map(({ event }) => `${event!.streamId}/${event!.revision}`))
    expect(new Set(orders[0]).size).toBe(streams.length * perStream)
    expect(orders[1]).toEqual(orders[0])
    expect(orders[2]).toEqual(orders[0])
    for (const stream of streams) {
      const own = received[0]!.filter(({ event }) => event!.streamId === stream)
      expect(revisionsOf(own)).toEqual(upTo(perStream).map(BigInt))
    }
  })

  test('from a position begins behind it', async () => {
    const type = `test.Behind${crypto.randomUUID()}`
    const stream = newStream()
    await server.client.appendToStream(stream, numbered(5, 0, type), { expectedRevision: NO_STREAM })
    const events = await collect(server.client.readStream(stream))
    const subscription = server.client.subscribeToAll({
      fromPosition: events[1]!.event!.position!,
      filter: eventTypeFilter({ prefixes: [type] }),
    })
    expect(numbersOf(await take(subscription, 3))).toEqual([2, 3, 4])
    await subscription.unsubscribe()
  })

  test('from the end receives only what comes afterwards', async () => {
    const type = `test.End${crypto.randomUUID()}`
    const stream = newStream()
    await server.client.appendToStream(stream, numbered(5, 0, type), { expectedRevision: NO_STREAM })
    const subscription = server.client.subscribeToAll({
      fromPosition: END,
      filter: eventTypeFilter({ prefixes: [type] }),
    })
    await once(subscription, 'confirmation')
    await server.client.appendToStream(stream, numbered(2, 5, type), { expectedRevision: 4n })
    expect(numbersOf(await take(subscription, 2))).toEqual([5, 6])
    await subscription.unsubscribe()
  })

  test('says when it has caught up', async () => {
    const subscription = server.client.subscribeToAll({ fromPosition: END })
    subscription.resume()
    await once(subscription, 'caughtUp')
    await subscription.unsubscribe()
  })

  test('with a filter reports checkpoints at the interval that was asked for, never ahead of the events it passed', async () => {
    const type = `test.Rare${crypto.randomUUID()}`
    const stream = newStream()
    const checkpoints: Position[] = []
    const subscription = server.client.subscribeToAll({
      fromPosition: END,
      filter: eventTypeFilter({
        prefixes: [type],
        maxSearchWindow: 10,
        checkpointInterval: 2,
        checkpointReached: async (_subscription, position) => {
          checkpoints.push(position)
        },
      }),
    })
    await once(subscription, 'confirmation')
    const noise = await server.client.appendToStream(stream, numbered(100), { expectedRevision: NO_STREAM })
    const match = await server.client.appendToStream(newStream(), numbered(1, 0, type), { expectedRevision: NO_STREAM })
    await take(subscription, 1)
    await subscription.unsubscribe()
    expect(checkpoints.length).toBeGreaterThanOrEqual(4)
    expect(checkpoints.length).toBeLessThanOrEqual(8)
    for (const [index, { commit }] of checkpoints.entries()) {
      if (index > 0) expect(commit).toBeGreaterThan(checkpoints[index - 1]!.commit)
      expect(commit).toBeLessThan(match.position!.commit)
    }
    expect(checkpoints.at(-1)!.commit).toBeLessThanOrEqual(noise.position!.commit)
  })
})

test('a subscriber that does not read holds up neither appends nor other subscribers, and loses nothing', async () => {
  const type = `test.Slow${crypto.randomUUID()}`
  const filter = eventTypeFilter({ prefixes: [type] })
  const slow = server.connect().subscribeToAll({ fromPosition: END, filter })
  const fast = server.connect().subscribeToAll({ fromPosition: END, filter })
  await Promise.all([once(slow, 'confirmation'), once(fast, 'confirmation')])
  const stream = newStream()
  const pad = 'x'.repeat(16 * 1024)
  const event = (index: number) => jsonEvent({ type, data: { number: index, pad } })
  for (let index = 0; index < 1000; index += 20) {
    const revision = index === 0 ? NO_STREAM : BigInt(index - 1)
    await server.client.appendToStream(stream, upTo(20, index).map(event), { expectedRevision: revision })
  }
  expect(numbersOf(await take(fast, 1000))).toEqual(upTo(1000))
  expect(numbersOf(await take(slow, 1000))).toEqual(upTo(1000))
  await slow.unsubscribe()
  await fast.unsubscribe()
})
