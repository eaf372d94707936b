/** The checkpoint of a process on a real Postgres: how often it is written, and what happens when others write it. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { openBookmark } from '../../src/processes/bookmark.ts'
import { CheckpointMoved, moveCheckpoint, readCheckpoint } from '../../src/projections/checkpoint.ts'
import { type Prepared, prepared } from '../projections/support.ts'

const HOUR_MS = 3_600_000
const at = (position: bigint) => ({ position, eventId: randomUUID() as string })

let database: Prepared
beforeAll(async () => {
  database = await prepared()
})
afterAll(() => database.drop())

/** A bookmark that is kept until the test ends or the signal aborts. */
function kept(name: string, intervalMs: number) {
  const bookmark = openBookmark(database.db, { name, intervalMs })
  const stop = new AbortController()
  const keeping = bookmark.keep(stop.signal)
  keeping.catch(() => undefined)
  onTestFinished(() => stop.abort())
  return { bookmark, stop, keeping, recorded: () => readCheckpoint(database.db, name) }
}

test('the first place is written down at once, the next ones after the interval, the last one at the end', async () => {
  const { bookmark, stop, keeping, recorded } = kept('at-once', HOUR_MS)
  expect(await bookmark.place()).toBeUndefined()
  const [first, second, third] = [at(1n), at(2n), at(3n)]
  bookmark.reached(first)
  await vi.waitFor(async () => expect(await recorded()).toStrictEqual(first), { timeout: 10_000 })
  bookmark.reached(second)
  bookmark.reached(third)
  expect(await bookmark.place()).toStrictEqual(third)
  stop.abort()
  await keeping
  expect(await recorded()).toStrictEqual(first)
  await bookmark.save()
  expect(await recorded()).toStrictEqual(third)
  await bookmark.save()
  expect(await recorded()).toStrictEqual(third)
})

test('a place is written down without another to follow it', async () => {
  const { bookmark, recorded } = kept('in-time', 10)
  await bookmark.place()
  for (const place of [at(1n), at(2n), at(3n)]) {
    bookmark.reached(place)
    await vi.waitFor(async () => expect(await recorded()).toStrictEqual(place), { timeout: 10_000 })
  }
})

test('what was handled and is not on record yet is not handled again by the same process', async () => {
  const { bookmark, recorded } = kept('in-memory', HOUR_MS)
  await bookmark.place()
  bookmark.reached(at(1n))
  await vi.waitFor(async () => expect(await recorded()).toBeDefined(), { timeout: 10_000 })
  const place = at(2n)
  bookmark.reached(place)
  expect(await bookmark.place()).toStrictEqual(place)
})

test('another writer’s move ends the keeping, and stands', async () => {
  const { bookmark, keeping, recorded } = kept('contended', 10)
  await bookmark.place()
  const [mine, others] = [at(1n), at(5n)]
  bookmark.reached(mine)
  await vi.waitFor(async () => expect(await recorded()).toStrictEqual(mine), { timeout: 10_000 })
  await moveCheckpoint(database.db, 'contended', mine, others)
  bookmark.reached(at(2n))
  await expect(keeping).rejects.toThrow(CheckpointMoved)
  expect(await recorded()).toStrictEqual(others)
})
