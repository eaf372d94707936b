import { randomUUID } from 'node:crypto'
import {
  ANY,
  BACKWARDS,
  binaryEvent,
  END,
  jsonEvent,
  MaxAppendSizeExceededError,
  NO_STREAM,
  STREAM_EXISTS,
  WrongExpectedVersionError,
} from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collect, newStream, numbered, numbersOf, revisionsOf, startServer, type TestServer } from '../support/node.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

/** With credentials the client uses the single append call, without them the batched one. */
const calls = [
  { name: 'batched append', options: {} },
  { name: 'single append', options: { credentials: { username: 'admin', password: 'changeit' } } },
]

async function wrongVersion(attempt: Promise<unknown>): Promise<WrongExpectedVersionError> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(WrongExpectedVersionError)
  return error as WrongExpectedVersionError
}

describe.each(calls)('$name', ({ options }) => {
  test('answers with the revision and the position of the last event', async () => {
    const stream = newStream()
    const result = await server.client.appendToStream(stream, numbered(3), { ...options, expectedRevision: NO_STREAM })
    expect(result.success).toBe(true)
    expect(result.nextExpectedRevision).toBe(2n)
    const [last] = await collect(
      server.client.readStream(stream, { fromRevision: END, direction: BACKWARDS, maxCount: 1 }),
    )
    expect(last!.event!.revision).toBe(2n)
    expect(result.position).toEqual(last!.event!.position)
    expect(result.position!.commit).toBe(result.position!.prepare)
  })

  test('refuses a second NO_STREAM and names the current revision', async () => {
    const stream = newStream()
    await server.client.appendToStream(stream, numbered(2), { ...options, expectedRevision: NO_STREAM })
    const error = await wrongVersion(
      server.client.appendToStream(stream, numbered(1), { ...options, expectedRevision: NO_STREAM }),
    )
    expect([error.streamName, error.expectedVersion, error.actualVersion]).toEqual([stream, 'no_stream', 1n])
  })

  test('refuses an exact revision that is behind or ahead of the stream', async () => {
    const stream = newStream()
    await server.client.appendToStream(stream, numbered(3), { ...options, expectedRevision: NO_STREAM })
    for (const expectedRevision of [0n, 1n, 3n, 99n, 9007199254740993n]) {
      const error = await wrongVersion(
        server.client.appendToStream(stream, numbered(1), { ...options, expectedRevision }),
      )
      expect([error.expectedVersion, error.actualVersion]).toEqual([expectedRevision, 2n])
    }
    const ahead = await wrongVersion(
      server.client.appendToStream(newStream(), numbered(1), { ...options, expectedRevision: 0n }),
    )
    expect(ahead.actualVersion).toBe('no_stream')
  })

  test('accepts STREAM_EXISTS only where the stream is there', async () => {
    const stream = newStream()
    const error = await wrongVersion(
      server.client.appendToStream(stream, numbered(1), { ...options, expectedRevision: STREAM_EXISTS }),
    )
    expect([error.expectedVersion, error.actualVersion]).toEqual(['stream_exists', 'no_stream'])
    await server.client.appendToStream(stream, numbered(1), { ...options, expectedRevision: ANY })
    const result = await server.client.appendToStream(stream, numbered(1), {
      ...options,
      expectedRevision: STREAM_EXISTS,
    })
    expect(result.nextExpectedRevision).toBe(1n)
  })

  test.each([
    { expected: NO_STREAM, before: 0 },
    { expected: 1n, before: 2 },
    { expected: ANY, before: 2 },
    { expected: STREAM_EXISTS, before: 2 },
  ] as const)(
    'a repeated append at $expected succeeds with the first outcome and writes nothing',
    async ({ expected, before }) => {
      const stream = newStream()
      if (before > 0)
        await server.client.appendToStream(stream, numbered(before), { ...options, expectedRevision: NO_STREAM })
      const events = numbered(3, 10)
      const first = await server.client.appendToStream(stream, events, { ...options, expectedRevision: expected })
      const second = await server.client.appendToStream(stream, events, { ...options, expectedRevision: expected })
      expect(second).toEqual(first)
      expect(await collect(server.client.readStream(stream))).toHaveLength(before + 3)
      await server.client.appendToStream(stream, numbered(1, 20), {
        ...options,
        expectedRevision: first.nextExpectedRevision,
      })
      const third = await server.client.appendToStream(stream, events, { ...options, expectedRevision: expected })
      expect(third.nextExpectedRevision).toBe(first.nextExpectedRevision)
      expect(third.position).toEqual(first.position)
      expect(await collect(server.client.readStream(stream))).toHaveLength(before + 4)
    },
  )

  test('a batch that overlaps a stored one in part is a wrong expected version', async () => {
    const stream = newStream()
    const events = numbered(3)
    await server.client.appendToStream(stream, events, { ...options, expectedRevision: NO_STREAM })
    const mixed = [events[0]!, events[1]!, ...numbered(1, 9)]
    await wrongVersion(server.client.appendToStream(stream, mixed, { ...options, expectedRevision: NO_STREAM }))
    const longer = [...events, ...numbered(1, 9)]
    await wrongVersion(server.client.appendToStream(stream, longer, { ...options, expectedRevision: NO_STREAM }))
    await wrongVersion(server.client.appendToStream(stream, longer, { ...options, expectedRevision: ANY }))
    const shorter = await server.client.appendToStream(stream, events.slice(0, 2), {
      ...options,
      expectedRevision: NO_STREAM,
    })
    expect(shorter.nextExpectedRevision).toBe(1n)
    expect(await collect(server.client.readStream(stream))).toHaveLength(3)
  })

  test('the same events go into another stream as new ones', async () => {
    const events = numbered(2)
    for (const stream of [newStream(), newStream()]) {
      const result = await server.client.appendToStream(stream, events, { ...options, expectedRevision: ANY })
      expect(result.nextExpectedRevision).toBe(1n)
      expect(await collect(server.client.readStream(stream))).toHaveLength(2)
    }
  })

  test('an append over 1 MiB is refused with the limit and leaves nothing', async () => {
    const stream = newStream()
    const half = 'x'.repeat(600 * 1024)
    const events = [1, 2].map(() => jsonEvent({ type: 'test.Large.v1', data: { half } }))
    const attempt = server.client.appendToStream(stream, events, { ...options, expectedRevision: NO_STREAM })
    await expect(attempt).rejects.toBeInstanceOf(MaxAppendSizeExceededError)
    await expect(attempt).rejects.toMatchObject({ maxAppendSize: 1024 * 1024 })
    const small = await server.client.appendToStream(stream, numbered(1), { ...options, expectedRevision: NO_STREAM })
    expect(small.nextExpectedRevision).toBe(0n)
  })

  test('returns the very bytes of data and metadata, the id, the type and the time', async () => {
    const stream = newStream()
    const data = Uint8Array.from({ length: 256 }, (_, index) => index)
    const binary = binaryEvent({ id: randomUUID(), type: 'test.Bytes.v1', data, metadata: Uint8Array.of(0, 255, 128) })
    const json = jsonEvent({
      type: 'test.Text.v1',
      data: { text: 'Größe 💶 \u0000' },
      metadata: { $correlationId: 'c', n: 1 },
    })
    const before = Date.now()
    await server.client.appendToStream(stream, [binary, json], { ...options, expectedRevision: NO_STREAM })
    const [first, second] = await collect(server.client.readStream(stream))
    expect(Buffer.from(first!.event!.data as Uint8Array).equals(Buffer.from(data))).toBe(true)
    expect(Buffer.from(first!.event!.metadata as Uint8Array).equals(Buffer.from([0, 255, 128]))).toBe(true)
    expect(first!.event).toMatchObject({ id: binary.id, type: 'test.Bytes.v1', isJson: false, streamId: stream })
    expect(second!.event).toMatchObject({ id: json.id, isJson: true, data: json.data, metadata: json.metadata })
    expect(Math.abs(second!.event!.created.getTime() - before)).toBeLessThan(60_000)
  })

  test('takes events without data, and streams with names beyond ASCII', async () => {
    const stream = newStream('Zürich 東京')
    const event = binaryEvent({ type: 'test.Empty.v1', data: new Uint8Array() })
    await server.client.appendToStream(stream, event, { ...options, expectedRevision: NO_STREAM })
    const [read] = await collect(server.client.readStream(stream))
    expect(read!.event).toMatchObject({ streamId: stream, type: 'test.Empty.v1' })
    expect(read!.event!.data).toHaveLength(0)
  })
})

