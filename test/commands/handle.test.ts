/**
 * The command bus over a real event store node: two buses stand for two processes. Whatever they do to each other, a
 * command is executed once, its answer stays the same for ever, and the chain of hashes closes.
 */
import { randomUUID } from 'node:crypto'
import { EventStoreDBClient } from '@eventstore/db-client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fold } from '../../src/commands/decider.ts'
import { type CommandBus, type CommandContext, createCommandBus } from '../../src/commands/handle.ts'
import { Rejected } from '../../src/commands/rejection.ts'
import { chainHash } from '../../src/events/chain.ts'
import { AppendRefused, type EventStore, StoreUnavailable, WrongExpectedRevision } from '../../src/events/store.ts'
import { BOARD_PLACES, type BoardCommand, board, boardStream } from '../sample/board.ts'
import { sampleRegistry } from '../sample/context.ts'
import { type RoomCommand, type RoomEvent, room, roomStream } from '../sample/room.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { timeAt as at } from '../support/examples.ts'

let node: TestStore
let here: CommandBus
let there: CommandBus
const limits = { cachedAggregatesMax: 100, seenCommandsMax: 100_000, conflictRetriesMax: 3 }

beforeAll(async () => {
  node = await startTestStore(sampleRegistry)
})
afterAll(() => node.close())
beforeEach(() => {
  here = createCommandBus(node.store, limits)
  there = createCommandBus(node.store, limits)
})

const context = (over: Partial<CommandContext> = {}): CommandContext => ({
  commandId: randomUUID(),
  fingerprint: 'f1',
  actor: { kind: 'operator', id: 'acme', keyId: 'key1' },
  requestId: randomUUID(),
  correlationId: randomUUID(),
  traceparent: undefined,
  at: at(1),
  ...over,
})

const roomId = 'blue'
const facts = { roomId, tenantId: 'acme', name: 'The blue one', price: '5' }
const open = (commandId: string): RoomCommand => ({ kind: 'open', facts, commandId, at: at(1) })
const visit = (commandId: string): RoomCommand => ({ kind: 'visit', roomId, commandId, at: at(2) })
const change = (to: 'open' | 'shut', commandId: string): RoomCommand => ({
  kind: 'change status',
  ...{ roomId, to, commandId, at: at(3) },
})

type Make = (commandId: string) => RoomCommand
const send = (bus: CommandBus, id: string, make: Make, over: Partial<CommandContext> = {}) => {
  const circumstances = context(over)
  return bus.handle(room, id, make(circumstances.commandId), circumstances)
}
const onBoard = (bus: CommandBus, tenantId: string, kind: BoardCommand['kind'], noteId: string) =>
  bus.handle(board, tenantId, { kind, tenantId, noteId }, context({ fingerprint: undefined }))
async function opened(): Promise<string> {
  const id = randomUUID()
  await send(here, id, open)
  return id
}
const recordedIn = async (stream: string): Promise<RoomEvent[]> => {
  const events: RoomEvent[] = []
  for await (const { type, data } of node.store.readStream<RoomEvent>(stream)) {
    events.push({ type, data } as RoomEvent)
  }
  return events
}
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof Rejected ? error.code : String(error)
}

