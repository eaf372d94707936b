/**
 * Personal fields between code and log: what is sealed opens again, in its own place and nowhere else; what is forgotten
 * reads as nothing; and the log itself, on a real node, holds ciphertext whose hash chain goes on to hold.
 *
 * Seen to fail: with the event or the field left out of what is bound, with altered text read as nothing, with missing keys
 * unreported, with plain text of the forgotten kept, with forgettings unnoticed in a batch, and written without keys.
 */
import { randomUUID } from 'node:crypto'
import { EventStoreDBClient } from '@eventstore/db-client'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { linkOf } from '../../src/audit/chain.ts'
import { openRawLog, type RawEvent } from '../../src/audit/raw-log.ts'
import type { AnyEvent } from '../../src/events/event.ts'
import { UndecodableEvent } from '../../src/events/registry.ts'
import {
  isSealed,
  type Opening,
  openData,
  openingOf,
  PersonForgotten,
  PersonKeysUnavailable,
  sealEvents,
} from '../../src/events/sealing.ts'
import { createEventStore, StoreUnavailable } from '../../src/events/store.ts'
import { type Delivered, readHistory, runSubscription } from '../../src/events/subscription.ts'
import { sampleRegistry as registry } from '../sample/context.ts'
import { letterSent, MEMBER, memberForgotten, memberJoined, memberRenamed, memberStream } from '../sample/member.ts'
import { roomChanged, roomStream } from '../sample/room.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { uuidOf } from '../support/examples.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { type MemoryKeys, memoryKeys } from '../support/person-keys.ts'

const joined: (overrides?: object) => AnyEvent = memberJoined
const asNew = (event: AnyEvent, id = randomUUID()) => ({ id, event })

async function sealedData(
  event: AnyEvent,
  id: ReturnType<typeof randomUUID>,
  keys: MemoryKeys,
): Promise<Record<string, unknown>> {
  const [sealed] = await sealEvents([asNew(event, id)], keys, registry)
  return sealed!.event.data
}
const opening = async (events: AnyEvent[], keys: MemoryKeys): Promise<Opening> =>
  (await openingOf(events, keys, registry))!

