import {
  BACKWARDS,
  END,
  NO_STREAM,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collect, newStream, numbered, revisionsOf, startServer, type TestServer } from '../support/node.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

async function streamOf(count: number): Promise<string> {
  const stream = newStream()
  await server.client.appendToStream(stream, numbered(count), { expectedRevision: NO_STREAM })
  return stream
}

describe('deleting a stream', () => {
  test('makes it not found; the next append goes on with its revisions', async () => {
    const stream = await streamOf(3)
    const deleted = await server.client.deleteStream(stream, { expectedRevision: 2n })
    expect(deleted.position!.commit).toBeGreaterThan(0n)
    await expect(collect(server.client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError)
    const result = await server.client.appendToStream(stream, numbered(2, 3), { expectedRevision: NO_STREAM })
    expect(result.nextExpectedRevision).toBe(4n)
    expect(revisionsOf(await collect(server.client.readStream(stream)))).toEqual([3n, 4n])
    expect(
      revisionsOf(await collect(server.client.readStream(stream, { direction: BACKWARDS, fromRevision: END }))),
    ).toEqual([4n, 3n])
  })

  test('accepts ANY and the last revision for the append that begins it anew', async () => {
    for (const expectedRevision of ['any', 1n] as const) {
      const stream = await streamOf(2)
      await server.client.deleteStream(stream)
      const result = await server.client.appendToStream(stream, numbered(1), { expectedRevision })
      expect(result.nextExpectedRevision).toBe(2n)
      expect(revisionsOf(await collect(server.client.readStream(stream)))).toEqual([2n])
    }
  })

  test('refuses a wrong expected revision and names the right one', async () => {
    const stream = await streamOf(2)
    const attempt = server.client.deleteStream(stream, { expectedRevision: 7n })
    await expect(attempt).rejects.toBeInstanceOf(WrongExpectedVersionError)
    await expect(attempt).rejects.toMatchObject({ streamName: stream, expectedVersion: 7n, actualVersion: 1n })
    expect(await collect(server.client.readStream(stream))).toHaveLength(2)
  })

  test.each(['any', NO_STREAM] as const)(
    'that was never there is refused at %s; metadata alone makes it be there',
    async (expectedRevision) => {
      const stream = newStream()
      await expect(server.client.deleteStream(stream, { expectedRevision })).rejects.toBeInstanceOf(
        WrongExpectedVersionError,
      )
      await server.client.setStreamMetadata(stream, { cacheControl: 10 })
      await server.client.deleteStream(stream, { expectedRevision })
      await expect(collect(server.client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError)
    },
  )

  test('forgets its other metadata, and new metadata brings no deleted event back', async () => {
    const stream = await streamOf(2)
    await server.client.setStreamMetadata(stream, { maxCount: 7, colour: 'red' })
    await server.client.deleteStream(stream)
    await server.client.setStreamMetadata(stream, { colour: 'blue' })
    expect(await collect(server.client.readStream(stream))).toEqual([])
    await server.client.appendToStream(stream, numbered(1), { expectedRevision: 1n })
    expect(revisionsOf(await collect(server.client.readStream(stream)))).toEqual([2n])
    const { metadata } = await server.client.getStreamMetadata<{ colour: string }>(stream)
    expect(metadata).toEqual({ colour: 'blue', truncateBefore: 2 })
  })
})

describe('tombstoning a stream', () => {
  test('ends it for good: reads, appends, deletes and metadata say so', async () => {
    const stream = await streamOf(2)
    const tombstoned = await server.client.tombstoneStream(stream, { expectedRevision: 1n })
    expect(tombstoned.position!.commit).toBeGreaterThan(0n)
    await expect(collect(server.client.readStream(stream))).rejects.toMatchObject({
      type: 'stream-deleted',
      streamName: stream,
    })
    const attempts = [
      () => server.client.appendToStream(stream, numbered(1), { expectedRevision: 'any' }),
      () => server.client.appendToStream(stream, numbered(1), { expectedRevision: NO_STREAM }),
      () => server.client.deleteStream(stream),
      () => server.client.tombstoneStream(stream),
      () => server.client.setStreamMetadata(stream, { maxCount: 1 }),
    ]
    for (const attempt of attempts) await expect(attempt()).rejects.toBeInstanceOf(StreamDeletedError)
  })

  test('can be done to a stream that never was, and only at the right revision', async () => {
    const stream = newStream()
    await expect(server.client.tombstoneStream(stream, { expectedRevision: 0n })).rejects.toBeInstanceOf(
      WrongExpectedVersionError,
    )
    await server.client.tombstoneStream(stream, { expectedRevision: NO_STREAM })
    await expect(collect(server.client.readStream(stream))).rejects.toBeInstanceOf(StreamDeletedError)
  })
})

describe('stream metadata', () => {
  test('is returned as it was set, with all its known members', async () => {
    const stream = await streamOf(1)
    const metadata = {
      maxAge: 3600,
      maxCount: 10,
      cacheControl: 15,
      truncateBefore: 0,
      acl: {
        readRoles: ['admin', 'ops'],
        writeRoles: ['ops'],
        deleteRoles: ['admin'],
        metaReadRoles: ['admin'],
        metaWriteRoles: ['admin'],
      },
      owner: { team: 'ledger' },
    }
    await server.client.setStreamMetadata<{ owner: { team: string } }>(stream, metadata)
    const read = await server.client.getStreamMetadata(stream)
    expect(read.metadata).toEqual(metadata)
    const none = await server.client.getStreamMetadata(await streamOf(1))
    expect(none.metadata).toBeUndefined()
  })

  test('keeps the latest only, with revisions of its own', async () => {
    const stream = await streamOf(1)
    await server.client.setStreamMetadata(stream, { maxCount: 3 }, { expectedRevision: NO_STREAM })
    await server.client.setStreamMetadata(stream, { maxCount: 4 }, { expectedRevision: 0n })
    const events = await collect(server.client.readStream(`$$${stream}`))
    expect(revisionsOf(events)).toEqual([1n])
    expect(events[0]!.event).toMatchObject({ type: '$metadata', data: { $maxCount: 4 } })
  })

  test('$maxCount shows the last events only, and changes at once', async () => {
    const stream = await streamOf(5)
    await server.client.setStreamMetadata(stream, { maxCount: 2 })
    expect(revisionsOf(await collect(server.client.readStream(stream)))).toEqual([3n, 4n])
    await server.client.appendToStream(stream, numbered(1, 5), { expectedRevision: 4n })
    expect(revisionsOf(await collect(server.client.readStream(stream, { fromRevision: 0n })))).toEqual([4n, 5n])
    expect(
      revisionsOf(await collect(server.client.readStream(stream, { direction: BACKWARDS, fromRevision: END }))),
    ).toEqual([5n, 4n])
    await server.client.setStreamMetadata(stream, { maxCount: 4 })
    expect(revisionsOf(await collect(server.client.readStream(stream)))).toEqual([2n, 3n, 4n, 5n])
  })

  test('truncateBefore hides what is before it', async () => {
    const stream = await streamOf(5)
    await server.client.setStreamMetadata(stream, { truncateBefore: 3 })
    expect(revisionsOf(await collect(server.client.readStream(stream)))).toEqual([3n, 4n])
    await server.client.setStreamMetadata(stream, { truncateBefore: 5 })
    expect(await collect(server.client.readStream(stream))).toEqual([])
  })

  test('$maxAge shows what is young enough', async () => {
    const stream = await streamOf(2)
    await server.client.setStreamMetadata(stream, { maxAge: 3600 })
    expect(await collect(server.client.readStream(stream))).toHaveLength(2)
  })

  test('can be set before the stream has events, which is enough for STREAM_EXISTS', async () => {
    const stream = newStream()
    await server.client.setStreamMetadata(stream, { maxCount: 1 })
    await expect(collect(server.client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError)
    const result = await server.client.appendToStream(stream, numbered(3), { expectedRevision: 'stream_exists' })
    expect(result.nextExpectedRevision).toBe(2n)
    expect(revisionsOf(await collect(server.client.readStream(stream)))).toEqual([2n])
  })
})

test('system streams can be written and read, as on an insecure node', async () => {
  const stream = `$${newStream('system')}`
  await server.client.appendToStream(stream, numbered(1), { expectedRevision: NO_STREAM })
  expect(revisionsOf(await collect(server.client.readStream(stream)))).toEqual([0n])
})
