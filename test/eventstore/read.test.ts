import { createServer } from 'node:net'
import { binaryEvent, EventStoreDBClient, FORWARDS, jsonEvent, NO_STREAM, START } from '@eventstore/db-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Connection, openConnection, SilentStore } from '../../src/eventstore/connection.ts'
import { readPage } from '../../src/eventstore/read.ts'
import { decodeAnswer } from '../../src/eventstore/read-messages.ts'
import type { Selection } from '../../src/eventstore/read-requests.ts'
import { startEventStoreNode } from '../support/event-store-node.ts'
import { temporaryDirectory } from '../support/services.ts'

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

const SILENCE_MAX_MS = 5_000
const ours = (from: bigint | undefined, count: bigint, of = connection, readTimeoutMs = SILENCE_MAX_MS) =>
  readPage(of, { from: from ?? 'start', direction: 'forwards', count }, readTimeoutMs)

const ofClient = (fromPosition: bigint | undefined, maxCount: number) =>
  Array.fromAsync(
    client.readAll({
      direction: FORWARDS,
      fromPosition: fromPosition === undefined ? START : { commit: fromPosition, prepare: fromPosition },
      maxCount,
    }),
  )

test('a page holds what the client itself reads, whatever the events hold', async () => {
  const text = 'Zoë \u{1f600} "quoted" \\ back\nline'
  await client.appendToStream(
    'käse-1',
    [
      jsonEvent({ type: 'test.Plain.v1', data: { text, none: null, list: [1.5, true], long: 'x'.repeat(5_000) } }),
      jsonEvent({ type: 'test.Described.v1', data: {}, metadata: { $correlationId: 'c', actor: { kind: 'system' } } }),
      binaryEvent({ type: 'test.Bytes.v1', data: Uint8Array.of(0, 255, 128), metadata: Uint8Array.of(1, 2, 254) }),
    ],
    { expectedRevision: NO_STREAM },
  )
  await client.setStreamMetadata('käse-1', { maxCount: 200 })
  const expected = await ofClient(undefined, 100)
  // The log’s own first event is among them.
  expect(expected).toHaveLength(5)
  const page = await ours(undefined, 100n)
  expect(page).toEqual(expected.map(({ event }) => event))
  const second = expected[1]!.event!.position!.commit
  const rest = await ours(second, 2n)
  expect(rest).toEqual((await ofClient(second, 2)).map(({ event }) => event))
})

test('a store that is away rejects the page', async () => {
  const other = openConnection('esdb://127.0.0.1:9?tls=false')
  await expect(ours(undefined, 10n, other)).rejects.toThrow(/UNAVAILABLE|ECONNREFUSED|connect/i)
  await other.close()
})

test('a page of a stream begins where it is asked to, in either direction; of no stream it is empty', async () => {
  const events = Array.from({ length: 5 }, (_, n) => jsonEvent({ type: 'test.Counted.v1', data: { n } }))
  await client.appendToStream('counted-1', events, { expectedRevision: NO_STREAM })
  const counted = async (selection: Selection) =>
    (await readPage(connection, selection, SILENCE_MAX_MS)).map(({ data }) => data)
  const forwards = { direction: 'forwards', count: 3n } as const
  expect(await counted({ stream: 'counted-1', from: 1n, ...forwards })).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  const last = await counted({ stream: 'counted-1', from: 'end', direction: 'backwards', count: 2n })
  expect(last).toEqual([{ n: 4 }, { n: 3 }])
  expect(await counted({ stream: 'counted-1', from: 5n, ...forwards })).toEqual([])
  expect(await counted({ stream: 'nobody-1', from: 0n, ...forwards })).toEqual([])
})

test('a store that takes the call and says nothing rejects the page once its time has passed', async () => {
  const mute = createServer((socket) => socket.on('error', () => undefined))
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const { port } = mute.address() as { port: number }
  const other = openConnection(`esdb://127.0.0.1:${port}?tls=false`)
  await expect(ours(undefined, 10n, other, 100)).rejects.toThrow(SilentStore)
  mute.close()
  await other.close()
})

/** A field of protobuf's wire format: a varint, or bytes. */
const field = (number: number, value: bigint | Buffer): Buffer => {
  if (typeof value !== 'bigint')
    return Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(value.length)), value])
  return Buffer.concat([varint(BigInt(number * 8)), varint(value)])
}
const varint = (value: bigint): Buffer => {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7n) {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0))
    if (rest <= 127n) return Buffer.from(bytes)
  }
}

test('positions and revisions of 64 bits keep every bit', () => {
  for (const value of [0n, 127n, 128n, 2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
    const event = Buffer.concat([field(3, value), field(4, value), field(5, value), field(99, Buffer.from('news'))])
    const answer = decodeAnswer(field(1, Buffer.concat([field(1, event), field(3, value)])))
    expect(answer).toMatchObject({ revision: value, position: { commit: value, prepare: value } })
  }
})

test('an answer that is cut short is an error, at every byte', () => {
  const whole = field(1, field(1, Buffer.concat([field(2, field(3, Buffer.from('stream'))), field(3, 300n)])))
  expect(decodeAnswer(whole)).toMatchObject({ streamId: 'stream', revision: 300n })
  for (let length = 1; length < whole.length; length++) {
    expect(() => decodeAnswer(whole.subarray(0, length)), `${length} bytes`).toThrow(RangeError)
  }
})

test('a field that reaches beyond its message is an error', () => {
  const data = Buffer.concat([varint(66n), varint(9n), Buffer.from('no')])
  const beyond = field(1, field(1, data))
  expect(() => decodeAnswer(Buffer.concat([beyond, field(99, Buffer.alloc(20))]))).toThrow(RangeError)
})

test('answers without an event are distinguished', () => {
  expect(decodeAnswer(field(2, field(1, Buffer.from('id'))))).toBe('confirmed')
  expect(decodeAnswer(field(3, Buffer.concat([field(1, 5n), field(2, 5n)])))).toBeUndefined()
  expect(decodeAnswer(field(8, Buffer.alloc(0)))).toBeUndefined()
})
