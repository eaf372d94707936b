import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CheckpointMoved, readCheckpoint } from '../../src/projections/checkpoint.ts'
import { kernelTables } from '../../src/projections/kernel-tables.ts'
import type { Projection } from '../../src/projections/projection.ts'
import type { HistoryReader } from '../../src/projections/projector.ts'
import { type RebuildOptions, rebuild } from '../../src/projections/rebuild/rebuild.ts'
import { PoisonedProjection } from '../../src/projections/writer.ts'
import type { Queue } from '../../src/runtime/keyed-queue.ts'
import { CHECKPOINT, projections } from '../support/contexts.ts'
import { createRecorder, type ExampleEvent, example, exampleTypes, uuidOf } from '../support/examples.ts'
import { contentOf, createLog, type Prepared, prepared, writerOn } from './support.ts'

let database: Prepared
let recorder: ReturnType<typeof createRecorder>
beforeEach(async () => {
  database = await prepared()
  recorder = createRecorder()
})
afterEach(() => database.drop())

const alone: Queue = (work) => work()
const newer = (...names: string[]): Projection[] =>
  projections.filter(({ name }) => names.includes(name)).map((projection) => ({ ...projection, version: 2 }))
const order = (index: number) =>
  recorder.record(example('noctant.EngineOrderPlaced.v1', { orderId: uuidOf(`order ${index}`) }))
const orders = (from: number, count: number) => Array.from({ length: count }, (_, index) => order(from + index))
const run = (wanted: readonly Projection[], readHistory: HistoryReader, options: Partial<RebuildOptions> = {}) =>
  rebuild({
    db: database.db,
    projections: wanted,
    checkpoint: CHECKPOINT,
    readHistory,
    signal: new AbortController().signal,
    transactionAttemptsMax: 5,
    exclusively: alone,
    onSwapped: () => undefined,
    ...options,
  })
const shadowExists = async () => {
  const { rows } = await sql`SELECT 1 FROM pg_namespace WHERE nspname = 'opslog_rebuild'`.execute(database.db)
  return rows.length > 0
}
const versionOf = async (name: string) => {
  const query = kernelTables(database.db).selectFrom('opslog_projections').select('version').where('name', '=', name)
  return (await query.executeTakeFirst())?.version
}
/** A history that stops after some batches, as a process does that is killed there. */
const killedAfter = (batches: number, readHistory: HistoryReader): HistoryReader =>
  async function* (after) {
    let given = 0
    for await (const batch of readHistory(after)) {
      if (given++ === batches) throw new Error('killed')
      yield batch
    }
  }