describe('a command', () => {
  it('is recorded with its cause, its actor and its key’s fingerprint on the first event', async () => {
    const id = randomUUID()
    const circumstances = context({ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })
    const { events, position, replayed } = await here.handle(room, id, open(circumstances.commandId), circumstances)
    const recorded = []
    for await (const event of node.store.readStream(roomStream(id))) recorded.push(event)
    expect(replayed).toBe(false)
    expect(recorded.map(({ type, data }) => ({ type, data }))).toStrictEqual(events)
    expect(recorded.at(-1)?.position).toBe(position)
    const { commandId, requestId, correlationId, traceparent, actor } = circumstances
    const cause = { $correlationId: correlationId, $causationId: commandId, commandId, requestId, traceparent, actor }
    expect(recorded.map(({ metadata }) => metadata)).toMatchObject([cause, cause])
    expect(recorded.map(({ metadata }) => metadata.fingerprint)).toStrictEqual(['f1', undefined])
  })

  it('that changes nothing writes nothing, and names the position that its answer rests on', async () => {
    const tenantId = randomUUID()
    const { position } = await onBoard(here, tenantId, 'pin', 'a')
    const handled = await onBoard(here, tenantId, 'pin', 'a')
    expect(handled).toMatchObject({ events: [], position, replayed: false })
  })

  it('that is refused writes nothing', async () => {
    const id = randomUUID()
    expect(await codeOf(send(here, id, visit))).toBe('room_not_found')
    expect(await node.store.readLast(roomStream(id))).toBeUndefined()
  })

  it('is admitted once, before its first decision, and not again when it is replayed', async () => {
    const [id, commandId] = [randomUUID(), randomUUID()]
    let admissions = 0
    const precondition = async () => void admissions++
    for (const bus of [here, here, there])
      await bus.handle(room, id, open(commandId), context({ commandId }), precondition)
    expect(admissions).toBe(1)
  })

  it('that is not admitted because another process has handled it meanwhile gets the recorded answer', async () => {
    const [id, commandId] = [randomUUID(), randomUUID()]
    let first: unknown
    const precondition = async () => {
      first = (await there.handle(room, id, open(commandId), context({ commandId }))).events
      throw new Rejected('room_locked', 'Nobody may enter any more.')
    }
    const answer = await here.handle(room, id, open(commandId), context({ commandId }), precondition)
    expect(answer).toMatchObject({ events: first, replayed: true })
  })

  it('of long ago, repeated, reads a small part of its stream, and gets the answer of then, after a restart too', async () => {
    const id = await opened()
    const keys = Array.from({ length: 600 }, () => randomUUID())
    const answers = []
    for (const [n, commandId] of keys.entries()) {
      const make = (each: string) => change(n % 2 === 0 ? 'shut' : 'open', each)
      answers.push(await send(here, id, make, { commandId, fingerprint: `f${n}` }))
    }
    let read = 0
    const counting: EventStore = {
      ...node.store,
      async *readStream(stream, range) {
        for await (const event of node.store.readStream(stream, range)) {
          read += 1
          yield event as never
        }
      },
    }
    const restarted = createCommandBus(counting, limits)
    await restarted.load(room, id)
    const length = read
    expect(length).toBeGreaterThan(600)
    for (const n of [0, 1, 255, 256, 599]) {
      read = 0
      const again = await send(restarted, id, open, { commandId: keys[n]!, fingerprint: `f${n}` })
      expect(again).toStrictEqual({ ...answers[n], replayed: true })
      expect([n, read < 140]).toStrictEqual([n, true])
    }
    expect(await codeOf(send(restarted, id, open, { commandId: keys[7]!, fingerprint: 'other' }))).toBe(
      'idempotency_key_reused',
    )
  })

  it('whose id begins like that of another is another all the same', async () => {
    const id = await opened()
    const twins = ['a', 'b'].map((end) => `12345678-${randomUUID().slice(9, -1)}${end}`)
    const answers = []
    for (const [n, commandId] of twins.entries()) {
      answers.push(await send(here, id, (each) => change(n === 0 ? 'shut' : 'open', each), { commandId }))
    }
    expect(answers.map(({ replayed, events }) => [replayed, events.length > 0])).toStrictEqual(
      Array(2).fill([false, true]),
    )
    for (const [n, commandId] of twins.entries()) {
      expect(await send(here, id, open, { commandId })).toStrictEqual({ ...answers[n], replayed: true })
    }
  })

  it('that is not admitted writes nothing', async () => {
    const id = randomUUID()
    const refuse = () => Promise.reject(new Rejected('room_locked', 'Nobody may enter.'))
    expect(await codeOf(here.handle(room, id, open(randomUUID()), context(), refuse))).toBe('room_locked')
    expect(await recordedIn(roomStream(id))).toStrictEqual([])
  })
})