test('an append whose deadline has passed is refused and leaves nothing', async () => {
  const stream = newStream()
  const attempt = server.client.appendToStream(stream, numbered(1), { expectedRevision: NO_STREAM, deadline: -1000 })
  await expect(attempt).rejects.toMatchObject({ type: 'deadline-exceeded' })
  const result = await server.client.appendToStream(stream, numbered(1), { expectedRevision: NO_STREAM })
  expect(result.nextExpectedRevision).toBe(0n)
})

test('a batch that is sent in parts arrives as one', async () => {
  const stream = newStream()
  const events = numbered(200)
  await server.client.appendToStream(stream, events, { expectedRevision: NO_STREAM, batchAppendSize: 500 })
  const read = await collect(server.client.readStream(stream))
  expect(numbersOf(read)).toEqual(events.map(({ data }) => data.number))
})

test('an append in parts that is too large is answered once, and the client can go on', async () => {
  const stream = newStream()
  const pad = 'x'.repeat(400 * 1024)
  const events = Array.from({ length: 12 }, () => jsonEvent({ type: 'test.Large.v1', data: { pad } }))
  const options = { expectedRevision: NO_STREAM, batchAppendSize: 1024 * 1024 } as const
  await expect(server.client.appendToStream(stream, events, options)).rejects.toBeInstanceOf(MaxAppendSizeExceededError)
  const result = await server.client.appendToStream(stream, numbered(2), { expectedRevision: NO_STREAM })
  expect(result.nextExpectedRevision).toBe(1n)
})

