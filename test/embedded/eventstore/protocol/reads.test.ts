import {
  BACKWARDS,
  END,
  eventTypeFilter,
  excludeSystemEvents,
  FORWARDS,
  jsonEvent,
  NO_STREAM,
  START,
  StreamNotFoundError,
  streamNameFilter,
} from '@eventstore/db-client'
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
let stream: string
beforeAll(async () => {
  server = await startServer()
  stream = newStream()
  for (let index = 0; index < 300; index += 50) {
    await server.client.appendToStream(stream, numbered(50, index), {
      expectedRevision: index === 0 ? NO_STREAM : BigInt(index - 1),
    })
  }
})
afterAll(() => server.close())

describe('reading a stream', () => {
  test('forwards from the start gives all events in order', async () => {
    const events = await collect(server.client.readStream(stream))
    expect(numbersOf(events)).toEqual(Array.from({ length: 300 }, (_, index) => index))
    expect(events[7]!.commitPosition).toBe(events[7]!.event!.position!.commit)
  })

  test('forwards from a revision begins with that revision and stops after the count', async () => {
    const events = await collect(server.client.readStream(stream, { fromRevision: 140n, maxCount: 135 }))
    expect(revisionsOf(events)).toEqual(Array.from({ length: 135 }, (_, index) => BigInt(140 + index)))
  })

  test('backwards from the end and from a revision', async () => {
    const last = await collect(
      server.client.readStream(stream, { fromRevision: END, direction: BACKWARDS, maxCount: 3 }),
    )
    expect(revisionsOf(last)).toEqual([299n, 298n, 297n])
    const middle = await collect(server.client.readStream(stream, { fromRevision: 200n, direction: BACKWARDS }))
    expect(revisionsOf(middle)).toEqual(Array.from({ length: 201 }, (_, index) => BigInt(200 - index)))
    const start = await collect(server.client.readStream(stream, { fromRevision: START, direction: BACKWARDS }))
    expect(revisionsOf(start)).toEqual([0n])
  })

  test('from beyond its end gives nothing forwards and the last events backwards', async () => {
    expect(await collect(server.client.readStream(stream, { fromRevision: 1000n }))).toEqual([])
    const back = await collect(
      server.client.readStream(stream, { fromRevision: 1000n, direction: BACKWARDS, maxCount: 1 }),
    )
    expect(revisionsOf(back)).toEqual([299n])
  })

  test('forwards from the end, or for no event at all, is an error', async () => {
    const fromEnd = collect(server.client.readStream(stream, { fromRevision: END, direction: FORWARDS }))
    await expect(fromEnd).rejects.toMatchObject({ type: 'unknown' })
    await expect(collect(server.client.readStream(stream, { maxCount: 0 }))).rejects.toMatchObject({ type: 'unknown' })
  })

  test('without a name is refused, and $all is a stream that nobody wrote', async () => {
    await expect(collect(server.client.readStream(''))).rejects.toMatchObject({ type: 'unknown' })
    await expect(collect(server.client.readStream('$all'))).rejects.toBeInstanceOf(StreamNotFoundError)
  })

  test('that does not exist is an error that names it', async () => {
    const missing = newStream('missing')
    const attempt = collect(server.client.readStream(missing))
    await expect(attempt).rejects.toBeInstanceOf(StreamNotFoundError)
    await expect(attempt).rejects.toMatchObject({ streamName: missing })
  })

  test('follows a link to its event, and gives the link alone where the event is gone', async () => {
    const links = newStream('links')
    const gone = newStream('gone')
    await server.client.appendToStream(gone, numbered(1), { expectedRevision: NO_STREAM })
    await server.client.appendToStream(
      links,
      [`7@${stream}`, `0@${gone}`].map((text) => ({
        id: crypto.randomUUID(),
        contentType: 'application/octet-stream' as const,
        type: '$>',
        data: Buffer.from(text),
        metadata: undefined,
      })),
      { expectedRevision: NO_STREAM },
    )
    await server.client.deleteStream(gone)
    const resolved = await collect(server.client.readStream(links, { resolveLinkTos: true }))
    expect(resolved[0]!.event).toMatchObject({ streamId: stream, revision: 7n, data: { number: 7 } })
    expect(resolved[0]!.link).toMatchObject({ streamId: links, revision: 0n, type: '$>' })
    expect(resolved[0]!.commitPosition).toBe(resolved[0]!.link!.position!.commit)
    expect(resolved[1]!.event).toBeUndefined()
    expect(resolved[1]!.link).toMatchObject({ streamId: links, revision: 1n })
    const plain = await collect(server.client.readStream(links))
    expect(plain.map(({ event, link }) => [event!.streamId, event!.type, link])).toEqual([
      [links, '$>', undefined],
      [links, '$>', undefined],
    ])
  })
})

