/** An event store that other programs use as well: their events are counted and passed over, ours are checked. */
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { firstContinuation, QuestionTooLarge, readHistory } from '../../src/audit/history.ts'
import { openRawLog, type RawEvent } from '../../src/audit/raw-log.ts'
import { createBudget, unlimited } from '../../src/audit/scan.ts'
import { everything } from '../../src/audit/scope.ts'
import { readStates } from '../../src/audit/state.ts'
import { readVerification } from '../../src/audit/verification.ts'
import { sampleRules as auditRules, sampleRegistry as registry } from '../sample/context.ts'
import { roomOpened, roomStream } from '../sample/room.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { uuidOf } from '../support/examples.ts'

let store: TestStore
const stream = roomStream(uuidOf('ours'))
/** A stream of ours, of another category, into which another program has written. */
const shared = `sample.note-${uuidOf('shared')}`
const STREAMS = 20
const EVENTS = 10

beforeAll(async () => {
  store = await startTestStore(registry)
  const commandId = uuidOf('a command')
  const cause = { $correlationId: commandId, $causationId: commandId, actor: { kind: 'system' as const, id: 'test' } }
  const event = roomOpened({ roomId: uuidOf('ours') })
  await store.store.append(stream, undefined, '', [{ id: uuidOf('ours'), event, cause: { ...cause, commandId } }])
  const client = EventStoreDBClient.connectionString(store.url)
  for (let index = 0; index < STREAMS; index++) {
    // Some use a type of ours by chance, one is not even JSON.
    const type = index % 2 === 0 ? 'sample.RoomOpened.v1' : 'order-placed'
    const events = Array.from({ length: EVENTS }, (_, at) => jsonEvent({ type, data: { at }, metadata: { at } }))
    await client.appendToStream(`shop-${index}`, events, { expectedRevision: NO_STREAM })
  }
  const data = { roomId: uuidOf('ours') }
  const stranger = jsonEvent({ type: 'sample.RoomOpened.v1', data })
  await client.appendToStream(shared, stranger, { expectedRevision: NO_STREAM })
  await client.dispose()
}, 60_000)
afterAll(() => store.close())

async function verified(change: (event: RawEvent) => RawEvent = (event) => event) {
  const log = openRawLog(store.url, registry)
  async function* readAll(after?: bigint) {
    for await (const event of log.readAll(after)) yield change(event)
  }
  const ground = { log: { ...log, readAll }, scope: everything, budget: unlimited(), rules: auditRules }
  const question = { findingsMax: 100, keepsOn: true }
  const from = { after: undefined, revision: 0n, until: 2n ** 62n, tree: undefined }
  const page = await readVerification(ground, question, from)
  await log.close()
  return page
}

test('streams of no context, and events in streams of another category than theirs, are passed over', async () => {
  const { findings, events, streams, foreignEvents, foreignStreams } = await verified()
  expect(findings).toEqual([])
  expect({ events, streams, foreignEvents, foreignStreams }).toEqual({
    events: 1,
    streams: 1,
    foreignEvents: STREAMS * EVENTS + 1,
    foreignStreams: STREAMS + 1,
  })
})

test('nothing is told of them in a history, a trace or a state', async () => {
  const log = openRawLog(store.url, registry)
  const ground = { log, scope: everything, budget: unlimited(), rules: auditRules }
  const beginning = await firstContinuation(log)
  const { described } = await readHistory(ground, uuidOf('ours'), beginning, 100)
  expect(described.map(({ raw }) => raw.stream)).toEqual([stream])
  expect((await readHistory(ground, shared, beginning, 100)).described).toEqual([])
  await log.close()
})

test('a read from a position that somebody names begins with the first event there or behind it', async () => {
  const log = openRawLog(store.url, registry)
  const all = (await Array.fromAsync(log.readAll())).map(({ position }) => position)
  const from = async (position: bigint) =>
    (await Array.fromAsync(log.readFrom(position))).map(({ position }) => position)
  expect(await from(all[3]!)).toEqual(all.slice(3))
  expect(await from(all[3]! - 1n)).toEqual(all.slice(3))
  expect(await from(all.at(-1)! + 1n)).toEqual([])
  expect(await from(0n)).toEqual(all)
  await log.close()
})

test('an event of ours does not become another’s by another name of its stream', async () => {
  const { findings, foreignEvents } = await verified((event) =>
    event.stream === stream ? { ...event, stream: `shop-${uuidOf('ours')}` } : event,
  )
  expect(foreignEvents).toBe(STREAMS * EVENTS + 1)
  expect(findings.map(({ kind }) => kind)).toEqual(['place', 'place', 'hidden'])
})

test('others’ events in a stream of ours count as read where a state is made of it', async () => {
  const log = openRawLog(store.url, registry)
  async function* readStream(name: string) {
    for await (const event of log.readStream(name)) {
      yield event
      for (let index = 0; index < EVENTS; index++) {
        yield { ...event, type: 'order-placed', metadata: Buffer.from('{}') }
      }
    }
  }
  const until = 2n ** 62n
  const statesWithin = (eventsMax: number) => {
    const folding = createBudget({ eventsMax, timeMaxMs: Number.POSITIVE_INFINITY })
    const ground = { log: { ...log, readStream }, scope: everything, budget: unlimited(), rules: auditRules }
    const question = { thing: stream, moments: [{ position: until }], folding }
    return readStates(ground, question, { after: undefined, until, teachers: [], categories: [] })
  }
  expect((await statesWithin(EVENTS + 2)).states).toMatchObject([[{ stream, revision: 0n }]])
  await expect(statesWithin(EVENTS)).rejects.toThrow(QuestionTooLarge)
  await log.close()
})
