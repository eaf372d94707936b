/** Events past their `$maxAge`: a reader of a stream full of them lets others run, and the next one does not meet them. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../../../src/embedded/eventstore/options.ts'
import { recordRevision } from '../../../../src/embedded/eventstore/storage/record.ts'
import { EventStore } from '../../../../src/embedded/eventstore/storage/store.ts'
import { temporaryDirectory } from '../support/node.ts'

const EVENTS = 1_000
const LOOKED_AT_TOGETHER = 128

let directory: { path: string; remove: () => void }
let store: EventStore
beforeEach(() => {
  directory = temporaryDirectory(true)
  store = new EventStore({ ...DEFAULT_LIMITS, directory: directory.path, onNotice: () => undefined })
  return async () => {
    await store.close()
  }
})
afterEach(() => directory.remove())

async function append(stream: string, ...texts: string[]): Promise<void> {
  const events = texts.map((text) => {
    const id = Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex')
    return { id, type: 'test.Aged.v1', json: true, data: Buffer.from(text), customMetadata: Buffer.alloc(0) }
  })
  await store.write({ stream, expected: 'any', operation: 'append', events, deadlineMs: undefined })
}

test.each([
  ['backwards for its last event', EVENTS - 1, true],
  ['forwards for its first one', 0, false],
])('a stream of expired events that is read %s is looked through in pieces, and once', async (_, from, backwards) => {
  const read = () => [...store.streams.read('aged', from, 1, backwards)]
  await append('aged', ...Array.from({ length: EVENTS }, (_, number) => `${number}`))
  await append('$$aged', '{"$maxAge":1}')
  await expect.poll(() => store.streams.readEvent('aged', EVENTS - 1), { timeout: 5_000 }).toBeUndefined()

  const pieces = read()
  expect(pieces.flat()).toEqual([])
  expect(pieces.length).toBeGreaterThanOrEqual(Math.floor(EVENTS / LOOKED_AT_TOGETHER))
  expect(read()).toEqual([])

  await append('aged', 'young')
  const [young] = [...store.streams.read('aged', backwards ? EVENTS : from, 1, backwards)].flat()
  expect(young && recordRevision(young)).toBe(EVENTS)
})
