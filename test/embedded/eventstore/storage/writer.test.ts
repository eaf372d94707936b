import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { storeStatistics } from '../../../../src/embedded/eventstore/maintenance.ts'
import { DEFAULT_LIMITS } from '../../../../src/embedded/eventstore/options.ts'
import type { WriteOutcome } from '../../../../src/embedded/eventstore/storage/group.ts'
import { recordRevision } from '../../../../src/embedded/eventstore/storage/record.ts'
import { EventStore } from '../../../../src/embedded/eventstore/storage/store.ts'
import { AppendUnavailableError } from '../../../../src/embedded/eventstore/storage/writer.ts'
import { verifyStore } from '../../../../src/embedded/eventstore/verification.ts'
import { temporaryDirectory } from '../support/node.ts'

let directory: { path: string; remove: () => void }
beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(() => directory.remove())

function open(limits: Partial<typeof DEFAULT_LIMITS>): EventStore {
  return new EventStore({ ...DEFAULT_LIMITS, ...limits, directory: directory.path, onNotice: () => undefined })
}

function append(store: EventStore, stream: string, bytes: number, deadlineMs?: number): Promise<WriteOutcome> {
  const id = Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex')
  const event = {
    id,
    type: 'test.Written.v1',
    json: false,
    data: Buffer.alloc(bytes, 1),
    customMetadata: Buffer.alloc(0),
  }
  return store.write({ stream, expected: 'no_stream', operation: 'append', events: [event], deadlineMs })
}

const isStored = (store: EventStore, stream: string): boolean => store.streams.status(stream).kind === 'present'

test('appends that the disk does not reach before their deadline are told so and are not written later', async () => {
  const store = open({ maxGroupBytes: 256 * 1024 })
  const deadlineMs = Date.now() + 5
  const outcomes = await Promise.all(
    Array.from({ length: 250 }, (_, index) =>
      append(store, `s-${index}`, 240 * 1024, index === 0 ? undefined : deadlineMs),
    ),
  )
  const kinds = outcomes.map(({ kind }) => kind)
  expect(kinds[0]).toBe('written')
  expect(kinds.at(-1)).toBe('deadline-exceeded')
  await store.writer.close()
  for (const [index, kind] of kinds.entries()) if (kind === 'written') expect(isStored(store, `s-${index}`)).toBe(true)
  expect(isStored(store, `s-${kinds.length - 1}`)).toBe(false)
  await store.close()
})

test('a queue that is full refuses further appends and goes on with those that it took', async () => {
  const store = open({ maxQueuedBytes: 1024 * 1024 })
  const results = await Promise.allSettled(
    Array.from({ length: 30 }, (_, index) => append(store, `s-${index}`, 100 * 1024)),
  )
  const refused = results.filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThan(10)
  for (const result of results)
    if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(AppendUnavailableError)
  for (const [index, { status }] of results.entries())
    expect(isStored(store, `s-${index}`)).toBe(status === 'fulfilled')
  const later = await append(store, 'later', 100)
  expect(later.kind).toBe('written')
  await store.close()
})

test('a store that closes finishes what it took and takes nothing more', async () => {
  const store = open({})
  const taken = append(store, 'taken', 10)
  const closing = store.close()
  await expect(append(store, 'late', 10)).rejects.toBeInstanceOf(AppendUnavailableError)
  expect((await taken).kind).toBe('written')
  await closing
  const again = open({})
  expect(isStored(again, 'taken')).toBe(true)
  expect(isStored(again, 'late')).toBe(false)
  await again.close()
})

test('concurrent appends share writes to the disk', async () => {
  const store = open({})
  const writes = vi.spyOn(store.log, 'write')
  await Promise.all(Array.from({ length: 200 }, (_, index) => append(store, `s-${index}`, 10)))
  expect(writes.mock.calls.length).toBeLessThan(20)
  await store.close()
})

// Seen to fail with a whole queue as one group: at sixteen at once client and disk then waited for each other in turn.
test('of a full queue the first half is answered before the second is written', async () => {
  const store = open({})
  const writes = vi.spyOn(store.log, 'write')
  const writesWhenAnswered: number[] = []
  const appends = Array.from({ length: 16 }, async (_, index) => {
    await append(store, `s-${index}`, 10)
    writesWhenAnswered.push(writes.mock.calls.length)
  })
  await Promise.all(appends)
  expect(writesWhenAnswered.slice(0, 8)).toEqual(Array(8).fill(1))
  expect(writesWhenAnswered.at(-1)).toBeGreaterThan(1)
  await store.close()
})

test('the index that a thread writes answers while appends go on, and is whole after closing', async () => {
  const store = open({ indexLagEvents: 64, cachedStreams: 20 })
  const revisions = new Map<string, number>()
  for (let round = 0; round < 60; round++) {
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const stream = `s-${(index * 7 + round) % 90}`
        const last = revisions.get(stream) ?? -1
        const id = Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex')
        const event = { id, type: 't', json: false, data: Buffer.from(`${last + 1}`), customMetadata: Buffer.alloc(0) }
        const expected = last < 0 ? 'no_stream' : BigInt(last)
        const request = { stream, expected, operation: 'append', events: [event], deadlineMs: undefined } as const
        expect(await store.write(request)).toMatchObject({ kind: 'written', revision: last + 1 })
        revisions.set(stream, last + 1)
      }),
    )
    for (const [stream, last] of revisions) {
      const seen = [...store.streams.read(stream, 0, Number.MAX_SAFE_INTEGER, false)].flat().map(recordRevision)
      expect(seen).toEqual(Array.from({ length: last + 1 }, (_, revision) => revision))
      const back = [...store.streams.read(stream, Number.MAX_SAFE_INTEGER, 3, true)].flat().map(recordRevision)
      expect(back).toEqual(seen.toReversed().slice(0, 3))
    }
  }
  await store.close()
  expect(storeStatistics(directory.path)).toMatchObject({ events: 2400, streams: 90 })
  expect(verifyStore(directory.path)).toMatchObject({ ok: true, events: 2400 })
  const statistics = storeStatistics(directory.path)
  expect(statistics.indexedTo).toBe(statistics.endPosition)
})
