/** Attempts within a window, counted by all processes together. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { dropRateCounts } from '../../../src/projections/rate-counts.ts'
import { countAttempt } from '../../../src/projections/rungate/attempts.ts'
import { type Prepared, prepared } from '../support.ts'

let database: Prepared
beforeAll(async () => {
  database = await prepared([])
})
afterAll(() => database.drop())

const HOUR_MS = 3_600_000
const START = Date.parse('2026-03-01T10:59:00Z')

it('are counted for each kind and caller, from anew with each window, and not dropped before it is over', async () => {
  const caller = randomUUID()
  const count = (ms: number, of: { kind?: string; caller?: string } = {}) =>
    countAttempt(database.db, { kind: 'registration', caller, ...of, windowMs: HOUR_MS, now: new Date(ms) })
  expect(await count(START)).toStrictEqual({ count: 1, resetMs: 60_000 })
  expect((await count(START, { kind: 'login' })).count).toBe(1)
  expect((await count(START, { caller: randomUUID() })).count).toBe(1)
  // What the API processes do with each minute.
  await dropRateCounts(database.db, new Date(START + 59_999))
  const together = await Promise.all(Array.from({ length: 10 }, () => count(START + 59_999)))
  expect(together.map((each) => each.count).toSorted((a, b) => a - b)).toStrictEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  expect(await count(START + 60_000)).toStrictEqual({ count: 1, resetMs: HOUR_MS })
})