describe('a repeated command', () => {
  // Seen to fail (row 33) without the look for the command id: it was decided again.
  it('gets its recorded answer from another process, and the state of then, not of now', async () => {
    const id = await opened()
    const commandId = randomUUID()
    const first = await send(here, id, (c) => change('shut', c), { commandId })
    await send(here, id, (c) => change('open', c))
    const again = await send(there, id, (c) => change('shut', c), { commandId })
    expect(again).toStrictEqual({ ...first, replayed: true })
    expect(again.state.status).toBe('shut')
    expect((await there.load(room, id)).status).toBe('open')
  })

  it('keeps its answer also where that was a status kept', async () => {
    const id = await opened()
    const commandId = randomUUID()
    const first = await send(here, id, (c) => change('open', c), { commandId })
    await send(here, id, (c) => change('shut', c))
    const again = await send(there, id, (c) => change('open', c), { commandId })
    expect(again).toStrictEqual({ ...first, replayed: true })
    expect(again.events.map(({ type }) => type)).toStrictEqual(['sample.RoomStatusKept.v1'])
  })

  it('with other content is refused, in every process', async () => {
    const id = await opened()
    const commandId = randomUUID()
    await send(here, id, visit, { commandId })
    for (const bus of [here, there, createCommandBus(node.store, limits)]) {
      const other = send(bus, id, visit, { commandId, fingerprint: 'f2' })
      expect(await codeOf(other)).toBe('idempotency_key_reused')
    }
  })

  it('sent 100 times at once to two processes is executed once, with 100 equal answers', async () => {
    const id = await opened()
    const commandId = randomUUID()
    const buses = [here, there]
    const sends = Array.from({ length: 100 }, (_, n) => send(buses[n % 2]!, id, visit, { commandId }))
    const answers = await Promise.all(sends)
    const [{ state, events, position }] = answers as [(typeof answers)[number]]
    for (const answer of answers) expect(answer).toMatchObject({ state, events, position })
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
    const requests = (await recordedIn(roomStream(id))).filter(
      ({ data }) => 'commandId' in data && data.commandId === commandId,
    )
    expect(requests).toHaveLength(1)
  })

  // Seen to fail (row 34) without the comparison of fingerprints: both were answered alike.
  it('of two contents racing for one key, one wins and the other is refused', async () => {
    const id = await opened()
    const commandId = randomUUID()
    const contenders = ['f1', 'f2'].flatMap((fingerprint) => [here, there].map((bus) => ({ bus, fingerprint })))
    const outcomes = await Promise.all(
      contenders.map(({ bus, fingerprint }) =>
        send(bus, id, visit, { commandId, fingerprint }).then(
          () => fingerprint,
          (error: Rejected) => error.code,
        ),
      ),
    )
    const winner = outcomes.find((outcome) => outcome !== 'idempotency_key_reused')
    expect(outcomes).toStrictEqual(
      contenders.map(({ fingerprint }) => (fingerprint === winner ? winner : 'idempotency_key_reused')),
    )
  })
})

describe('two processes on one stream', () => {
  it('a stale state is found out by the append, and the command decided again on the truth', async () => {
    const id = await opened()
    await there.load(room, id)
    await send(here, id, visit)
    const handled = await send(there, id, visit)
    expect(handled.events).toMatchObject([{ data: { sequence: 3 } }])
    expect(handled.state).toStrictEqual(fold(room, await recordedIn(roomStream(id))))
  })

  it('a stale state does not make a command a no-op or a refusal', async () => {
    const tenantId = randomUUID()
    const notes = Array.from({ length: BOARD_PLACES }, (_, index) => `note ${index}`)
    for (const noteId of notes) await onBoard(here, tenantId, 'pin', noteId)
    await there.load(board, tenantId)
    await onBoard(here, tenantId, 'take down', 'note 0')
    const again = await onBoard(there, tenantId, 'pin', 'note 0')
    expect(again.events.map(({ type }) => type)).toStrictEqual(['sample.NotePinned.v1'])

    await onBoard(here, tenantId, 'take down', 'note 1')
    expect((await onBoard(there, tenantId, 'pin', 'another')).events).toHaveLength(1)
  })

  it('80 commands at once are numbered without a gap, each once', async () => {
    const id = await opened()
    const patient = { ...limits, conflictRetriesMax: 100 }
    const buses = [createCommandBus(node.store, patient), createCommandBus(node.store, patient)]
    const makes: Make[] = [visit, (c) => change('shut', c), (c) => change('open', c)]
    await Promise.all(Array.from({ length: 80 }, (_, n) => send(buses[n % 2]!, id, makes[n % 3]!)))
    const events = await recordedIn(roomStream(id))
    const requests = events.filter((event) => event.type === 'sample.VisitCounted.v1')
    expect(requests.map(({ data }) => data.sequence)).toStrictEqual(requests.map((_, index) => index + 1))
    expect(new Set(requests.map(({ data }) => data.commandId)).size).toBe(requests.length)
    for (const bus of buses) {
      await send(bus, id, visit)
      expect(await bus.load(room, id)).toStrictEqual(fold(room, await recordedIn(roomStream(id))))
    }
  })

  it('gives up after its bound of conflicts, having written nothing', async () => {
    const id = await opened()
    let appends = 0
    const contended: EventStore = {
      ...node.store,
      append: () => {
        appends += 1
        return Promise.reject(new WrongExpectedRevision('another process was faster'))
      },
    }
    const bus = createCommandBus(contended, limits)
    expect(await codeOf(send(bus, id, visit))).toBe('concurrent_change')
    expect(appends).toBe(limits.conflictRetriesMax + 1)
    expect(await recordedIn(roomStream(id))).toHaveLength(2)
  })
})

