/** The checkpoint of a process on a real Postgres: how often it is written, and what happens when others write it. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { openProcessCheckpoint } from '../../src/processes/checkpoint.ts'
import { CheckpointMoved, commit, readCheckpoint } from '../../src/projections/checkpoint.ts'
import { type Prepared, prepared } from '../projections/support.ts'

const HOUR_MS = 3_600_000
const at = (position: bigint) => ({ position, eventId: randomUUID() as string })

let database: Prepared
beforeAll(async () => {
  database = await prepared([])
})
afterAll(() => database.drop())

/** A checkpoint that is kept until the test ends or the signal aborts. */
function kept(name: string, intervalMs: number) {
  const checkpoint = openProcessCheckpoint(database.db, { name, intervalMs })
  const stop = new AbortController()
  const keeping = checkpoint.keep(stop.signal)
  keeping.catch(() => undefined)
  onTestFinished(() => stop.abort())
  return { checkpoint, stop, keeping, recorded: () => readCheckpoint(database.db, name) }
}

test('the first place is written down at once, the next ones after the interval, the last one at the end', async () => {
  const { checkpoint, stop, keeping, recorded } = kept('at-once', HOUR_MS)
  expect(await checkpoint.place()).toBeUndefined()
  const [first, second, third] = [at(1n), at(2n), at(3n)]
  checkpoint.reached(first)
  await vi.waitFor(async () => expect(await recorded()).toStrictEqual(first), { timeout: 10_000 })
  checkpoint.reached(second)
  checkpoint.reached(third)
  expect(await checkpoint.place()).toStrictEqual(third)
  stop.abort()
  await keeping
  expect(await recorded()).toStrictEqual(first)
  await checkpoint.save()
  expect(await recorded()).toStrictEqual(third)
  await checkpoint.save()
  expect(await recorded()).toStrictEqual(third)
})

test('a place is written down without another to follow it', async () => {
  const { checkpoint, recorded } = kept('in-time', 10)
  await checkpoint.place()
  for (const place of [at(1n), at(2n), at(3n)]) {
    checkpoint.reached(place)
    await vi.waitFor(async () => expect(await recorded()).toStrictEqual(place), { timeout: 10_000 })
  }
})

test('what was handled and is not on record yet is not handled again by the same process', async () => {
  const { checkpoint, recorded } = kept('in-memory', HOUR_MS)
  await checkpoint.place()
  checkpoint.reached(at(1n))
  await vi.waitFor(async () => expect(await recorded()).toBeDefined(), { timeout: 10_000 })
  const place = at(2n)
  checkpoint.reached(place)
  expect(await checkpoint.place()).toStrictEqual(place)
})

test('another writer’s move ends the keeping, and stands', async () => {
  const { checkpoint, keeping, recorded } = kept('contended', 10)
  await checkpoint.place()
  const [mine, others] = [at(1n), at(5n)]
  checkpoint.reached(mine)
  await vi.waitFor(async () => expect(await recorded()).toStrictEqual(mine), { timeout: 10_000 })
  await commit({ db: database.db, name: 'contended', from: mine, to: others })
  checkpoint.reached(at(2n))
  await expect(keeping).rejects.toThrow(CheckpointMoved)
  expect(await recorded()).toStrictEqual(others)
})