describe('reading $all', () => {
  test('forwards from an event begins with it, backwards with the one before it', async () => {
    const [tenth, eleventh] = await collect(server.client.readStream(stream, { fromRevision: 10n, maxCount: 2 }))
    const forwards = await collect(server.client.readAll({ fromPosition: tenth!.event!.position!, maxCount: 2 }))
    expect(forwards[0]!.event!.id).toBe(tenth!.event!.id)
    const backwards = await collect(
      server.client.readAll({ fromPosition: eleventh!.event!.position!, direction: BACKWARDS, maxCount: 1 }),
    )
    expect(backwards[0]!.event!.id).toBe(tenth!.event!.id)
  })

  test('positions grow, and backwards is the reverse of forwards', async () => {
    const own = newStream()
    const before = await server.client.appendToStream(own, numbered(40), { expectedRevision: NO_STREAM })
    await server.client.appendToStream(own, numbered(40, 40), { expectedRevision: before.nextExpectedRevision })
    const from = (await collect(server.client.readStream(own, { maxCount: 1 })))[0]!.event!.position!
    const forwards = (await collect(server.client.readAll({ fromPosition: from }))).filter(
      ({ event }) => event!.streamId === own,
    )
    expect(numbersOf(forwards)).toEqual(Array.from({ length: 80 }, (_, index) => index))
    for (const [index, { event }] of forwards.entries()) {
      if (index > 0) expect(event!.position!.commit).toBeGreaterThan(forwards[index - 1]!.event!.position!.commit)
    }
    const backwards: unknown[] = []
    for await (const { event } of server.client.readAll({ fromPosition: END, direction: BACKWARDS })) {
      if (event!.streamId === own) backwards.push((event!.data as { number: number }).number)
      if (backwards.length === 80) break
    }
    expect(backwards).toEqual(Array.from({ length: 80 }, (_, index) => 79 - index))
  })

  // EventStoreDB refuses positions that no event has.
  test('from a position that no event has is an error', async () => {
    const [fifth] = await collect(server.client.readStream(stream, { fromRevision: 5n, maxCount: 1 }))
    const between = fifth!.event!.position!.commit + 1n
    const events = collect(server.client.readAll({ fromPosition: { commit: between, prepare: between }, maxCount: 1 }))
    await expect(events).rejects.toMatchObject({ type: 'unknown' })
  })
})

describe('filters on $all', () => {
  test.each([
    ['event type prefixes', (tag: string) => eventTypeFilter({ prefixes: [`${tag}.A`, `${tag}.C`] }), ['A', 'C']],
    ['an event type expression', (tag: string) => eventTypeFilter({ regex: `^${tag}\\.[BC]$` }), ['B', 'C']],
    ['stream name prefixes', (tag: string) => streamNameFilter({ prefixes: [`${tag}-B`] }), ['B']],
    ['a stream name expression', (tag: string) => streamNameFilter({ regex: `^${tag}-[AB]$` }), ['A', 'B']],
  ])('by %s', async (_name, filterFor, expected) => {
    const tag = newStream('filter').replaceAll('-', '')
    for (const letter of ['A', 'B', 'C', 'D']) {
      const event = jsonEvent({ type: `${tag}.${letter}`, data: { letter } })
      await server.client.appendToStream(`${tag}-${letter}`, event, { expectedRevision: NO_STREAM })
    }
    const subscription = server.client.subscribeToAll({ fromPosition: START, filter: filterFor(tag) })
    const end = jsonEvent({ type: `${tag}.${expected[0]}`, data: { letter: 'end' } })
    const last = `${tag}-${expected[0]}`
    await server.client.appendToStream(last, end, { expectedRevision: 0n })
    const events = await take(subscription, expected.length + 1)
    await subscription.unsubscribe()
    expect(events.map(({ event }) => (event!.data as { letter: string }).letter)).toEqual([...expected, 'end'])
  })

  test('leaving out system events', async () => {
    const own = newStream()
    await server.client.appendToStream(own, numbered(1), { expectedRevision: NO_STREAM })
    const from = (await collect(server.client.readStream(own)))[0]!.event!.position!
    const subscription = server.client.subscribeToAll({ fromPosition: from, filter: excludeSystemEvents() })
    await server.client.setStreamMetadata(own, { maxCount: 5 })
    await server.client.appendToStream(own, numbered(1, 1), { expectedRevision: 0n })
    const [next] = await take(subscription, 1)
    await subscription.unsubscribe()
    expect(next!.event).toMatchObject({ streamId: own, revision: 1n })
  })
})
