/** The projector on a real event store node: what is appended can be read, and a restored store is refused. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Cause } from '../../src/events/event.ts'
import { readHistory, runSubscription } from '../../src/events/subscription.ts'
import { createDatabase, type ReadModels } from '../../src/postgres/database.ts'
import { findAccount } from '../../src/projections/noctant/account.ts'

import { type Projector, type Source, startProjector } from '../../src/projections/projector.ts'
import { createPositionWaiters } from '../../src/projections/waiter.ts'
import { CHECKPOINT, projections, registry } from '../support/contexts.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { type ExampleEvent, example, ids, streamOf, uuidOf } from '../support/examples.ts'
import { createDatabase as createEmptyDatabase, type TestDatabase } from '../support/services.ts'
import { eventually, silentLog } from './support.ts'

let store: TestStore
let database: TestDatabase
let db: ReadModels
const closing: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  store = await startTestStore()
  database = await createEmptyDatabase()
  db = createDatabase({ url: database.url })
  closing.push(
    () => store.close(),
    () => database.drop(),
    () => db.destroy(),
  )
})
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const cause: Cause = {
  $correlationId: uuidOf('correlation'),
  $causationId: ids.command,
  actor: { kind: 'operator', id: ids.operator },
  commandId: ids.command,
}

/** Appends to a stream that does not exist yet; answers the position of the last event. */
async function append(to: TestStore, ...events: ExampleEvent[]): Promise<bigint> {
  const stream = streamOf(events[0]!)
  const news = events.map((event, index) => ({ id: uuidOf(`${stream} ${index}`), event, cause }))
  return (await to.store.append(stream, undefined, '', news)).position
}

function start(on: TestStore, version = 1): Projector {
  const source: Source = (reader) =>
    runSubscription({
      registry,
      url: on.url,
      name: 'projector',
      types: ['noctant.', 'audit.'],
      batchMax: 500,
      readTimeoutMs: 60_000,
      backoffMinMs: 10,
      backoffMaxMs: 100,
      onError: () => undefined,
      ...reader,
    })
  const projector = startProjector({
    context: 'noctant',
    db,
    url: database.url,
    projections: projections.map((projection) => ({ ...projection, version })),
    source,
    readHistory: (after) => readHistory({ registry, url: on.url, batchMax: 500, readTimeoutMs: 5_000 }, after),
    eventIdAt: on.store.eventIdAt,
    log: silentLog,
    leadershipPollMs: 20,
  })
  closing.push(() => projector.stop())
  return projector
}

const account = (name: string) => [
  example('noctant.AccountOpened.v1', {
    programAccountId: uuidOf(name),
    attemptId: uuidOf(`attempt of ${name}`),
    accountId: uuidOf(`execution account of ${name}`),
    externalAccountId: name,
  }),
  example('noctant.EngineCommandRequested.v1', { programAccountId: uuidOf(name), commandId: uuidOf(`open ${name}`) }),
]

test('what has been appended can be read once its position is reached, also after a restart and a rebuild', async () => {
  const waiters = createPositionWaiters({ url: database.url, checkpoints: [CHECKPOINT] })
  const waiter = waiters.of(CHECKPOINT)
  closing.push(() => waiters.close())
  const first = start(store)
  expect(await waiter.waitFor(await append(store, ...account('one')), 10_000)).toBe(true)
  expect(await findAccount(db, ids.operator, 'one')).toMatchObject({ sponsorship_status: 'active' })

  await first.stop()
  const missed = await append(store, ...account('two'))
  const second = start(store, 2)
  expect(await waiter.waitFor(missed, 10_000)).toBe(true)
  await eventually(async () => {
    expect(second.health()).toMatchObject({ state: 'leading', rebuilding: [] })
    expect(await findAccount(db, ids.operator, 'two')).toBeDefined()
  })
  expect(await findAccount(db, ids.operator, 'one')).toBeDefined()
  expect(second.health().position).toBe((await store.store.head())?.position)
})

test('events that no projection handles can be waited for as well', async () => {
  const waiters = createPositionWaiters({ url: database.url, checkpoints: [CHECKPOINT] })
  const waiter = waiters.of(CHECKPOINT)
  closing.push(() => waiters.close())
  start(store)
  expect(await waiter.waitFor(await append(store, example('noctant.OperatorSlugClaimed.v1')), 10_000)).toBe(true)
})

test('an event store that was put back to an earlier day is refused', async () => {
  const projector = start(store)
  const position = await append(store, ...account('one'))
  await eventually(() => expect(projector.health().position).toBe(position))
  await projector.stop()

  const earlier = await startTestStore()
  closing.push(() => earlier.close())
  await expectHalt(start(earlier))
  await append(earlier, ...account('another'))
  await append(earlier, ...account('and another'))
  await expectHalt(start(earlier))
})

/** It stands still and says so; it would go on at the right log. */
async function expectHalt(projector: Projector): Promise<void> {
  const fault = expect.stringContaining('restored from an older backup')
  await expect.poll(() => projector.health()).toMatchObject({ state: 'halted', fault })
  await projector.stop()
}
