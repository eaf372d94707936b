/**
 * What start-up makes of a damaged log: the tail is cut at every byte and flipped at every byte of the last records,
 * and records in the middle are damaged. The log is written through the store itself, without the protocol.
 */
import { cpSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../../../src/embedded/eventstore/options.ts'
import { LostEventsError } from '../../../../src/embedded/eventstore/storage/log-end.ts'
import type { ProposedEvent } from '../../../../src/embedded/eventstore/storage/record.ts'
import { recordData, recordPosition, recordRevision } from '../../../../src/embedded/eventstore/storage/record.ts'
import { DamagedLogError } from '../../../../src/embedded/eventstore/storage/segments.ts'
import { EventStore } from '../../../../src/embedded/eventstore/storage/store.ts'
import { temporaryDirectory } from '../support/node.ts'

// Each byte is a restart of the store.
const EVERY_BYTE_TIMEOUT_MS = 120_000

let directory: { path: string; remove: () => void }
beforeEach(() => {
  directory = temporaryDirectory(true)
})
afterEach(() => directory.remove())

function event(text: string): ProposedEvent {
  const id = Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex')
  return { id, type: 'test.Cut.v1', json: true, data: Buffer.from(text), customMetadata: Buffer.alloc(0) }
}

function open(path: string, notices: string[] = [], limits: Partial<typeof DEFAULT_LIMITS> = {}): EventStore {
  return new EventStore({ ...DEFAULT_LIMITS, ...limits, directory: path, onNotice: (notice) => notices.push(notice) })
}

async function append(store: EventStore, stream: string, ...texts: string[]): Promise<void> {
  const events = texts.map(event)
  const outcome = await store.write({ stream, expected: 'any', operation: 'append', events, deadlineMs: undefined })
  expect(outcome.kind).toBe('written')
}

function texts(store: EventStore, stream: string): string[] {
  return [...store.streams.read(stream, 0, Number.MAX_SAFE_INTEGER, false)]
    .flat()
    .map((record) => recordData(record).toString())
}

const logFile = (path: string): string =>
  join(
    path,
    readdirSync(path)
      .filter((name) => name.endsWith('.seg'))
      .at(-1)!,
  )

/**
 * A log as a power cut leaves it: the index and the record of the log's end have the first append only. Returns where
 * each later append begins.
 */
async function writeLog(path: string): Promise<{ starts: number[]; end: number }> {
  const first = open(path)
  await append(first, 'a', 'one')
  await first.close()
  const known = ['index.db', 'log-end'].map((name) => [join(path, name), readFileSync(join(path, name))] as const)
  const second = open(path)
  const starts: number[] = []
  for (const batch of [['two'], ['three', 'four'], ['five', 'six', 'seven']]) {
    starts.push(second.log.end())
    await append(second, 'a', ...batch)
  }
  const end = second.log.end()
  await second.close()
  for (const [file, bytes] of known) writeFileSync(file, bytes)
  return { starts, end }
}

const ALL = ['one', 'two', 'three', 'four', 'five', 'six', 'seven']

/** Which events remain when the log is intact up to this position: whole appends only. */
function remaining(starts: number[], intactTo: number, end: number): string[] {
  const counts = [1, 2, 4, 7]
  const boundaries = [...starts, end]
  return ALL.slice(0, counts[boundaries.findLastIndex((boundary) => boundary <= intactTo)])
}

function copyOf(path: string, name: string): string {
  const copy = join(directory.path, name)
  cpSync(path, copy, { recursive: true })
  return copy
}

test('a log cut at any byte of its last appends keeps the whole ones, says what it dropped, and goes on', {
  timeout: EVERY_BYTE_TIMEOUT_MS,
}, async () => {
  const original = join(directory.path, 'original')
  const { starts, end } = await writeLog(original)
  for (let cut = starts[0]!; cut < end; cut++) {
    const copy = copyOf(original, 'copy')
    truncateSync(logFile(copy), cut)
    const notices: string[] = []
    const store = open(copy, notices)
    const expected = remaining(starts, cut, end)
    expect(texts(store, 'a')).toEqual(expected)
    if (!starts.includes(cut)) expect(notices.join()).toMatch(/dropped \d+ bytes of an unacknowledged append/)
    else expect(notices).toEqual([])
    // That it goes on costs a synced write each time, so it is seen at the edges and at some cuts between them.
    if (cut % 8 === 0 || starts.includes(cut)) {
      await append(store, 'a', 'new')
      expect(texts(store, 'a')).toEqual([...expected, 'new'])
    }
    await store.close()
  }
})

test('a log with any byte of its last append flipped drops that append and says so', {
  timeout: EVERY_BYTE_TIMEOUT_MS,
}, async () => {
  const original = join(directory.path, 'original')
  const { starts, end } = await writeLog(original)
  for (let position = starts[2]!; position < end; position++) {
    const copy = copyOf(original, 'copy')
    const bytes = readFileSync(logFile(copy))
    bytes[position] = bytes[position]! ^ 0x41
    writeFileSync(logFile(copy), bytes)
    const notices: string[] = []
    const store = open(copy, notices)
    expect(texts(store, 'a')).toEqual(ALL.slice(0, 4))
    expect(notices.join()).toMatch(/dropped \d+ bytes of an unacknowledged append/)
    expect(statSync(logFile(copy)).size).toBe(starts[2])
    await store.close()
  }
})

test('any flipped byte that later records know to have been acknowledged stops the start and is named by position', {
  timeout: EVERY_BYTE_TIMEOUT_MS,
}, async () => {
  const original = join(directory.path, 'original')
  const { starts } = await writeLog(original)
  for (let position = starts[0]!; position < starts[1]!; position++) {
    const copy = copyOf(original, 'copy')
    const bytes = readFileSync(logFile(copy))
    bytes[position] = bytes[position]! ^ 0x41
    writeFileSync(logFile(copy), bytes)
    expect(() => open(copy)).toThrow(DamagedLogError)
    expect(() => open(copy)).toThrow(`position ${starts[0]}`)
  }
})

test('a damaged record behind the start-up scan is reported when it is read, never passed over', async () => {
  const path = join(directory.path, 'log')
  const store = open(path)
  await append(store, 'a', 'one', 'two', 'three')
  const [, second] = [...store.streams.read('a', 0, 10, false)].flat()
  const damaged = recordPosition(second!)
  await store.close()
  const bytes = readFileSync(logFile(path))
  bytes[damaged + 100] = bytes[damaged + 100]! ^ 1
  writeFileSync(logFile(path), bytes)
  const again = open(path)
  expect(() => texts(again, 'a')).toThrow(`position ${damaged}`)
  const before = await again.log.readForwards(0, 1 << 20)
  expect(before!.map((record) => recordData(record).toString())).toEqual(['one'])
  await expect(again.log.readForwards(damaged, 1 << 20)).rejects.toThrow(`position ${damaged}`)
  const behind = await again.log.readBackwards(again.log.end(), 1 << 20)
  expect(behind.map((record) => recordData(record).toString())).toEqual(['three'])
  await expect(again.log.readBackwards(recordPosition(behind[0]!), 1 << 20)).rejects.toThrow(DamagedLogError)
  await again.close()
})

test('a lost index is built again from the log', async () => {
  const path = join(directory.path, 'log')
  const store = open(path, [], { segmentBytes: 4096 })
  for (let index = 0; index < 100; index++) await append(store, `s-${index % 7}`, `${index}`)
  await store.close()
  writeFileSync(join(path, 'index.db'), 'this is no database, although it has its name'.repeat(100))
  const notices: string[] = []
  const again = open(path, notices, { segmentBytes: 4096 })
  expect(notices.join()).toMatch(/index cannot be used and is built again/)
  expect(readdirSync(path).filter((name) => name.endsWith('.seg')).length).toBeGreaterThan(3)
  for (let stream = 0; stream < 7; stream++) {
    const expected = Array.from({ length: 100 }, (_, index) => index).filter((index) => index % 7 === stream)
    expect(texts(again, `s-${stream}`)).toEqual(expected.map(String))
  }
  await again.close()
})

/** Appends two events, each of its own append. Returns where the second begins. */
async function writeTwo(path: string): Promise<number> {
  const store = open(path)
  await append(store, 'a', 'one')
  const start = store.log.end()
  await append(store, 'a', 'two')
  await store.close()
  return start
}

test('a last record that was acknowledged and is not intact any more stops the start, whatever stands in its place', async () => {
  const path = join(directory.path, 'log')
  const start = await writeTwo(path)
  const whole = readFileSync(logFile(path))
  for (let position = start; position < whole.length; position++) {
    const flipped = Buffer.from(whole)
    flipped[position] = flipped[position]! ^ 0x20
    writeFileSync(logFile(path), flipped)
    expect(() => open(path)).toThrow(LostEventsError)
  }
  writeFileSync(logFile(path), Buffer.concat([whole.subarray(0, start), Buffer.alloc(whole.length - start)]))
  expect(() => open(path)).toThrow(`it ends at position ${start}, but events up to position ${whole.length}`)
  writeFileSync(logFile(path), whole)
  const again = open(path)
  expect(texts(again, 'a')).toEqual(['one', 'two'])
  await again.close()
})

test('zeros that were allocated ahead are cut off without a word', async () => {
  const path = join(directory.path, 'log')
  const store = open(path)
  await append(store, 'a', 'one', 'two')
  await store.close()
  const whole = readFileSync(logFile(path))
  writeFileSync(logFile(path), Buffer.concat([whole, Buffer.alloc(3_000_000)]))
  const notices: string[] = []
  const again = open(path, notices)
  expect(notices).toEqual([])
  expect(texts(again, 'a')).toEqual(['one', 'two'])
  await again.close()
  expect(readFileSync(logFile(path)).equals(whole)).toBe(true)
})

test('reads cross the borders of segments in both directions', async () => {
  const path = join(directory.path, 'log')
  const store = open(path, [], { segmentBytes: 2048, readChunkBytes: 700, recentBytes: 0 })
  for (let index = 0; index < 60; index++) await append(store, 'a', `${index}`)
  const forwards: number[] = []
  for (let cursor = 0; ; ) {
    const records = await store.log.readForwards(cursor, 700)
    if (!records) break
    for (const record of records) {
      forwards.push(recordRevision(record))
      cursor = recordPosition(record) + record.length
    }
  }
  const backwards: number[] = []
  for (let cursor = store.log.end(); ; ) {
    const records = await store.log.readBackwards(cursor, 700)
    if (records.length === 0) break
    for (const record of records) {
      backwards.push(recordRevision(record))
      cursor = recordPosition(record)
    }
  }
  expect(forwards).toEqual(Array.from({ length: 60 }, (_, index) => index))
  expect(backwards).toEqual(forwards.toReversed())
  await store.close()
})