describe('a sealed field', () => {
  it('opens to the same text, whatever the text', async () => {
    const keys = memoryKeys()
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('sealed:v1:0123456789abcdef:AAAA'))
    await fc.assert(
      fc.asyncProperty(text, fc.option(text), async (email, displayName) => {
        const event = joined({ email, displayName })
        const id = randomUUID()
        const data = await sealedData(event, id, keys)
        expect([isSealed(data.email), isSealed(data.displayName)]).toStrictEqual([true, displayName !== null])
        expect(openData({ id, type: event.type, data }, await opening([event], keys))).toStrictEqual(event.data)
      }),
    )
  })

  it('takes the place of text that was written as JSON before', async () => {
    const event = joined({ email: 'ada@example.com' })
    const [sealed] = await sealEvents([{ ...asNew(event), json: JSON.stringify(event.data) }], memoryKeys(), registry)
    expect(sealed?.json ?? JSON.stringify(sealed?.event.data)).not.toContain('ada@example.com')
  })

  it('does not open after any change of it', async () => {
    const keys = memoryKeys()
    const event = joined({ email: 'ada@example.com' })
    const id = randomUUID()
    const data = await sealedData(event, id, keys)
    const text = String(data.email)
    const opened = await opening([event], keys)
    for (let at = text.lastIndexOf(':') + 1; at < text.length - 1; at++) {
      const other = text[at] === 'A' ? 'B' : 'A'
      const email = text.slice(0, at) + other + text.slice(at + 1)
      expect(() => openData({ id, type: event.type, data: { ...data, email } }, opened)).toThrow(UndecodableEvent)
    }
    for (const email of ['sealed:v1:', `${text}:`, text.slice(0, 40), text.replace('v1:', 'v1:x')]) {
      expect(() => openData({ id, type: event.type, data: { ...data, email } }, opened)).toThrow(UndecodableEvent)
    }
  })

  it('does not open in another field, event, event type or under another person', async () => {
    const keys = memoryKeys()
    const event = joined()
    const { id, type } = { id: randomUUID(), type: event.type }
    const data = await sealedData(event, id, keys)
    const other = { ...event, data: { ...event.data, memberId: uuidOf('another person') } }
    await sealedData(other, randomUUID(), keys)
    const opened = await opening([event, other], keys)
    const moved = [
      { id, type, data: { ...data, displayName: data.email } },
      { id: randomUUID(), type, data },
      { id, type: 'sample.MemberRenamed.v1', data },
    ]
    for (const event of moved) expect(() => openData(event, opened)).toThrow(UndecodableEvent)
    // Under another person its key is not the named one: it counts as missing and is reported.
    const under = openData({ id, type, data: { ...data, memberId: other.data.memberId } }, opened)
    expect(under).toMatchObject({ email: null, displayName: null })
    expect(keys.missing).toStrictEqual(new Set([other.data.memberId]))
  })

  it('reads null once the person is forgotten, or says so where it cannot be null; others are as they were', async () => {
    const keys = memoryKeys()
    const letter: AnyEvent = letterSent()
    const other = joined({ memberId: uuidOf('another person') })
    const events = [asNew(joined()), asNew(letter), asNew(other)]
    const sealed = (await sealEvents(events, keys, registry)).map(({ id, event }) => ({ id, ...event }))
    keys.destroy(MEMBER)
    const opened = await opening(sealed, keys)
    expect(openData(sealed[0]!, opened)).toStrictEqual({ ...joined().data, email: null, displayName: null })
    expect(openData(sealed[1]!, opened)).toStrictEqual({ ...letter.data, text: '[forgotten]' })
    expect(openData(sealed[2]!, opened)).toStrictEqual(other.data)
    expect(keys.missing.size).toBe(0)
    await expect(sealEvents([asNew(joined())], keys, registry)).rejects.toThrow(PersonForgotten)
  })

  it('reads as nothing where its key is missing, which is reported', async () => {
    const keys = memoryKeys()
    const event = { id: randomUUID(), type: joined().type }
    const data = await sealedData(joined(), event.id, keys)
    keys.lose(MEMBER)
    expect(openData({ ...event, data }, await opening([joined()], keys))).toMatchObject({ email: null })
    expect(keys.missing).toStrictEqual(new Set([MEMBER]))
    keys.missing.clear()
    await keys.ensure([MEMBER])
    expect(openData({ ...event, data }, await opening([joined()], keys))).toMatchObject({ email: null })
    expect(keys.missing).toStrictEqual(new Set([MEMBER]))
  })

  it('may be plain text where it was recorded before there were keys, until the person is forgotten', async () => {
    const keys = memoryKeys()
    const event = { id: randomUUID(), ...joined() }
    expect(openData(event, await opening([event], keys))).toStrictEqual(event.data)
    keys.destroy(MEMBER)
    expect(openData(event, await opening([event], keys))).toMatchObject({ email: null, displayName: null })
    expect(keys.missing.size).toBe(0)
  })
})

