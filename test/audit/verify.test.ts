import { generateKeyPairSync, randomInt } from 'node:crypto'
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMerkleTree, leafOf } from '../../src/audit/merkle.ts'
import { openRawLog, type RawEvent } from '../../src/audit/raw-log.ts'
import { createSealChecker, isSealed, makeSeal } from '../../src/audit/seal.ts'
import { createVerifier, type Finding } from '../../src/audit/verifier.ts'
import { chained } from '../../src/events/chain.ts'
import type { AnyEvent } from '../../src/events/event.ts'
import { createEventStore } from '../../src/events/store.ts'
import { sampleRules as auditRules, sampleRegistry as registry } from '../sample/context.ts'
import { feeTaken, roomOpened as opened, roomChanged, roomStream } from '../sample/room.ts'
import { startEventStoreNode } from '../support/event-store-node.ts'
import { uuidOf } from '../support/examples.ts'
import { memoryKeys } from '../support/person-keys.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/services.ts'
import { tamper } from '../support/tampering.ts'

const personKeys = memoryKeys()
let directory: TemporaryDirectory
let node: Awaited<ReturnType<typeof startEventStoreNode>>
beforeEach(async () => {
  directory = temporaryDirectory()
  node = await startEventStoreNode({ directory: directory.path })
})
afterEach(async () => {
  await node.close()
  directory.remove()
})

const causeOf = (commandId: string) => ({
  $correlationId: commandId,
  $causationId: commandId,
  // The examples occurred long ago: of a request's decision that would be found.
  actor: { kind: 'system' as const, id: 'test' },
  commandId,
})

/** Appends as opslog does, chained. */
async function write(stream: string, ...events: AnyEvent[]): Promise<void> {
  const store = createEventStore({ registry, url: node.url, deadlineMs: 5_000, appendAttemptsMax: 3, personKeys })
  const last = await store.readLast(stream)
  const batch = events.map((event, index) => {
    const name = `${stream} ${last?.revision ?? -1n} ${index}`
    return { id: uuidOf(name), event, cause: causeOf(uuidOf(`command ${name}`)) }
  })
  await store.append(stream, last?.revision, last?.metadata.hash ?? '', batch)
  await store.close()
}

/** Appends with a chain that holds, whatever the events say: what an attacker with the code could do. */
async function forge(
  stream: string,
  revision: bigint | undefined,
  events: { event: AnyEvent; id: string; cause: ReturnType<typeof causeOf> & { fingerprint?: string } }[],
) {
  const client = EventStoreDBClient.connectionString(node.url)
  let hash = ''
  const first = (revision ?? -1n) + 1n
  const batch = events.map(({ event, id, cause }, index) => {
    const link = chained(hash, event, cause, { id, stream, revision: first + BigInt(index) })
    hash = link.hash
    return jsonEvent({ id, type: event.type, data: event.data, metadata: new TextEncoder().encode(link.metadata) })
  })
  await client.appendToStream(stream, batch, { expectedRevision: revision ?? NO_STREAM })
  await client.dispose()
}

async function verified(streamsMax?: number): Promise<Finding[]> {
  const log = openRawLog(node.url, registry)
  const findings: Finding[] = []
  const verifier = createVerifier({
    registry,
    rules: auditRules,
    onFinding: (finding) => findings.push(finding),
    readStream: (stream) => log.readStream(stream),
    ...(streamsMax === undefined ? {} : { streamsMax }),
  })
  for await (const event of log.readAll()) await verifier.check(event)
  await log.close()
  return findings
}

async function rawEvents(): Promise<RawEvent[]> {
  const log = openRawLog(node.url, registry)
  const events = await Array.fromAsync(log.readAll())
  await log.close()
  return events
}

async function restartAfter(change: Parameters<typeof tamper>[1]): Promise<void> {
  await node.close()
  tamper(directory.path, change)
  node = await startEventStoreNode({ directory: directory.path })
}

const streamNamed = (name: string) => roomStream(uuidOf(name))
const changed: (from: string, to: string) => AnyEvent = roomChanged
const places = (findings: readonly Finding[]) =>
  findings.map(({ kind, stream, revision }) => ({ kind, stream, revision }))