describe('commands that wait for the same stream', () => {
  /** Appends are counted, and the first waits until it is let go. */
  function counted() {
    const appends: number[] = []
    const first = Promise.withResolvers<void>()
    const store: EventStore = {
      ...node.store,
      async append(stream, revision, lastHash, events) {
        appends.push(events.length)
        if (appends.length === 1) await first.promise
        return node.store.append(stream, revision, lastHash, events)
      },
    }
    return { appends, letGo: first.resolve, store }
  }
  const statusChanges = (count: number) => Array.from({ length: count }, (_, n) => (n % 2 === 0 ? 'shut' : 'open'))

  it('are appended together, each with its own cause, state and answer, as if one by one', async () => {
    const id = await opened()
    const { appends, letGo, store } = counted()
    const bus = createCommandBus(store, limits)
    await bus.load(room, id)
    const sent = statusChanges(11).map((to) => send(bus, id, (c) => change(to as 'open', c)))
    letGo()
    const answers = await Promise.all(sent)
    expect(appends).toStrictEqual([2, 20])
    expect(answers.map(({ state }) => state.status)).toStrictEqual(statusChanges(11))
    expect(answers.map(({ events, replayed }) => [events.length, replayed])).toStrictEqual(Array(11).fill([2, false]))
    const events = await recordedIn(roomStream(id))
    expect(events.slice(2)).toStrictEqual(answers.flatMap((answer) => answer.events))
    const commandIds = []
    for await (const { metadata } of node.store.readStream(roomStream(id))) commandIds.push(metadata.commandId)
    expect(new Set(commandIds.slice(2)).size).toBe(11)
    // What is kept in memory is what the log has: another command goes on from it, and the chain closes.
    await send(bus, id, visit)
    expect(await bus.load(room, id)).toStrictEqual(fold(room, await recordedIn(roomStream(id))))
  })

  it('are answered each for itself where one is refused, or was seen before', async () => {
    const id = await opened()
    const { appends, letGo, store } = counted()
    const bus = createCommandBus(store, limits)
    await bus.load(room, id)
    const [first, twice] = [randomUUID(), randomUUID()]
    const shut: Make = (c) => change('shut', c)
    const reopen: Make = (c) => change('open', c)
    const sent = [
      ...[send(bus, id, shut, { commandId: first }), send(bus, id, reopen, { commandId: twice })],
      ...[send(bus, id, reopen, { commandId: twice }), send(bus, id, open), send(bus, id, shut), send(bus, id, reopen)],
    ]
    letGo()
    const [, once, again, refused, ...last] = await Promise.allSettled(sent)
    expect(once).toMatchObject({ status: 'fulfilled', value: { replayed: false } })
    expect(again).toMatchObject({ status: 'fulfilled', value: { replayed: true } })
    expect(refused).toMatchObject({ status: 'rejected', reason: { name: 'Rejected' } })
    expect(last.map(({ status }) => status)).toStrictEqual(['fulfilled', 'fulfilled'])
    expect(appends).toStrictEqual([2, 2, 4])
  })

  it('find out one by one where another process wrote first, or the store takes them not together', async () => {
    const id = await opened()
    const { appends, letGo, store } = counted()
    let isRefused = false
    const failing: EventStore = {
      ...store,
      async append(stream, revision, lastHash, events) {
        if (events.length > 2 && !isRefused) {
          isRefused = true
          appends.push(events.length)
          throw new AppendRefused('the append is too large', true)
        }
        return store.append(stream, revision, lastHash, events)
      },
    }
    const bus = createCommandBus(failing, limits)
    await bus.load(room, id)
    const sent = statusChanges(4).map((to) => send(bus, id, (c) => change(to as 'open', c)))
    await send(there, id, visit)
    letGo()
    await Promise.all(sent)
    // The first one has a conflict; the others were refused together.
    expect(appends).toStrictEqual([2, 2, 6, 2, 2, 2])
    expect(await bus.load(room, id)).toStrictEqual(fold(room, await recordedIn(roomStream(id))))
  })

  it('are all unknown where their append is', async () => {
    const id = await opened()
    const { appends, letGo, store } = counted()
    const failing: EventStore = {
      ...store,
      append: (...batch) =>
        appends.length === 1 ? Promise.reject(new StoreUnavailable('no answer')) : store.append(...batch),
    }
    const bus = createCommandBus(failing, limits)
    await bus.load(room, id)
    const sent = statusChanges(4).map((to) => send(bus, id, (c) => change(to as 'open', c)))
    letGo()
    const outcomes = await Promise.allSettled(sent)
    expect(outcomes.map(({ status }) => status)).toStrictEqual(['fulfilled', ...Array(3).fill('rejected')])
    expect(await recordedIn(roomStream(id))).toHaveLength(4)
  })
})

