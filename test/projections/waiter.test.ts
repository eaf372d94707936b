import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { projectionsCheckpoint } from '../../src/projections/checkpoint.ts'
import {
  createPositionWaiters,
  type PositionWaiterOptions,
  type PositionWaiters,
} from '../../src/projections/waiter.ts'
import { createHistory } from '../sample/history.ts'
import { sampleProjections as projections } from '../sample/read-models.ts'
import { empty, eventually, type Prepared, prepared, writerOn } from './support.ts'

const CHECKPOINT = projectionsCheckpoint('sample')
let database: Prepared
let write: () => Promise<bigint>
const open: PositionWaiters[] = []
beforeAll(async () => {
  database = await prepared(projections, 'sample')
})
beforeEach(async () => {
  await empty(database.db, projections)
  const history = createHistory()
  const writer = writerOn(database.db, { projections, checkpoint: CHECKPOINT })
  let written = 0
  write = async () => {
    const event = history.note(written++)
    await writer.write([event])
    return event.position
  }
})
afterEach(() => Promise.all(open.splice(0).map((waiter) => waiter.close())))
afterAll(() => database.drop())

const waiterOn = (options: Partial<PositionWaiterOptions> = {}) => {
  const timing = { applicationName: 'waiter', reconnectMs: 20 }
  const waiters = createPositionWaiters({ url: database.url, checkpoints: [CHECKPOINT], ...timing, ...options })
  open.push(waiters)
  return { ...waiters.of(CHECKPOINT), close: waiters.close }
}
const LONG_MS = 15_000
/** Polls too rarely to be of any help. */
const NEVER_MS = 60_000

test('a position that has been reached is not waited for', async () => {
  const position = await write()
  const waiter = waiterOn()
  await eventually(() => expect(waiter.current()).toBe(position))
  expect(await waiter.waitFor(position, 0)).toBe(true)
  expect(await waiter.waitFor(position - 1n, 0)).toBe(true)
})

test('a wait for a later position ends as soon as its batch has committed', async () => {
  const first = await write()
  const waiter = waiterOn({ pollMs: NEVER_MS })
  await eventually(() => expect(waiter.current()).toBe(first))
  const waiting = waiter.waitFor(first + 1n, LONG_MS)
  const later = waiter.waitFor(first + 1_000_000n, 50)
  await write()
  expect(await waiting).toBe(true)
  expect(await later).toBe(false)
})

test('waiting ends after its time', async () => {
  const waiter = waiterOn()
  const startedAtMs = performance.now()
  expect(await waiter.waitFor(10n ** 18n, 60)).toBe(false)
  expect(performance.now() - startedAtMs).toBeLessThan(5_000)
})

test('a wait that begins before the first connection, or while it is broken, ends too', async () => {
  const waiter = waiterOn({ pollMs: NEVER_MS })
  const early = waiter.waitFor(1n, LONG_MS)
  const first = await write()
  expect(await early).toBe(true)
  await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'waiter'`.execute(database.db)
  const next = waiter.waitFor(first + 1n, LONG_MS)
  await write()
  expect(await next).toBe(true)
})

test('a notification that gets lost is made up for by looking', async () => {
  const first = await write()
  const waiter = waiterOn({ pollMs: 10 })
  await eventually(() => expect(waiter.current()).toBe(first))
  const waiting = waiter.waitFor(first + 5n, LONG_MS)
  await sql`UPDATE opslog_checkpoints SET position = position + 5`.execute(database.db)
  expect(await waiting).toBe(true)
})

test('read models that were set up anew are believed', async () => {
  const first = await write()
  const waiter = waiterOn({ pollMs: NEVER_MS })
  await eventually(() => expect(waiter.current()).toBe(first))
  await empty(database.db, projections)
  await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'waiter'`.execute(database.db)
  await eventually(() => expect(waiter.current()).toBeUndefined())
  expect(await waiter.waitFor(first, 0)).toBe(false)
})

test('who has no time to wait is answered without a timer', async () => {
  const waiter = waiterOn({ pollMs: NEVER_MS })
  let answer: boolean | undefined
  waiter.waitFor(10n ** 18n, 0).then((reached) => {
    answer = reached
  })
  await Promise.resolve()
  expect(answer).toBe(false)
})

test('the waiters are bounded, and closing sends them all away', async () => {
  const waiter = waiterOn({ waitersMax: 2 })
  const waiting = [waiter.waitFor(10n ** 18n, LONG_MS), waiter.waitFor(10n ** 18n, LONG_MS)]
  expect(await waiter.waitFor(10n ** 18n, LONG_MS)).toBe(false)
  await waiter.close()
  expect(await Promise.all(waiting)).toEqual([false, false])
  expect(await waiter.waitFor(10n ** 18n, LONG_MS)).toBe(false)
})