describe('a rebuild', () => {
  test('ends with what the live tables hold, for every projection at once', async () => {
    const log = createLog(exampleTypes.map((type) => recorder.record(example(type) as ExampleEvent)))
    await writerOn(database.db).write(log.events)
    const live = await contentOf(database.db)
    await run(newer(...projections.map(({ name }) => name)), log.readHistory)
    expect(await contentOf(database.db)).toEqual(live)
    expect(await versionOf('noctant.trade')).toBe(2)
    expect(await shadowExists()).toBe(false)
  })

  test('keeps indexes, keys and computed columns', async () => {
    const log = createLog([recorder.record(example('noctant.EngineCommandRequested.v1'))])
    await writerOn(database.db).write(log.events)
    const shape = async () => {
      const { rows } = await sql`SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        AND tablename = 'noctant_account_commands' ORDER BY indexname`.execute(database.db)
      return rows
    }
    const before = await shape()
    expect(before).toHaveLength(4)
    await run(newer('noctant.accountCommand'), log.readHistory)
    expect(await shape()).toEqual(before)
  })

  test('that was killed is resumed where it was, and the old tables serve meanwhile', async () => {
    const log = createLog(orders(0, 1_000))
    await writerOn(database.db).write(log.events)
    await sql`UPDATE noctant_orders SET symbol = 'old'`.execute(database.db)
    await expect(run(newer('noctant.order'), killedAfter(4, log.readHistory))).rejects.toThrow('killed')
    const symbols = async () =>
      (await sql<{ symbol: string }>`SELECT DISTINCT symbol FROM noctant_orders`.execute(database.db)).rows
    expect(await symbols()).toEqual([{ symbol: 'old' }])
    expect(await versionOf('noctant.order')).toBe(1)

    const asked: (bigint | undefined)[] = []
    await run(newer('noctant.order'), (after) => {
      asked.push(after)
      return log.readHistory(after)
    })
    expect(asked[0]).toBe(log.events[399]!.position)
    expect(await symbols()).toEqual([{ symbol: 'EURUSD' }])
    expect(await contentOf(database.db, newer('noctant.order'))).toMatchObject({
      noctant_orders: { length: 1_000 },
    })
  })

  test('for other versions than the one that was killed starts from the beginning', async () => {
    const log = createLog(orders(0, 300))
    await writerOn(database.db).write(log.events)
    await expect(run(newer('noctant.order'), killedAfter(1, log.readHistory))).rejects.toThrow('killed')
    const asked: (bigint | undefined)[] = []
    const newest = newer('noctant.order').map((projection) => ({ ...projection, version: 3 }))
    await run(newest, (after) => {
      asked.push(after)
      return log.readHistory(after)
    })
    expect(asked).toHaveLength(1)
    expect(asked[0]).toBeUndefined()
    expect(await versionOf('noctant.order')).toBe(3)
  })

  test('loses nothing that another process writes while it goes on', async () => {
    const log = createLog(orders(0, 500))
    const live = writerOn(database.db)
    await live.write(log.events)
    const stop = new AbortController()
    const writing = (async () => {
      for (let index = 500; !stop.signal.aborted; index += 5) {
        const batch = orders(index, 5)
        log.append(...batch)
        await live.write(batch)
      }
    })()
    const same = projections.filter(({ name }) => ['noctant.order', 'noctant.accountCommand'].includes(name))
    for (let round = 0; round < 4; round++) await run(same, log.readHistory, { swapGapMax: 50 })
    stop.abort()
    await writing
    const { rows } = await sql<{ n: number }>`SELECT count(*)::integer AS n FROM noctant_orders`.execute(database.db)
    expect(rows[0]!.n).toBe(log.events.length)
  })

  test('of a newer version ends the writing of an older release, whose handlers do not know the new tables', async () => {
    const log = createLog(orders(0, 10))
    const live = writerOn(database.db)
    await live.write(log.events)
    await run(newer('noctant.order'), log.readHistory)
    const later = order(10)
    await expect(live.write([later])).rejects.toThrow(CheckpointMoved)
    expect(await readCheckpoint(database.db, CHECKPOINT)).toMatchObject({ eventId: log.events.at(-1)!.id })
  })

  test('lets the writer of another process go on with the present parked events', async () => {
    const first = order(0)
    const bad = recorder.poison('noctant.EngineOrderPlaced.v2', first.stream)
    const live = writerOn(database.db)
    await live.write([first, bad])
    const [readable] = [{ ...order(1), position: bad.position, revision: 1n, stream: first.stream }]
    const wanted = projections.filter(({ handlers }) => 'noctant.EngineOrderPlaced.v1' in handlers)
    await run(wanted, createLog([first, readable]).readHistory)
    const next = { ...order(2), revision: 2n, stream: first.stream }
    await live.write([next])
    expect(await kernelTables(database.db).selectFrom('opslog_parked_events').selectAll().execute()).toEqual([])
    expect(await contentOf(database.db, newer('noctant.order'))).toMatchObject({ noctant_orders: { length: 3 } })
  })

  test('does not run ahead of the live tables', async () => {
    const log = createLog(orders(0, 10))
    await writerOn(database.db).write(log.events.slice(0, 6))
    await run(newer('noctant.order'), log.readHistory)
    expect(await contentOf(database.db, newer('noctant.order'))).toMatchObject({ noctant_orders: { length: 6 } })
  })

  test('parks anew what it cannot take in, and forgets what was parked before', async () => {
    const first = order(0)
    const bad = recorder.poison('noctant.EngineOrderPlaced.v2', first.stream)
    const log = createLog([first, bad, order(1)])
    await writerOn(database.db).write(log.events)
    const parked = () =>
      kernelTables(database.db)
        .selectFrom('opslog_parked_events')
        .select(['projection', 'revision'])
        .orderBy('projection')
        .orderBy('position')
        .execute()
    expect(await parked()).toHaveLength(4)
    // A newer release can read it.
    const mended = createLog([
      log.events[0]!,
      { ...order(2), ...{ position: bad.position, revision: 1n } },
      log.events[2]!,
    ])
    await run(newer('noctant.order'), mended.readHistory)
    expect(await parked()).toEqual([
      { projection: 'noctant.accountCommand', revision: '1' },
      { projection: 'noctant.accountCommand', revision: '2' },
    ])
    expect(await contentOf(database.db, newer('noctant.order'))).toMatchObject({ noctant_orders: { length: 3 } })
  })

  test('of a projection that halts stops at poison and leaves the old tables serving', async () => {
    const opened = recorder.record(example('noctant.AccountOpened.v1'))
    await writerOn(database.db).write([opened])
    const live = await contentOf(database.db)
    const log = createLog([recorder.poison('noctant.AccountOpened.v2', opened.stream)])
    log.events[0] = { ...log.events[0]!, position: opened.position }
    await expect(run(newer('noctant.summary'), log.readHistory)).rejects.toThrow(PoisonedProjection)
    expect(await contentOf(database.db)).toEqual(live)
    expect(await versionOf('noctant.summary')).toBe(1)
  })

  test('drops the tables that a projection no longer has', async () => {
    const log = createLog(orders(0, 1))
    await writerOn(database.db).write(log.events)
    const [before] = newer('noctant.order')
    const renamed: Projection = {
      ...before!,
      tables: [{ ...before!.tables[0]!, name: 'noctant_orders_2' }],
      handlers: {},
    }
    await run([renamed], log.readHistory)
    const { rows } = await sql<{ name: string }>`SELECT tablename AS name FROM pg_tables
      WHERE schemaname = 'public' AND tablename LIKE 'noctant_orders%'`.execute(database.db)
    expect(rows).toEqual([{ name: 'noctant_orders_2' }])
  })
})