/** A bus with the streams that it reads, in order. */
function reads() {
  const read: string[] = []
  const store: EventStore = {
    ...node.store,
    readStream(stream, range) {
      read.push(stream)
      return node.store.readStream(stream, range)
    },
  }
  return { bus: createCommandBus(store, limits), read }
}

describe('a stream that this process does not know', () => {
  it('is read once for its current state, and once for a command that is refused or changes nothing', async () => {
    const id = await opened()
    const known = await here.current(room, id)
    const asked = reads()
    expect(await asked.bus.current(room, id)).toStrictEqual(known)
    expect(asked.read).toStrictEqual([roomStream(id)])
    const refused = reads()
    expect(await codeOf(send(refused.bus, id, open))).toBe('room_known')
    expect(refused.read).toStrictEqual([roomStream(id)])
    const [tenantId, unchanged] = [randomUUID(), reads()]
    await onBoard(here, tenantId, 'pin', 'note')
    expect(await onBoard(unchanged.bus, tenantId, 'pin', 'note')).toMatchObject({ events: [], replayed: false })
    expect(unchanged.read).toStrictEqual([boardStream(tenantId)])
  })
})

describe('a stream that is thought to be new', () => {
  it('is appended to without being read', async () => {
    const { bus, read } = reads()
    const id = randomUUID()
    await send(bus, id, open, { startsStream: true })
    expect(read).toStrictEqual([])
    expect(await bus.load(room, id)).toStrictEqual(fold(room, await recordedIn(roomStream(id))))
  })

  it('is read where it is there, and a repeat gets its recorded answer', async () => {
    const [id, commandId] = [randomUUID(), randomUUID()]
    const first = await send(here, id, open, { commandId })
    const again = await send(reads().bus, id, open, { commandId, startsStream: true })
    expect(again).toStrictEqual({ ...first, replayed: true })
    expect(await codeOf(send(reads().bus, id, open, { startsStream: true }))).toBe(await codeOf(send(here, id, open)))
    expect(await recordedIn(roomStream(id))).toHaveLength(2)
  })
})

