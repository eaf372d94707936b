/** Directories in memory: what they are fed with, and when they count as there. */
import { expect, it } from 'vitest'
import { type Dependencies, type Directory, keepDirectory } from '../../src/api-keys/directory.ts'
import type { Delivered } from '../../src/events/subscription.ts'
import type { ReadModels } from '../../src/postgres/database.ts'

const at = (position: bigint) => ({ position }) as Delivered

function dependenciesOf(head: bigint | undefined, catchUpMaxMs = 60_000) {
  const reader = Promise.withResolvers<Parameters<Dependencies['subscribe']>[0]>()
  const seen = { loads: 0, applied: [] as bigint[], beats: 0, behind: [] as unknown[] }
  const directory: Directory = {
    types: ['a.'],
    async load() {
      seen.loads++
      return 10n
    },
    apply: (events) => void seen.applied.push(...events.map(({ position }) => position)),
  }
  const around: Dependencies = {
    db: {} as ReadModels,
    store: {
      head: async () => (head === undefined ? undefined : { position: head, id: '', type: '' }),
      beat: async () => void seen.beats++,
    },
    async subscribe(given) {
      reader.resolve(given)
      await given.from()
      await new Promise(() => undefined)
    },
    catchUpMaxMs,
    onBehind: (reason) => void seen.behind.push(reason),
  }
  return { kept: keepDirectory(directory, around), reader: reader.promise, seen }
}

it('is there once it has reached the end that the log had at the start, and not before', async () => {
  const { kept, reader, seen } = dependenciesOf(30n)
  let isThere = false
  void kept.then(() => {
    isThere = true
  })
  const { onBatch } = await reader
  await onBatch([at(20n)])
  await new Promise((resolve) => setImmediate(resolve))
  expect(isThere).toBe(false)
  await onBatch([at(31n)])
  await kept
  expect(seen).toMatchObject({ beats: 1, behind: [] })
})

// Seen to fail while a lost subscription had the directory loaded again: with the projector stopped, every key that was
// made since was unknown for a moment, every 20 seconds, and every key that was revoked since was good again.
it('goes on where it is when its subscription is lost, however far behind the read models are', async () => {
  const { kept, reader, seen } = dependenciesOf(30n)
  const { from, onBatch } = await reader
  await onBatch([at(40n), at(50n)])
  await kept
  expect(await from()).toBe(50n)
  expect(seen).toMatchObject({ loads: 1, applied: [40n, 50n] })
})

it.each([
  ['is empty', undefined],
  ['ends where the read models stand', 10n],
])('is there at once where the log %s', async (_, head) => {
  const { kept, seen } = dependenciesOf(head)
  await kept
  expect(seen.beats).toBe(0)
})

it('serves as far as it is, and says so, where the end is not reached in time', async () => {
  const { kept, seen } = dependenciesOf(30n, 20)
  await kept
  expect(seen.behind).toHaveLength(1)
})
