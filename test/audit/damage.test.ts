/** A byte of the log's file, changed by somebody who knows nothing of checksums: the event is named, and the rest is verified. */
import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRawLog, type RawEvent } from '../../src/audit/raw-log.ts'
import { unlimited } from '../../src/audit/scan.ts'
import { everything, type Scope } from '../../src/audit/scope.ts'
import { readVerification, type VerificationQuestion } from '../../src/audit/verification.ts'
import type { AnyEvent } from '../../src/events/event.ts'
import { createEventStore } from '../../src/events/store.ts'
import { sampleRegistry as registry, sampleRules as rules } from '../sample/context.ts'
import { roomChanged, roomOpened, roomStream } from '../sample/room.ts'
import { startEventStoreNode } from '../support/event-store-node.ts'
import { uuidOf } from '../support/examples.ts'
import { memoryKeys } from '../support/person-keys.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/services.ts'

const [first, second, third, lonely] = ['first', 'second', 'third', 'lonely'].map((name) => roomStream(uuidOf(name)))
const all = { findingsMax: 100, keepsOn: true }
const fromStart = { after: undefined, revision: 0n, until: 2n ** 63n - 1n, tree: undefined }

let directory: TemporaryDirectory
let node: Awaited<ReturnType<typeof startEventStoreNode>>
let events: RawEvent[]

async function write(stream: string, told: readonly AnyEvent[]): Promise<void> {
  const keys = memoryKeys()
  const store = createEventStore({ registry, url: node.url, deadlineMs: 5_000, appendAttemptsMax: 3, personKeys: keys })
  const batch = told.map((event, index) => {
    const commandId = uuidOf(`command ${stream} ${index}`)
    const actor = { kind: 'system' as const, id: 'test' }
    const cause = { $correlationId: commandId, $causationId: commandId, actor, commandId }
    return { id: uuidOf(`${stream} ${index}`), event, cause }
  })
  await store.append(stream, undefined, '', batch)
  await store.close()
}

async function verify(question: VerificationQuestion, scope: Scope = everything) {
  const log = openRawLog(node.url, registry)
  try {
    return await readVerification({ log, scope, budget: unlimited(), rules }, question, fromStart)
  } finally {
    await log.close()
  }
}

const positionOf = (stream: string | undefined, revision: bigint) =>
  events.find((event) => event.stream === stream && event.revision === revision)!.position

/** Changes a byte in the midst of an event's record. */
function flipByteOf(stream: string | undefined, revision: bigint): void {
  const name = readdirSync(directory.path).find((each) => each.endsWith('.seg'))!
  const file = openSync(join(directory.path, name), 'r+')
  const byte = Buffer.alloc(1)
  const at = Number(positionOf(stream, revision)) + 150
  readSync(file, byte, 0, 1, at)
  byte[0] = byte[0]! ^ 1
  writeSync(file, byte, 0, 1, at)
  closeSync(file)
}

const damage = (stream: string | undefined, revision: bigint) => ({
  ...{ kind: 'damage', stream, revision, position: positionOf(stream, revision) },
  ...{ type: '', detail: expect.stringContaining('the checksum does not hold') },
})

beforeAll(async () => {
  directory = temporaryDirectory()
  node = await startEventStoreNode({ directory: directory.path })
  const rooms = [roomOpened(), roomChanged('open', 'shut'), roomChanged('shut', 'open')]
  for (const stream of [first!, second!, third!]) await write(stream, rooms)
  await write(lonely!, [roomOpened()])
  // A node does not start on a log whose last event is damaged: it cannot know that nothing stood behind it.
  await write(roomStream(uuidOf('last')), [roomOpened()])
  const log = openRawLog(node.url, registry)
  events = await Array.fromAsync(log.readAll())
  await log.close()
  await node.close()
  flipByteOf(first, 0n)
  flipByteOf(second, 1n)
  flipByteOf(third, 2n)
  flipByteOf(lonely, 0n)
  node = await startEventStoreNode({ directory: directory.path })
}, 60_000)
afterAll(async () => {
  await node.close()
  directory.remove()
})

describe('an event whose bytes were changed on the disk', () => {
  it('is named with its stream and revision, and what is behind it is verified', async () => {
    const { findings, events: verified, next } = await verify(all)
    expect(findings.filter(({ kind }) => kind === 'damage')).toStrictEqual([
      damage(first, 0n),
      damage(second, 1n),
      damage(third, 2n),
      damage(lonely, 0n),
    ])
    expect([verified, next]).toStrictEqual([events.length - 4, undefined])
    // The streams that go on behind it show the gap, and no others are complained of.
    const others = findings.filter(({ kind }) => kind !== 'damage')
    expect(others.map(({ kind }) => kind)).toContain('gap')
    expect(new Set(others.map(({ stream }) => stream))).toStrictEqual(new Set([first, second]))
  })

  it('is named where its stream alone is verified', async () => {
    const { findings, events: verified } = await verify({ ...all, stream: second })
    expect(findings).toContainEqual(damage(second, 1n))
    expect(verified).toBe(2)
    expect((await verify({ ...all, stream: lonely })).findings).toStrictEqual([damage(lonely, 0n)])
  })

  it('is told to nobody who may not read its stream', async () => {
    const ofSecond: Scope = {
      admit: async (seen) => seen.filter(({ stream }) => stream === second),
      mayRead: async (stream) => stream === second,
    }
    const { findings } = await verify(all, ofSecond)
    expect(findings.filter(({ kind }) => kind === 'damage')).toStrictEqual([damage(second, 1n)])
  })

  it('is none of other categories', async () => {
    expect((await verify({ ...all, category: 'sample.hall' })).findings).toStrictEqual([])
  })
})