test('of concurrent appends at one revision exactly one wins', async () => {
  const stream = newStream()
  await server.client.appendToStream(stream, numbered(1), { expectedRevision: NO_STREAM })
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) =>
      server.client.appendToStream(stream, numbered(1, index), { expectedRevision: 0n }),
    ),
  )
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const result of results) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ actualVersion: 1n })
  }
})

test('one append sent fifty times at once is written once', async () => {
  const stream = newStream()
  const events = numbered(2)
  const results = await Promise.all(
    Array.from({ length: 50 }, () => server.client.appendToStream(stream, events, { expectedRevision: NO_STREAM })),
  )
  expect(new Set(results.map(({ position }) => position!.commit)).size).toBe(1)
  expect(await collect(server.client.readStream(stream))).toHaveLength(2)
})

test('positions grow with the order of the acknowledgements of one writer', async () => {
  const stream = newStream()
  const positions: bigint[] = []
  for (let index = 0; index < 20; index++) {
    const result = await server.client.appendToStream(stream, numbered(1, index), { expectedRevision: ANY })
    positions.push(result.position!.commit)
  }
  expect(positions).toEqual([...new Set(positions)].toSorted((left, right) => (left < right ? -1 : 1)))
  expect(revisionsOf(await collect(server.client.readStream(stream)))).toEqual(
    positions.map((_, index) => BigInt(index)),
  )
})

test('an append whose stream has no name fails, and the client goes on', async () => {
  await expect(server.client.appendToStream('', numbered(1))).rejects.toMatchObject({ type: 'unknown' })
  expect((await server.client.appendToStream(newStream(), numbered(1))).success).toBe(true)
})

test('an event without an id of its own, all zeros, is refused', async () => {
  const event = jsonEvent({ id: '00000000-0000-0000-0000-000000000000', type: 'test.Zeros', data: {} })
  await expect(server.client.appendToStream(newStream(), event)).rejects.toMatchObject({ type: 'unknown' })
})