describe('when the event store falters', () => {
  it('an append whose answer got lost is found again by the retry', async () => {
    const id = await opened()
    let lost = false
    const lossy: EventStore = {
      ...node.store,
      async append(...batch) {
        const appended = await node.store.append(...batch)
        if (lost) return appended
        lost = true
        throw new StoreUnavailable('the answer got lost')
      },
    }
    const bus = createCommandBus(lossy, limits)
    const commandId = randomUUID()
    await expect(send(bus, id, visit, { commandId })).rejects.toThrow(StoreUnavailable)
    const again = await send(bus, id, visit, { commandId })
    expect(again).toMatchObject({ replayed: true, events: [{ data: { commandId, sequence: 2 } }] })
    expect(await recordedIn(roomStream(id))).toHaveLength(3)
  })

  it('an answer replayed after a read that broke off is whole', async () => {
    const id = await opened()
    let breaking = false
    const brittle: EventStore = {
      ...node.store,
      async *readStream(...of: Parameters<EventStore['readStream']>) {
        const events = []
        for await (const event of node.store.readStream(...of)) events.push(event)
        for (const event of events) {
          yield event as never
          if (breaking) throw new StoreUnavailable('the connection broke')
        }
      },
    }
    const bus = createCommandBus(brittle, limits)
    await bus.load(room, id)
    const commandId = randomUUID()
    const shut: Make = (c) => change('shut', c)
    const first = await send(here, id, shut, { commandId })
    breaking = true
    await expect(send(bus, id, open)).rejects.toThrow(StoreUnavailable)
    breaking = false
    const again = await send(bus, id, shut, { commandId })
    expect(again).toStrictEqual({ ...first, replayed: true })
  })

  it('a state kept in memory is only a matter of speed', async () => {
    const forgetful = createCommandBus(node.store, { ...limits, cachedAggregatesMax: 1 })
    const ids = [await opened(), await opened(), await opened()]
    for (let round = 0; round < 3; round++) for (const id of ids) await send(forgetful, id, visit)
    for (const id of ids) expect(await forgetful.load(room, id)).toMatchObject({ visits: 4 })
  })

  it('and is kept while all of them take few bytes together', async () => {
    let reads = 0
    const counting: EventStore = {
      ...node.store,
      readStream(...of: Parameters<EventStore['readStream']>) {
        reads += 1
        return node.store.readStream(...of) as never
      },
    }
    const ids = [await opened(), await opened(), await opened()]
    const readsWithin = async (statesMaxBytes: number) => {
      const bus = createCommandBus(counting, { ...limits, statesMaxBytes })
      reads = 0
      for (let round = 0; round < 3; round++) for (const id of ids) await bus.load(room, id)
      return reads
    }
    const [few, none] = [await readsWithin(1_000_000), await readsWithin(100)]
    expect([few, none]).toStrictEqual([3, 9])
  })

  it('and what it knows of commands may be too much to keep, or another stream’s', async () => {
    const forgetful = createCommandBus(node.store, { ...limits, seenCommandsMax: 3 })
    const ids = [await opened(), await opened()]
    const commandIds = ids.map(() => randomUUID())
    for (const id of ids) for (const commandId of commandIds) await send(forgetful, id, visit, { commandId })
    for (const id of ids) {
      for (const commandId of commandIds) {
        expect(await send(forgetful, id, visit, { commandId })).toMatchObject({ replayed: true })
      }
      expect(await forgetful.load(room, id)).toMatchObject({ visits: 3 })
    }
  })

  it('a command that looks like one that the stream has seen is executed all the same', async () => {
    const id = await opened()
    const twins = ['c0ffee00-0000-4000-8000-000000000001', 'c0ffee00-0000-4000-8000-000000000002']
    const sent = []
    for (const commandId of [...twins, ...twins]) sent.push(await send(here, id, visit, { commandId }))
    expect(sent.map(({ replayed }) => replayed)).toStrictEqual([false, false, true, true])
    expect(sent[3]).toStrictEqual({ ...sent[1], replayed: true })
  })

  it('is the state of the aggregate that asks, where two fold one stream', async () => {
    const id = await opened()
    const counter = { ...room, initialState: 0, evolve: (count: number) => count + 1, decide: () => [] }
    expect(await here.load(room, id)).toMatchObject({ status: 'open' })
    expect(await here.load(counter, id)).toBe(2)
    expect(await here.load(room, id)).toMatchObject({ status: 'open' })
  })

  it('is the present one for `current`, though another process wrote last', async () => {
    const id = await opened()
    await here.load(room, id)
    await send(there, id, (c) => change('shut', c))
    expect(await here.current(room, id)).toMatchObject({ status: 'shut' })
    expect(await here.load(room, id)).toMatchObject({ status: 'shut' })
  })

  it('can be read while a command holds the stream, and while others move it', async () => {
    const id = await opened()
    const seen: unknown[] = []
    const sent = Array.from({ length: 10 }, (_, n) =>
      here.handle(room, id, visit(`00000000-0000-4000-8000-00000000000${n}`), context(), async () => {
        seen.push(await here.current(room, id), await there.current(room, id))
      }),
    )
    const asked = Array.from({ length: 10 }, () => here.current(room, id))
    await Promise.all([...sent, ...asked])
    expect(seen).toHaveLength(20)
    expect(await here.current(room, id)).toMatchObject({ visits: 11 })
  })

  it('of a stream that is not there is the initial one', async () => {
    expect(await here.current(room, randomUUID())).toStrictEqual(room.initialState)
  })
})

describe('the chain of hashes', () => {
  it('closes over the stored bytes, whichever process wrote them', async () => {
    const id = await opened()
    for (let round = 0; round < 5; round++) {
      await send(here, id, (c) => change('shut', c))
      await send(there, id, (c) => change('open', c))
    }
    const client = EventStoreDBClient.connectionString(node.url)
    try {
      let previous = ''
      let links = 0
      for await (const { event } of client.readStream(roomStream(id))) {
        if (!event) throw new Error('a link where an event was expected')
        const { hash, ...unsealed } = event.metadata as Record<string, unknown>
        expect(unsealed.prevHash).toBe(previous)
        expect(hash).toBe(chainHash(previous, event.type, JSON.stringify(event.data), JSON.stringify(unsealed)))
        previous = String(hash)
        links += 1
      }
      expect(links).toBe(22)
    } finally {
      await client.dispose()
    }
  })
})