describe('the log', () => {
  let node: TestStore
  beforeAll(async () => {
    node = await startTestStore(registry)
  })
  afterAll(() => node.close())

  const cause = () => {
    const id = randomUUID()
    const actor = { kind: 'operator', id: 'acme' } as const
    return { $correlationId: id, $causationId: id, actor, commandId: id }
  }
  const newUser = (email: string) => {
    const memberId = randomUUID()
    const event = joined({ memberId, email, displayName: 'Ada Lovelace' })
    return { memberId, stream: memberStream(memberId), event }
  }
  async function append(stream: string, revision: bigint | undefined, lastHash: string, event: AnyEvent) {
    return node.store.append(stream, revision, lastHash, [{ id: randomUUID(), event, cause: cause() }])
  }
  async function rawOf(stream: string): Promise<RawEvent[]> {
    const log = openRawLog(node.url, registry)
    const events = await Array.fromAsync(log.readStream(stream))
    await log.close()
    return events
  }

  it('holds no personal text, and a hash chain over what it holds', async () => {
    const { stream, event } = newUser('raw-bytes@example.com')
    const first = await append(stream, undefined, '', event)
    await append(stream, 0n, first.lastHash, memberRenamed({ memberId: event.data.memberId }))
    const raw = await rawOf(stream)
    const text = raw.map(({ data, metadata }) => Buffer.concat([data, metadata]).toString()).join()
    expect(text).toContain('sealed:v1:')
    expect(text).not.toMatch(/raw-bytes|Lovelace|ada@/)
    expect(linkOf(raw[0]!)).toMatchObject({ prevHash: '', hash: first.lastHash })
    expect(linkOf(raw[1]!)).toMatchObject({ prevHash: first.lastHash })
  })

  it('is read as text, one by one, the last one, as history and as it comes', async () => {
    const { stream, event } = newUser('reading@example.com')
    const before = await node.store.head()
    await append(stream, undefined, '', event)
    const [read] = await Array.fromAsync(node.store.readStream(stream))
    expect([read?.data, (await node.store.readLast(stream))?.data]).toStrictEqual([event.data, event.data])
    const personKeys = node.keys
    const history: Delivered[] = []
    for await (const batch of readHistory(
      { registry, url: node.url, batchMax: 10, readTimeoutMs: 5_000, personKeys },
      undefined,
    ))
      history.push(...batch)
    expect(history.find((one) => one.stream === stream)?.data).toStrictEqual(event.data)
    const found = Promise.withResolvers<Delivered>()
    const ending = new AbortController()
    const running = runSubscription({
      registry,
      ...{ url: node.url, name: 'test', personKeys, batchMax: 10, readTimeoutMs: 60_000 },
      ...{ backoffMinMs: 10, backoffMaxMs: 100, signal: ending.signal, onError: found.reject },
      types: ['sample.Member'],
      from: async () => before?.position,
      onBatch: async (events) => events.filter((one) => one.stream === stream).forEach(found.resolve),
    })
    expect((await found.promise).data).toStrictEqual(event.data)
    ending.abort()
    await running
  })

  it('asks for the keys of a batch once, and for none where nothing is personal', async () => {
    const asked: string[][] = []
    const counting: MemoryKeys = {
      ...node.keys,
      find: (persons) => {
        asked.push([...persons])
        return node.keys.find(persons)
      },
      ensure: (persons) => {
        asked.push([...persons])
        return node.keys.ensure(persons)
      },
    }
    const users = await Promise.all(
      [1, 2, 3].map(async (number) => {
        const user = newUser(`batch-${number}@example.com`)
        await append(user.stream, undefined, '', user.event)
        return user
      }),
    )
    const store = createEventStore({
      registry,
      url: node.url,
      deadlineMs: 5_000,
      appendAttemptsMax: 3,
      personKeys: counting,
    })
    const quiet = roomChanged('open', 'shut') as AnyEvent
    const unnamed = joined({ memberId: randomUUID(), email: null, displayName: null })
    for (const [event, stream] of [
      [quiet, roomStream(randomUUID())],
      [unnamed, memberStream(randomUUID())],
    ] as const) {
      await store.append(stream, undefined, '', [{ id: randomUUID(), event, cause: cause() }])
      await Array.fromAsync(store.readStream(stream))
    }
    expect(asked).toStrictEqual([])
    const read: Delivered[] = []
    for await (const batch of readHistory(
      { url: node.url, registry, batchMax: 1_000, readTimeoutMs: 5_000, personKeys: counting },
      undefined,
    )) {
      read.push(...batch)
    }
    const batches = asked.filter((persons) => persons.includes(users[0]!.memberId))
    expect(batches).toHaveLength(1)
    expect(batches[0]).toStrictEqual(expect.arrayContaining(users.map(({ memberId }) => memberId)))
    expect(read.length).toBeGreaterThan(5)
    await store.close()
  })

  it('gets the same bytes again when the answer to an append was lost', async () => {
    const proxy = await startFaultProxy(node.url, 2113)
    const store = createEventStore({
      registry,
      url: proxy.url,
      deadlineMs: 700,
      appendAttemptsMax: 5,
      personKeys: node.keys,
    })
    await store.ping()
    const { stream, event } = newUser('lost-answer@example.com')
    const lost = proxy.loseAnswerTo(stream).then(() => setTimeout(() => proxy.mend(), 100))
    const { lastHash } = await store.append(stream, undefined, '', [{ id: randomUUID(), event, cause: cause() }])
    await lost
    const raw = await rawOf(stream)
    expect(raw.map((each) => (linkOf(each) as { hash: string }).hash)).toStrictEqual([lastHash])
    expect((await Array.fromAsync(node.store.readStream(stream)))[0]?.data).toStrictEqual(event.data)
    await store.close()
    await proxy.close()
  })

  it('is not written to where the keys cannot be had', async () => {
    const { stream, event } = newUser('down@example.com')
    const down = () => Promise.reject(new PersonKeysUnavailable('the vault is down'))
    const personKeys = { ...node.keys, find: down, ensure: down }
    for (const keys of [personKeys, undefined]) {
      const store = createEventStore({
        registry,
        url: node.url,
        deadlineMs: 5_000,
        appendAttemptsMax: 3,
        personKeys: keys,
      })
      const sent = store.append(stream, undefined, '', [{ id: randomUUID(), event, cause: cause() }])
      await expect(sent).rejects.toThrow(PersonKeysUnavailable)
      expect(await Array.fromAsync(store.readStream(stream))).toStrictEqual([])
      await store.close()
    }
    await append(stream, undefined, '', event)
    const store = createEventStore({ registry, url: node.url, deadlineMs: 5_000, appendAttemptsMax: 3, personKeys })
    const reading = Array.fromAsync(store.readStream(stream))
    await expect(reading).rejects.toThrow(PersonKeysUnavailable)
    await expect(reading).rejects.not.toThrow(StoreUnavailable)
    await store.close()
  })

  it('redacts what follows a forgetting in the same batch, whatever is still in memory', async () => {
    const { stream, event, memberId } = newUser('before@example.com')
    const before = await node.store.head()
    const first = await append(stream, undefined, '', event)
    const second = await append(stream, 0n, first.lastHash, memberForgotten({ memberId }))
    // As by a process that has not heard of it yet.
    await append(stream, 1n, second.lastHash, memberRenamed({ memberId, email: 'after@example.com' }))
    const remembering = { ...node.keys, forget: (person: string) => node.keys.destroy(person) }
    const delivered: Delivered[] = []
    const options = { url: node.url, registry, batchMax: 1_000, readTimeoutMs: 5_000, personKeys: remembering }
    for await (const batch of readHistory(options, before?.position)) delivered.push(...batch)
    const emails = delivered.filter((one) => one.stream === stream).map(({ data }) => data?.email)
    expect(emails).toStrictEqual([null, undefined, null])
  })

  it('has a text that was moved to another event delivered as poison, never as nothing', async () => {
    const one = newUser('victim@example.com')
    await append(one.stream, undefined, '', one.event)
    const [raw] = await rawOf(one.stream)
    const data = JSON.parse(Buffer.from(raw!.data).toString())
    const client = EventStoreDBClient.connectionString(node.url)
    const metadata = JSON.parse(Buffer.from(raw!.metadata).toString())
    const stream = memberStream(randomUUID())
    const moved = { contentType: 'application/json', id: randomUUID(), type: raw!.type, data, metadata } as const
    await client.appendToStream(stream, moved)
    await client.dispose()
    await expect(Array.fromAsync(node.store.readStream(stream))).rejects.toThrow(/email was altered/)
    const options = { url: node.url, registry, batchMax: 1_000, readTimeoutMs: 5_000, personKeys: node.keys }
    for await (const batch of readHistory(options, raw!.position)) {
      expect(batch.find((each) => each.stream === stream)).toMatchObject({ data: undefined, fault: /altered/ })
    }
  })
})
