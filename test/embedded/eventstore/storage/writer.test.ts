import { afterEach, beforeEach, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../../../src/embedded/eventstore/options.ts'
import type { WriteOutcome } from '../../../../src/embedded/eventstore/storage/group.ts'
import { EventStore } from '../../../../src/embedded/eventstore/storage/store.ts'
import { AppendUnavailableError } from '../../../../src/embedded/eventstore/storage/writer.ts'
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

const isStored = (store: EventStore, stream: string): boolean => store.status(stream).kind === 'present'

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
  const before = store.log.end()
  await Promise.all(Array.from({ length: 200 }, (_, index) => append(store, `s-${index}`, 10)))
  expect(store.writer.lastGroup.bytes).toBeGreaterThan((store.log.end() - before) / 4)
  await store.close()
})
