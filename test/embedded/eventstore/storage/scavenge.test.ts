/**
 * A scavenge gives the space of hidden events back. Whatever a reader could see it sees afterwards, at the same positions,
 * with the index and without it, and after a copy of the directory from any moment of the scavenge.
 */
import { cpSync, readdirSync, rmSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../../../src/embedded/eventstore/options.ts'
import type { WriteRequest } from '../../../../src/embedded/eventstore/storage/group.ts'
import {
  type RecordView,
  recordData,
  recordNameBytes,
  recordPosition,
  recordRevision,
} from '../../../../src/embedded/eventstore/storage/record.ts'
import { EventStore } from '../../../../src/embedded/eventstore/storage/store.ts'
import { verifyStore } from '../../../../src/embedded/eventstore/verification.ts'
import { temporaryDirectory } from '../support/node.ts'

const MANY = Number.MAX_SAFE_INTEGER

let directory: { path: string; remove: () => void }
let data: string
beforeEach(() => {
  directory = temporaryDirectory(true)
  data = join(directory.path, 'data')
})
afterEach(() => directory.remove())

function open(path = data): EventStore {
  return new EventStore({
    ...{ ...DEFAULT_LIMITS, segmentBytes: 32 * 1024, recentBytes: 4096 },
    ...{ directory: path, onNotice: () => undefined },
  })
}

async function write(store: EventStore, stream: string, operation: WriteRequest['operation'], ...texts: string[]) {
  const events = texts.map((text) => {
    const id = Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex')
    const type = stream.startsWith('$$') ? '$metadata' : 'test.Kept.v1'
    return { id, type, json: true, data: Buffer.from(text), customMetadata: Buffer.alloc(0) }
  })
  const outcome = await store.write({ stream, expected: 'any', operation, events, deadlineMs: undefined })
  expect(outcome.kind).toBe('written')
}

const append = (store: EventStore, stream: string, ...texts: string[]) => write(store, stream, 'append', ...texts)

const STREAMS = ['kept', 'counted', 'truncated', 'deleted', 'tombstoned']

/** Streams of every kind, their events in turn. */
async function fill(store: EventStore, rounds: number): Promise<void> {
  await append(store, '$$counted', '{"$maxCount":3}')
  for (let round = 0; round < rounds; round++) {
    for (const stream of STREAMS) await append(store, stream, `${round}${'x'.repeat(300)}`)
    // One append of several events, of which a part will go.
    await append(store, 'truncated', `${round} first`, `${round} second`)
  }
  await append(store, '$$truncated', `{"$tb":${rounds * 3 - 5}}`)
  await write(store, 'deleted', 'delete')
  await write(store, 'tombstoned', 'tombstone')
}

const described = (record: RecordView) =>
  `${recordPosition(record)} ${recordNameBytes(record)} ${recordRevision(record)} ${recordData(record)}`

function visible(store: EventStore): Record<string, unknown> {
  const streams = [...STREAMS, '$$counted', '$$truncated', '$$deleted']
  return Object.fromEntries(
    streams.map((stream) => [
      stream,
      {
        kind: store.streams.status(stream).kind,
        forwards: [...store.streams.read(stream, 0, MANY, false)].flat().map(described),
        backwards: [...store.streams.read(stream, MANY, MANY, true)].flat().map(described),
      },
    ]),
  )
}

async function forwards(store: EventStore): Promise<string[]> {
  const all: string[] = []
  for (let cursor = 0; ; ) {
    const records = await store.log.readForwards(cursor, 2000)
    if (!records) return all
    all.push(...records.map(described))
    cursor = recordPosition(records.at(-1)!) + records.at(-1)!.length
  }
}

async function backwards(store: EventStore): Promise<string[]> {
  const all: string[] = []
  for (let cursor = store.log.end(); ; ) {
    const records = await store.log.readBackwards(cursor, 2000)
    if (records.length === 0) return all
    all.push(...records.map(described))
    cursor = recordPosition(records.at(-1)!)
  }
}

const bytesOf = (path: string) =>
  readdirSync(path)
    .filter((name) => name.endsWith('.seg'))
    .reduce((total, name) => total + statSync(join(path, name)).size, 0)

const removeIndex = (path: string) => {
  for (const name of readdirSync(path)) if (name.startsWith('index.db')) rmSync(join(path, name))
}

test('hidden events go, visible ones stay where they are, in every way to read, and in an index built anew', async () => {
  const store = open()
  await fill(store, 100)
  const before = visible(store)
  const all = await forwards(store)
  const scavenge = store.care.startScavenge()
  await scavenge.done()
  expect(scavenge.report).toMatchObject({ state: 'done', filesDamaged: 0 })
  expect(scavenge.report.eventsRemoved).toBeGreaterThan(400)
  expect(visible(store)).toEqual(before)
  const left = await forwards(store)
  expect(await backwards(store)).toEqual(left.toReversed())
  expect(all).toEqual(expect.arrayContaining(left))
  expect(left.length).toBe(all.length - scavenge.report.eventsRemoved)
  // Any position leads to the next event that is there.
  for (const event of all) {
    const position = Number(event.split(' ')[0])
    const next = left.find((each) => Number(each.split(' ')[0]) >= position)
    expect(await store.alignForwards(position)).toBe(next ? Number(next.split(' ')[0]) : store.log.end())
  }
  await append(store, 'kept', 'new')
  await append(store, 'deleted', 'begun again')
  expect(recordRevision([...store.streams.read('deleted', 0, MANY, false)].flat()[0]!)).toBe(100)
  const after = visible(store)
  await store.close()
  expect(verifyStore(data)).toMatchObject({ ok: true })
  expect(bytesOf(data)).toBeLessThan(0.4 * (scavenge.report.bytesBefore + 4096))
  removeIndex(data)
  const again = open()
  expect(visible(again)).toEqual(after)
  await again.close()
  expect(verifyStore(data)).toMatchObject({ ok: true })
})

test('events beyond their age go, but the last one of a stream', async () => {
  const store = open()
  await append(store, 'aged', 'one', 'two', 'three')
  await append(store, '$$aged', '{"$maxAge":1}')
  await expect.poll(() => [...store.streams.read('aged', 0, MANY, false)].flat().length, { timeout: 5000 }).toBe(0)
  const scavenge = store.care.startScavenge()
  await scavenge.done()
  expect(scavenge.report.eventsRemoved).toBe(2)
  await append(store, 'aged', 'four')
  expect([...store.streams.read('aged', 0, MANY, false)].flat().map(recordRevision)).toEqual([3])
  await store.close()
  expect(verifyStore(data)).toMatchObject({ ok: true })
})

test('appends and reads go on during a scavenge, and scavenges follow each other', async () => {
  const store = open()
  await fill(store, 100)
  for (let round = 0; round < 3; round++) {
    const scavenge = store.care.startScavenge()
    for (let number = 0; scavenge.report.state === 'running'; number++) {
      await append(store, `during-${round}`, `${number}`)
      await forwards(store)
    }
    expect(scavenge.report.state).toBe('done')
  }
  const files = readdirSync(data).filter((name) => name.endsWith('.seg'))
  // Neighbours that have become small are one file.
  expect(files.length).toBeLessThan(8)
  const before = visible(store)
  await store.close()
  expect(verifyStore(data)).toMatchObject({ ok: true })
  const again = open()
  expect(visible(again)).toEqual(before)
  await again.close()
})

test('a kill at any moment of a scavenge loses nothing', async () => {
  const store = open()
  await fill(store, 60)
  const before = visible(store)
  const copies: string[] = []
  const watcher = watch(data, () => {
    // What a kill at this moment leaves.
    const copy = join(directory.path, `copy-${copies.length}`)
    cpSync(data, copy, { recursive: true })
    copies.push(copy)
  })
  const scavenge = store.care.startScavenge()
  await scavenge.done()
  await expect.poll(() => copies.length).toBeGreaterThan(5)
  watcher.close()
  await store.close()
  for (const copy of copies) {
    for (const indexed of [true, false]) {
      if (!indexed) removeIndex(copy)
      const killed = open(copy)
      expect(visible(killed)).toEqual(before)
      await killed.close()
      expect(verifyStore(copy)).toMatchObject({ ok: true })
    }
  }
})

test('a scavenge that is stopped ends, and leaves a whole log', async () => {
  const store = open()
  await fill(store, 60)
  const before = visible(store)
  const scavenge = store.care.startScavenge()
  expect(store.care.startScavenge()).toBe(scavenge)
  await scavenge.stop()
  expect(scavenge.report.state).toBe('stopped')
  expect(visible(store)).toEqual(before)
  await store.close()
  expect(verifyStore(data)).toMatchObject({ ok: true })
})
