/** Appends in bytes of our own: what goes out, what comes back, and that every append has an end. */
import { createServer } from 'node:net'
import { EventStoreDBClient } from '@eventstore/db-client'
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAppender } from '../../src/eventstore/append.ts'
import { correlationText, decodeAppendAnswer, encodeAppend } from '../../src/eventstore/append-messages.ts'
import { type Connection, openConnection } from '../../src/eventstore/connection.ts'
import { startEventStoreNode } from '../support/event-store-node.ts'
import { temporaryDirectory } from '../support/services.ts'

const event = (n: number, data = '{"text":"Zoë \u{1f600}"}') => ({
  id: `5f1c7c52-5f5e-4d0e-9a4b-${n.toString(16).padStart(12, '0')}`,
  type: 'test.Appended.v1',
  data,
  metadata: '{"actor":"käse"}',
})

describe('the request', () => {
  it('is what the generated classes of the protocol read from it', () => {
    const long = `{"long":"${'ü'.repeat(70_000)}"}`
    const events = [event(1), event(2, long)]
    const bytes = encodeAppend({ correlation: 77, stream: 'käse-1', revision: 2n ** 40n, events })
    const read = streamsPb.BatchAppendReq.deserializeBinary(bytes)
    expect(read.getCorrelationId()?.getString()).toBe(correlationText(77))
    expect(read.getIsFinal()).toBe(true)
    const options = read.getOptions()
    expect(Buffer.from(options?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString()).toBe('käse-1')
    expect(options?.getStreamPosition()).toBe(String(2n ** 40n))
    expect(options?.hasDeadline()).toBe(false)
    const messages = read.getProposedMessagesList()
    expect(messages.map((message) => message.getId()?.getString())).toEqual(events.map(({ id }) => id))
    expect(messages.map((message) => message.getMetadataMap().get('type'))).toEqual(events.map(({ type }) => type))
    expect(messages.map((message) => message.getMetadataMap().get('content-type'))).toEqual(
      events.map(() => 'application/json'),
    )
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
    expect(messages.map((message) => text(message.getData_asU8()))).toEqual(events.map(({ data }) => data))
    expect(messages.map((message) => text(message.getCustomMetadata_asU8()))).toEqual(
      events.map(({ metadata }) => metadata),
    )
  })

  it('carries revisions of every length', () => {
    for (const revision of [0n, 16n, 127n, 128n, 16_383n, 16_384n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
      const bytes = encodeAppend({ correlation: 1, stream: 's-1', revision, events: [event(1)] })
      const options = streamsPb.BatchAppendReq.deserializeBinary(bytes).getOptions()
      expect(options?.getStreamPosition()).toBe(revision.toString())
    }
  })

  it('asks for a stream that is not there yet where no revision is given', () => {
    const bytes = encodeAppend({
      correlation: 1,
      stream: 's-1',
      revision: undefined,
      events: [event(1)],
    })
    expect(streamsPb.BatchAppendReq.deserializeBinary(bytes).getOptions()?.hasNoStream()).toBe(true)
  })
})

describe('the answer', () => {
  it('is known by its id in either of the forms that servers send', () => {
    const structured = new sharedPb.UUID.Structured()
    const least = BigInt.asIntN(64, BigInt(`0x${correlationText(4_321).replaceAll('-', '').slice(16)}`))
    structured.setLeastSignificantBits(least.toString())
    structured.setMostSignificantBits('1')
    const uuid = new sharedPb.UUID()
    uuid.setStructured(structured)
    const success = new streamsPb.BatchAppendResp.Success()
    success.setCurrentRevision('9007199254740993')
    const answer = new streamsPb.BatchAppendResp()
    answer.setCorrelationId(uuid)
    answer.setSuccess(success)
    const expected = { correlation: 4_321, kind: 'appended', revision: 9_007_199_254_740_993n, position: 0n }
    expect(decodeAppendAnswer(Buffer.from(answer.serializeBinary()))).toEqual(expected)
  })
})

describe('an append', () => {
  const directory = temporaryDirectory()
  let node: Awaited<ReturnType<typeof startEventStoreNode>>
  let client: EventStoreDBClient
  let connection: Connection
  beforeAll(async () => {
    node = await startEventStoreNode({ directory: directory.path })
    client = EventStoreDBClient.connectionString(node.url)
    connection = openConnection(node.url)
  })
  afterAll(async () => {
    await client.dispose()
    await connection.close()
    await node.close()
    directory.remove()
  })

  it('is in the stream as the official client reads it, at the revision and position that were answered', async () => {
    const appender = createAppender(connection, { deadlineMs: 5_000 })
    const outcome = await appender.append({ stream: 'read-1', revision: undefined, events: [event(10), event(11)] })
    const read = await Array.fromAsync(client.readStream('read-1'))
    expect(read.map(({ event }) => [event?.id, event?.type, event?.data, event?.metadata])).toEqual(
      [event(10), event(11)].map(({ id, type, data, metadata }) => [id, type, JSON.parse(data), JSON.parse(metadata)]),
    )
    expect(outcome).toMatchObject({ kind: 'appended', revision: 1n, position: read[1]?.event?.position?.commit })
  })

  it('is refused at another revision, and repeated with the same ids it is answered as the first time', async () => {
    const appender = createAppender(connection, { deadlineMs: 5_000 })
    const append = (revision: bigint | undefined, n: number) =>
      appender.append({ stream: 'race-1', revision, events: [event(n)] })
    const first = await append(undefined, 20)
    expect(await append(undefined, 21)).toMatchObject({ kind: 'failed', reason: 'WrongExpectedVersion' })
    const again = await append(undefined, 20)
    expect(again).toMatchObject({ kind: 'appended', revision: 0n })
    expect({ ...again, correlation: 0 }).toEqual({ ...first, correlation: 0 })
  })

  it('is not known to be stored, and says so at once, where nothing answers at the address', async () => {
    const nobody = openConnection('esdb://127.0.0.1:9?tls=false')
    const outcome = await createAppender(nobody, { deadlineMs: 5_000 }).append({
      stream: 's-1',
      revision: undefined,
      events: [event(1)],
    })
    expect(outcome.kind).toMatch(/unknown|unsent/)
    await nobody.close()
  })

  it('has an unknown outcome once its time has passed, where a server takes the call and says nothing', async () => {
    const mute = createServer((socket) => socket.on('error', () => undefined))
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    const { port } = mute.address() as { port: number }
    const other = openConnection(`esdb://127.0.0.1:${port}?tls=false`)
    const outcome = await createAppender(other, { deadlineMs: 200 }).append({
      stream: 's-1',
      revision: undefined,
      events: [event(1)],
    })
    expect(outcome).toMatchObject({ kind: 'unknown', error: { message: expect.stringContaining('200 ms') } })
    mute.close()
    await other.close()
  })

  it('under way is unknown when its server goes, and the next one finds the server that is there then', async () => {
    const place = temporaryDirectory()
    const first = await startEventStoreNode({ directory: place.path })
    const to = openConnection(first.url)
    const appender = createAppender(to, { deadlineMs: 2_000 })
    expect(await appender.append({ stream: 'go-1', revision: undefined, events: [event(30)] })).toMatchObject({
      kind: 'appended',
    })
    const port = Number(new URL(first.url.replace('esdb', 'http')).port)
    await first.close()
    expect(await appender.append({ stream: 'go-1', revision: 0n, events: [event(31)] })).toMatchObject({
      kind: 'unknown',
    })
    const second = await startEventStoreNode({ directory: place.path, port })
    await expect
      .poll(() => appender.append({ stream: 'go-1', revision: 0n, events: [event(31)] }), { timeout: 10_000 })
      .toMatchObject({ kind: 'appended', revision: 1n })
    await to.close()
    await second.close()
    place.remove()
  })
})