describe('the verification', () => {
  test('finds nothing in a log that nobody has touched', async () => {
    await write(streamNamed('a'), opened(), changed('open', 'shut'), changed('shut', 'open'))
    await write(streamNamed('b'), opened())
    expect(await verified()).toEqual([])
  })

  test('finds nothing where it has to read forgotten streams again', async () => {
    const streams = ['a', 'b', 'c', 'd'].map(streamNamed)
    for (const stream of streams) await write(stream, opened())
    for (const stream of streams) await write(stream, changed('open', 'shut'))
    expect(await verified(1)).toEqual([])
  })

  // Seen to fail (row 40) with hashes that only have to be of the same length.
  test('finds any one byte that was changed in data, metadata or type of any event', async () => {
    const streams = Array.from({ length: 40 }, (_, index) => streamNamed(`stream ${index}`))
    for (const stream of streams) await write(stream, opened(), changed('open', 'shut'))
    const untouched = await rawEvents()
    let index = 0
    const touched: { stream: string; revision: bigint }[] = []
    await restartAfter((record) => {
      const event = untouched[index]!
      const parts = [Buffer.from(event.data), Buffer.from(event.metadata), Buffer.from(event.type)]
      const part = parts[index % 3]!
      const at = record.find(part.toString()) + randomInt(part.length)
      record.bytes[at] = record.bytes[at]! ^ (1 << randomInt(7))
      touched.push({ stream: event.stream, revision: event.revision })
      index += 1
    })
    expect(touched).toHaveLength(80)
    const found = new Set((await verified()).map(({ stream, revision }) => `${stream} ${revision}`))
    expect(touched.filter(({ stream, revision }) => !found.has(`${stream} ${revision}`))).toEqual([])
  })

  test('tells of one changed event once, not of all that follow it', async () => {
    const stream = streamNamed('a')
    await write(stream, opened(), changed('open', 'shut'), changed('shut', 'open'))
    await restartAfter((record) => {
      const at = record.bytes.indexOf('"to":"shut"')
      if (at > 0) record.bytes.write('"to":"shuu"', at)
    })
    const findings = await verified()
    expect(places(findings).filter(({ kind }) => kind === 'chain')).toEqual([{ kind: 'chain', stream, revision: 1n }])
  })

  test('names an event without a chain, and one that stands in the wrong place', async () => {
    const stream = streamNamed('a')
    await write(stream, opened())
    await forge(stream, 0n, [{ event: changed('open', 'shut'), id: uuidOf('x'), cause: causeOf(uuidOf('c')) }])
    const client = EventStoreDBClient.connectionString(node.url)
    const { type, data } = changed('shut', 'open')
    await client.appendToStream(stream, jsonEvent({ type, data, metadata: { by: 'nobody' } }), { expectedRevision: 1n })
    await client.dispose()
    const findings = await verified()
    expect(places(findings)).toEqual([
      { kind: 'chain', stream, revision: 1n },
      { kind: 'chain', stream, revision: 2n },
    ])
    expect(findings.map(({ detail }) => detail)).toEqual([
      'it does not follow the event before it',
      'the metadata does not end in a hash',
    ])
  })

  test('names what does not decode, a command that was executed twice, and transitions that cannot be', async () => {
    const stream = streamNamed('a')
    const once = { ...causeOf(uuidOf('command')), fingerprint: 'ab'.repeat(32) }
    await forge(stream, undefined, [
      { event: opened(), id: uuidOf('1'), cause: once },
      { event: changed('lent', 'shut'), id: uuidOf('2'), cause: causeOf(uuidOf('d')) },
      { event: changed('shut', 'open'), id: uuidOf('3'), cause: once },
      { event: opened(), id: uuidOf('4'), cause: causeOf(uuidOf('e')) },
      {
        event: { type: 'sample.RoomStatusChanged.v1', data: { to: 'nowhere' } },
        id: uuidOf('5'),
        cause: causeOf(uuidOf('f')),
      },
    ])
    expect(places(await verified())).toEqual([
      { kind: 'transition', stream, revision: 1n },
      { kind: 'duplicate', stream, revision: 2n },
      { kind: 'transition', stream, revision: 3n },
      { kind: 'decoding', stream, revision: 4n },
    ])
  })

  test('names a sum that its changes do not make, and a gap in numbers that are counted', async () => {
    const stream = streamNamed('a')
    await write(stream, opened(), feeTaken(1, 10, 10), feeTaken(2, 5, 16), feeTaken(4, 1, 17))
    expect(places(await verified())).toEqual([
      { kind: 'balance', stream, revision: 2n },
      { kind: 'transition', stream, revision: 3n },
    ])
  })
})

