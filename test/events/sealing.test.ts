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
  KEY_BYTES,
  keyIdOf,
  type Opening,
  openData,
  openingOf,
  PersonForgotten,
  PersonKeysUnavailable,
  sealEvents,
} from '../../src/events/sealing.ts'
import { createEventStore, StoreUnavailable } from '../../src/events/store.ts'
import { type Delivered, readHistory, runSubscription } from '../../src/events/subscription.ts'
import { contexts, registry } from '../support/contexts.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { example, ids, uuidOf } from '../support/examples.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { type MemoryKeys, memoryKeys } from '../support/person-keys.ts'

const provisioned = (overrides: object = {}): AnyEvent => example('noctant.UserProvisioned.v1', overrides) as AnyEvent
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

describe('the schemas', () => {
  it('mark these fields as personal, and no others', () => {
    const marked = Object.keys(registry.schemas).flatMap((type) =>
      (registry.personalFieldsOf(type) ?? []).map(({ name }) => `${type} ${name}`),
    )
    expect(marked.sort()).toStrictEqual([
      'firsthand.UploadStored.v1 filename',
      'firsthand.WorkerRegistered.v1 email',
      'firsthand.WorkerRegistered.v1 name',
      'killatamata.AccountOpened.v1 email',
      'killatamata.CodeRequested.v1 email',
      'killatamata.MailRequested.v1 code',
      'killatamata.MailRequested.v1 html',
      'killatamata.MailRequested.v1 subject',
      'killatamata.MailRequested.v1 text',
      'killatamata.MailRequested.v1 to',
      'killatamata.MailRequested.v1 token',
      'noctant.AccountOpened.v1 accountName',
      'noctant.KycReportOvertaken.v1 providerReference',
      'noctant.KycReportOvertaken.v1 rejectionReason',
      'noctant.KycStatusReported.v1 providerReference',
      'noctant.KycStatusReported.v1 rejectionReason',
      'noctant.LaunchSessionCreated.v1 returnUrl',
      'noctant.UserProfileRefreshed.v1 displayName',
      'noctant.UserProfileRefreshed.v1 email',
      'noctant.UserProvisioned.v1 displayName',
      'noctant.UserProvisioned.v1 email',
      'noctant.WebhookAttemptFinished.v1 responseExcerpt',
      'noctant.WebhookDeliveryRequested.v1 body',
      'rungate.AddressBound.v1 displayName',
      'rungate.AddressBound.v1 email',
      'rungate.InvitationCreated.v1 email',
      'rungate.LoginRequested.v1 email',
      'rungate.MailRequested.v1 code',
      'rungate.MailRequested.v1 html',
      'rungate.MailRequested.v1 subject',
      'rungate.MailRequested.v1 text',
      'rungate.MailRequested.v1 to',
      'rungate.MailRequested.v1 token',
      'rungate.MemberJoined.v1 displayName',
      'rungate.MemberJoined.v1 email',
      'rungate.MemberRenamed.v1 displayName',
      'rungate.SessionStarted.v1 ipAddress',
      'rungate.SessionStarted.v1 userAgent',
    ])
  })

  it('say of every event with personal fields whose they are', () => {
    const nameless = contexts.flatMap(({ events: { schemas, person = 'globalUserId' } }) =>
      Object.entries(schemas)
        .filter(([type]) => registry.personalFieldsOf(type))
        .filter(([, schema]) => !(person in (schema as unknown as { shape: object }).shape)),
    )
    expect(nameless.map(([type]) => type)).toStrictEqual([])
  })
})

