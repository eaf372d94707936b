/** The projector on a real event store node: what is appended can be read, and a restored store is refused. */
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AnyEvent, Cause } from '../../src/events/event.ts'
import { readHistory, runSubscription } from '../../src/events/subscription.ts'
import { createDatabase, type ReadModels } from '../../src/postgres/database.ts'
import type { RowOf } from '../../src/projections/projection.ts'
import { type Projector, type Source, startProjector } from '../../src/projections/projector.ts'
import { createPositionWaiters } from '../../src/projections/waiter.ts'
import { SAMPLE_CHECKPOINT as CHECKPOINT, sampleRegistry as registry } from '../sample/context.ts'
import { type notes, sampleProjections as projections } from '../sample/read-models.ts'
import { roomOpened, roomStream } from '../sample/room.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { uuidOf } from '../support/examples.ts'
import { createDatabase as createEmptyDatabase, type TestDatabase } from '../support/services.ts'
import { eventually, silentLog } from './support.ts'

let store: TestStore
let database: TestDatabase
let db: ReadModels
const closing: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  store = await startTestStore(registry)
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
  $causationId: uuidOf('command'),
  actor: { kind: 'operator', id: 'acme' },
  commandId: uuidOf('command'),
}

/** Appends to a stream that does not exist yet; answers the position of the last event. */
async function append(to: TestStore, stream: string, ...events: AnyEvent[]): Promise<bigint> {
  const news = events.map((event, index) => ({ id: uuidOf(`${stream} ${index}`), event, cause }))
  return (await to.store.append(stream, undefined, '', news)).position
}

function start(on: TestStore, version = 1): Projector {
  const source: Source = (reader) =>
    runSubscription({
      registry,
      url: on.url,
      name: 'projector',
      types: ['sample.'],
      batchMax: 500,
      readTimeoutMs: 60_000,
      backoffMinMs: 10,
      backoffMaxMs: 100,
      onError: () => undefined,
      ...reader,
    })
  const projector = startProjector({
    context: 'sample',
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

const written = (to: TestStore, name: string): Promise<bigint> => {
  const note = { noteId: name, tenantId: 'acme', text: 'hello' }
  return append(to, `sample.note-${name}`, { type: 'sample.NoteWritten.v1', data: note })
}
const findNote = async (name: string) =>
  (await sql<RowOf<typeof notes>>`SELECT * FROM sample_notes WHERE note_id = ${name}`.execute(db)).rows[0]

test('what has been appended can be read once its position is reached, also after a restart and a rebuild', async () => {
  const waiters = createPositionWaiters({ url: database.url, checkpoints: [CHECKPOINT] })
  const waiter = waiters.of(CHECKPOINT)
  closing.push(() => waiters.close())
  const first = start(store)
  expect(await waiter.waitFor(await written(store, 'one'), 10_000)).toBe(true)
  expect(await findNote('one')).toMatchObject({ text: 'hello' })

  await first.stop()
  const missed = await written(store, 'two')
  const second = start(store, 2)
  expect(await waiter.waitFor(missed, 10_000)).toBe(true)
  await eventually(async () => {
    expect(second.health()).toMatchObject({ state: 'leading', rebuilding: [] })
    expect(await findNote('two')).toBeDefined()
  })
  expect(await findNote('one')).toBeDefined()
  expect(second.health().position).toBe((await store.store.head())?.position)
})

test('events that no projection handles can be waited for as well', async () => {
  const waiters = createPositionWaiters({ url: database.url, checkpoints: [CHECKPOINT] })
  const waiter = waiters.of(CHECKPOINT)
  closing.push(() => waiters.close())
  start(store)
  expect(await waiter.waitFor(await append(store, roomStream('one'), roomOpened()), 10_000)).toBe(true)
})

test('an event store that was put back to an earlier day is refused', async () => {
  const projector = start(store)
  const position = await written(store, 'one')
  await eventually(() => expect(projector.health().position).toBe(position))
  await projector.stop()

  const earlier = await startTestStore(registry)
  closing.push(() => earlier.close())
  await expectHalt(start(earlier))
  await written(earlier, 'another')
  await written(earlier, 'and another')
  await expectHalt(start(earlier))
})

/** It stands still and says so; it would go on at the right log. */
async function expectHalt(projector: Projector): Promise<void> {
  const fault = expect.stringContaining('restored from an older backup')
  await expect.poll(() => projector.health()).toMatchObject({ state: 'halted', fault })
  await projector.stop()
}