describe('a seal', () => {
  const key = () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const sealOf = (events: readonly RawEvent[], privateKey: string) => {
    const tree = createMerkleTree()
    for (const event of events.filter(isSealed)) tree.add(leafOf(event))
    const facts = { position: events.at(-1)!.position, events: tree.count(), root: tree.root() }
    return makeSeal(facts, privateKey, '2026-03-02T09:00:00.000Z')
  }
  const faultOf = (seal: ReturnType<typeof sealOf>, events: readonly RawEvent[], trusted?: string) => {
    const checker = createSealChecker([seal], [trusted ?? seal.publicKey])
    for (const event of events) checker.add(event)
    return checker.finish()[0]!.fault
  }

  test('holds for the log that it was made of, and for that log grown on', async () => {
    await write(streamNamed('a'), opened(), changed('open', 'shut'))
    const before = await rawEvents()
    const seal = sealOf(before, key())
    expect(faultOf(seal, before)).toBeUndefined()
    await write(streamNamed('b'), opened())
    expect(faultOf(seal, await rawEvents())).toBeUndefined()
  })

  test('does not hold where any field of any event was changed, one is missing, or two have changed places', async () => {
    for (const name of ['a', 'b', 'c']) await write(streamNamed(name), opened())
    const events = await rawEvents()
    const seal = sealOf(events, key())
    const changes: ((event: RawEvent) => RawEvent)[] = [
      (event) => ({ ...event, id: uuidOf('other') }),
      (event) => ({ ...event, stream: `${event.stream}x` }),
      (event) => ({ ...event, revision: event.revision + 1n }),
      (event) => ({ ...event, created: `${BigInt(event.created) + 1n}` }),
      (event) => ({ ...event, contentType: 'application/octet-stream' }),
      (event) => ({ ...event, type: 'sample.RoomOpened.v2' }),
      (event) => ({ ...event, data: Buffer.concat([event.data, Buffer.from(' ')]) }),
      (event) => ({ ...event, metadata: Buffer.concat([event.metadata, Buffer.from(' ')]) }),
    ]
    for (const change of changes) {
      expect(
        faultOf(
          seal,
          events.map((event, index) => (index === 1 ? change(event) : event)),
        ),
      ).toBeDefined()
    }
    expect(
      faultOf(
        seal,
        events.filter((_, index) => index !== 1),
      ),
    ).toBeDefined()
    const [first, second, third] = events
    const swapped = [{ ...second!, position: first!.position }, { ...first!, position: second!.position }, third!]
    expect(faultOf(seal, swapped)).toContain('not the ones that were sealed')
  })

  test('notices that the tail was cut off, a forged figure, and another key', async () => {
    await write(streamNamed('a'), opened(), changed('open', 'shut'))
    const events = await rawEvents()
    const [mine, other] = [key(), key()]
    const seal = sealOf(events, mine)
    expect(faultOf(seal, events.slice(0, -1))).toContain('the tail was cut off')
    expect(faultOf({ ...seal, events: '1' }, events)).toBe('its signature does not fit it')
    expect(faultOf({ ...seal, publicKey: 'bm8ga2V5' }, events)).toBe('its signature does not fit it')
    expect(faultOf(sealOf(events, other), events, seal.publicKey)).toBe('it was made with another key')
  })

  test('notices a time of recording that was changed in the store’s files by less than a clock may be off', async () => {
    await write(streamNamed('a'), opened())
    const events = await rawEvents()
    const seal = sealOf(events, key())
    const { created } = events[0]!
    await restartAfter((record) => {
      const at = record.find(created)
      record.bytes.write(created.slice(0, -5) + (created.at(-5) === '0' ? '1' : '0') + created.slice(-4), at)
    })
    expect(await verified()).toEqual([])
    expect(faultOf(seal, await rawEvents())).toContain('not the ones that were sealed')
  })
})