describe('a sealed field', () => {
  it('opens to the same text, whatever the text', async () => {
    const keys = memoryKeys()
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('sealed:v1:0123456789abcdef:AAAA'))
    await fc.assert(
      fc.asyncProperty(text, fc.option(text), async (email, displayName) => {
        const event = provisioned({ email, displayName })
        const id = randomUUID()
        const data = await sealedData(event, id, keys)
        expect([isSealed(data.email), isSealed(data.displayName)]).toStrictEqual([true, displayName !== null])
        expect(openData({ id, type: event.type, data }, await opening([event], keys))).toStrictEqual(event.data)
      }),
    )
  })

  it('of version 1, as it was first written, opens for ever', () => {
    const bytes = Buffer.alloc(KEY_BYTES, 9)
    const person = 'a345bb17-7cdd-5b33-94c3-aac2ccb71bed'
    const data = {
      globalUserId: person,
      email: 'sealed:v1:c198b4bf9c1dd64f:0lhqtmq-nmL3RMGTOGmkdnvFc46J7evDJj1y36vIGkEJVLsUGFw-AumrfA',
      displayName: 'sealed:v1:c198b4bf9c1dd64f:IdlfzNce_tfEK9YF4mbnylxVTd90FwKpHeZOkWZNhBiMorEpBwB3Fb2rD3tIug',
    }
    const event = { id: '0b0f5c1e-7f0e-5d0c-9d6e-5f6f70736c67', type: 'noctant.UserProfileRefreshed.v1', data }
    const keys = new Map([[person, { id: keyIdOf(bytes), bytes }]])
    const opened = openData(event, { registry, keys, reportMissing: () => expect.unreachable() })
    expect(opened).toStrictEqual({ globalUserId: person, email: 'ada@example.com', displayName: 'Ada Lovelace · Ω' })
  })

  it('does not open after any change of it', async () => {
    const keys = memoryKeys()
    const event = provisioned({ email: 'ada@example.com' })
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
    const event = provisioned()
    const { id, type } = { id: randomUUID(), type: event.type }
    const data = await sealedData(event, id, keys)
    const other = { ...event, data: { ...event.data, globalUserId: uuidOf('another person') } }
    await sealedData(other, randomUUID(), keys)
    const opened = await opening([event, other], keys)
    const moved = [
      { id, type, data: { ...data, displayName: data.email } },
      { id: randomUUID(), type, data },
      { id, type: 'noctant.UserProfileRefreshed.v1', data },
    ]
    for (const event of moved) expect(() => openData(event, opened)).toThrow(UndecodableEvent)
    // Under another person its key is not the named one: it counts as missing and is reported.
    const under = openData({ id, type, data: { ...data, globalUserId: other.data.globalUserId } }, opened)
    expect(under).toMatchObject({ email: null, displayName: null })
    expect(keys.missing).toStrictEqual(new Set([other.data.globalUserId]))
  })

  it('reads null once the person is forgotten, or says so where it cannot be null; others are as they were', async () => {
    const keys = memoryKeys()
    const delivery = example('noctant.WebhookDeliveryRequested.v1', {
      globalUserId: ids.user,
      body: '{"a":1}',
    }) as AnyEvent
    const other = provisioned({ globalUserId: uuidOf('another person') })
    const events = [asNew(provisioned()), asNew(delivery), asNew(other)]
    const sealed = (await sealEvents(events, keys, registry)).map(({ id, event }) => ({ id, ...event }))
    keys.destroy(ids.user)
    const opened = await opening(sealed, keys)
    expect(openData(sealed[0]!, opened)).toStrictEqual({ ...provisioned().data, email: null, displayName: null })
    expect(openData(sealed[1]!, opened)).toStrictEqual({ ...delivery.data, body: '[forgotten]' })
    expect(openData(sealed[2]!, opened)).toStrictEqual(other.data)
    expect(keys.missing.size).toBe(0)
    await expect(sealEvents([asNew(provisioned())], keys, registry)).rejects.toThrow(PersonForgotten)
  })

  it('reads as nothing where its key is missing, which is reported', async () => {
    const keys = memoryKeys()
    const event = { id: randomUUID(), type: provisioned().type }
    const data = await sealedData(provisioned(), event.id, keys)
    keys.lose(ids.user)
    expect(openData({ ...event, data }, await opening([provisioned()], keys))).toMatchObject({ email: null })
    expect(keys.missing).toStrictEqual(new Set([ids.user]))
    keys.missing.clear()
    await keys.ensure([ids.user])
    expect(openData({ ...event, data }, await opening([provisioned()], keys))).toMatchObject({ email: null })
    expect(keys.missing).toStrictEqual(new Set([ids.user]))
  })

  it('may be plain text where it was recorded before there were keys, until the person is forgotten', async () => {
    const keys = memoryKeys()
    const event = { id: randomUUID(), ...provisioned() }
    expect(openData(event, await opening([event], keys))).toStrictEqual(event.data)
    keys.destroy(ids.user)
    expect(openData(event, await opening([event], keys))).toMatchObject({ email: null, displayName: null })
    expect(keys.missing.size).toBe(0)
  })
})

describe('the log', () => {
  let node: TestStore
  beforeAll(async () => {
    node = await startTestStore()
  })
  afterAll(() => node.close())

  const cause = () => {
    const id = randomUUID()
    const actor = { kind: 'operator', id: ids.operator } as const
    return { $correlationId: id, $causationId: id, actor, commandId: id }
  }
  const newUser = (email: string) => {
    const globalUserId = randomUUID()
    const event = provisioned({ globalUserId, email, displayName: 'Ada Lovelace' })
    return { globalUserId, stream: `noctant.user-${globalUserId}`, event }
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
    await append(stream, 0n, first.lastHash, {
      type: 'noctant.UserProfileRefreshed.v1',
      data: { ...example('noctant.UserProfileRefreshed.v1').data, globalUserId: event.data.globalUserId },
    })
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
      types: ['noctant.User'],
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
    const quiet = example('noctant.AccountStatusChanged.v1') as AnyEvent
    const stream = `noctant.account-${randomUUID()}`
    const unnamed = example('noctant.AccountOpened.v1', { accountName: null }) as AnyEvent
    const events = [unnamed, quiet].map((event) => ({ id: randomUUID(), event, cause: cause() }))
    await store.append(stream, undefined, '', events)
    await Array.fromAsync(store.readStream(stream))
    expect(asked).toStrictEqual([])
    const read: Delivered[] = []
    for await (const batch of readHistory(
      { url: node.url, registry, batchMax: 1_000, readTimeoutMs: 5_000, personKeys: counting },
      undefined,
    )) {
      read.push(...batch)
    }
    const batches = asked.filter((persons) => persons.includes(users[0]!.globalUserId))
    expect(batches).toHaveLength(1)
    expect(batches[0]).toStrictEqual(expect.arrayContaining(users.map(({ globalUserId }) => globalUserId)))
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
    const { stream, event, globalUserId } = newUser('before@example.com')
    const before = await node.store.head()
    const first = await append(stream, undefined, '', event)
    const forgotten = { globalUserId, operatorId: ids.operator, reference: null, occurredAt: event.data.occurredAt }
    const second = await append(stream, 0n, first.lastHash, { type: 'noctant.UserForgotten.v1', data: forgotten })
    // As by a process that has not heard of it yet.
    await append(stream, 1n, second.lastHash, {
      type: 'noctant.UserProfileRefreshed.v1',
      data: { ...example('noctant.UserProfileRefreshed.v1').data, globalUserId, email: 'after@example.com' },
    })
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
    const stream = `noctant.user-${randomUUID()}`
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
