import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Recorded } from '../../src/events/event.ts'
import { applyInMemory, flush, keyOf, statementsFor } from '../../src/projections/changes.ts'
import { text } from '../../src/projections/columns.ts'
import {
  type Change,
  ddlOf,
  defineTable,
  erase,
  patch,
  remove,
  type TableOf,
  upsert,
  type Values,
} from '../../src/projections/projection.ts'
import { projections as all } from '../support/contexts.ts'
import { createRecorder, type ExampleEvent, type ExampleType, example, uuidOf } from '../support/examples.ts'
import { contentOf, empty, type Prepared, prepared } from './support.ts'

const ENGINE_TYPES: readonly ExampleType[] = [
  'noctant.EngineOrderPlaced.v1',
  'noctant.EngineOrderFilled.v1',
  'noctant.EngineOrderCancelled.v1',
  'noctant.EnginePositionChanged.v1',
  'noctant.EnginePositionClosed.v1',
  'noctant.EngineAccountMarked.v1',
  'noctant.EngineCommandDecided.v1',
  'noctant.EngineCommandPublished.v1',
  'noctant.EngineCommandRepublished.v1',
  'noctant.EngineCommandRequested.v1',
  'noctant.AccountOpened.v1',
  'noctant.AccountStatusChanged.v1',
]
/** The other tables stay empty: reading them again and again took most of the time. */
const projections = all.filter(({ handlers }) => ENGINE_TYPES.some((type) => type in handlers))

let database: Prepared
beforeAll(async () => {
  database = await prepared(projections)
})
afterAll(() => database.drop())
beforeEach(() => empty(database.db, projections))

const changesOf = (events: readonly Recorded[]): Change[] =>
  events.flatMap((event) => projections.flatMap(({ handlers }) => handlers[event.type]?.(event) ?? []))

const apply = (...batches: (readonly Recorded[])[]) =>
  database.db.transaction().execute(async (trx) => {
    for (const batch of batches) await flush(trx, changesOf(batch))
  })

async function endOf(...batches: (readonly Recorded[])[]): Promise<unknown> {
  await empty(database.db, projections)
  await apply(...batches)
  return contentOf(database.db, projections)
}

describe('changes of one row', () => {
  type Row = { id: string; first: string | null; last: string | null }
  const columns = { id: text, first: text.orNull, last: text.orNull }
  type TestTable = TableOf<string, typeof columns, 'id', Record<never, never>>
  const full: TestTable = defineTable({ name: 'test_full', key: ['id'], columns })
  const createsOnPatch: TestTable = defineTable({
    name: 'test_sparse',
    key: ['id'],
    columns,
    createsOnPatch: true,
    writeOnce: ['first'],
  })
  const id = 'a'
  const fill = (table: TestTable, value: string) => patch(table, { id }, { first: value, last: value })
  const make = (table: TestTable, value: string) => upsert(table, { id, first: value, last: value })
  const drop = (table: TestTable) => remove(table, { id })
  const forget = (table: TestTable, last: string) => erase(table, { last }, ['first'])

  beforeAll(async () => {
    for (const text of [full, createsOnPatch].flatMap(ddlOf)) await sql.raw(text).execute(database.db)
  })

  test.each<{ name: string; table: TestTable; changes: (table: TestTable) => Change[]; end: Row[] }>([
    { name: 'patched when absent', table: full, changes: (t) => [fill(t, '1')], end: [] },
    {
      name: 'erased after it was made',
      table: full,
      changes: (t) => [make(t, '1'), forget(t, '1')],
      end: [{ id, first: null, last: '1' }],
    },
    {
      name: 'erased as what it was patched to',
      table: full,
      changes: (t) => [make(t, '1'), fill(t, '2'), forget(t, '1'), forget(t, '2')],
      end: [{ id, first: null, last: '2' }],
    },
    {
      name: 'made and patched after an erasure',
      table: full,
      changes: (t) => [make(t, '1'), forget(t, '1'), make(t, '1'), forget(t, '2'), fill(t, '3')],
      end: [{ id, first: '3', last: '3' }],
    },
    {
      name: 'erased as somebody else’s',
      table: full,
      changes: (t) => [make(t, '1'), forget(t, '2')],
      end: [{ id, first: '1', last: '1' }],
    },
    { name: 'patched after removal', table: full, changes: (t) => [make(t, '1'), drop(t), fill(t, '2')], end: [] },
    {
      name: 'made again',
      table: full,
      changes: (t) => [make(t, '1'), drop(t), make(t, '2')],
      end: [{ id, first: '2', last: '2' }],
    },
    {
      name: 'patched twice',
      table: full,
      changes: (t) => [make(t, '1'), fill(t, '2'), fill(t, '3')],
      end: [{ id, first: '3', last: '3' }],
    },
    {
      name: 'createsOnPatch, patched when absent',
      table: createsOnPatch,
      changes: (t) => [fill(t, '1')],
      end: [{ id, first: '1', last: '1' }],
    },
    {
      name: 'createsOnPatch, patched twice',
      table: createsOnPatch,
      changes: (t) => [fill(t, '1'), fill(t, '2')],
      end: [{ id, first: '1', last: '2' }],
    },
    {
      name: 'createsOnPatch, patched after removal',
      table: createsOnPatch,
      changes: (t) => [fill(t, '1'), drop(t), fill(t, '2')],
      end: [{ id, first: '2', last: '2' }],
    },
  ])('$name: the same at once, one by one, and in memory', async ({ table, changes, end }) => {
    const rows = async (...batches: Change[][]) => {
      await sql`DELETE FROM ${sql.table(table.name)}`.execute(database.db)
      await database.db.transaction().execute(async (trx) => {
        for (const batch of batches) await flush(trx, batch)
      })
      return (await sql`SELECT * FROM ${sql.table(table.name)}`.execute(database.db)).rows
    }
    expect(await rows(changes(table))).toEqual(end)
    expect(await rows(...changes(table).map((change) => [change]))).toEqual(end)
    const memory = new Map<string, Values>()
    applyInMemory(new Map([[table, memory]]), changes(table))
    expect([...memory.values()]).toEqual(end)
  })
})

describe('batches', () => {
  /** Events on few orders, positions and commands, so that they get in each other's way. */
  const few = fc.constantFrom('a', 'b', 'c')
  const engineEvent = fc
    .record({
      type: fc.constantFrom(...ENGINE_TYPES),
      one: few,
      two: few,
      number: fc.integer({ min: 1, max: 99 }),
    })
    .map(({ type, one, two, number }) => {
      const fits = example(type).data as Record<string, unknown>
      const overrides: Record<string, unknown> = {
        orderId: uuidOf(`order ${one}`),
        positionId: uuidOf(`position ${one}`),
        commandId: uuidOf(`command ${two}`),
        filledQuantity: `${number}.5`,
        unrealizedPnl: `-${number}`,
        attempt: number,
        positions: [
          { positionId: uuidOf(`position ${one}`), symbol: 'EURUSD', markPrice: '1', unrealizedPnl: `${number}` },
          { positionId: uuidOf(`position ${two}`), symbol: 'EURUSD', markPrice: '1', unrealizedPnl: `${-number}` },
        ],
      }
      const changed = Object.fromEntries(Object.entries(overrides).filter(([name]) => name in fits))
      return { type, data: { ...fits, ...changed } } as ExampleEvent
    })

  test('end the same wherever they are cut, in Postgres and in memory', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(engineEvent, { maxLength: 12 }), { maxLength: 5 }), async (batches) => {
        const { record } = createRecorder()
        const recorded = batches.map((batch) => batch.map((event) => record(event) as Recorded))
        const whole = await endOf(recorded.flat())
        expect(await endOf(...recorded)).toEqual(whole)
        expect(await endOf(...recorded.flat().map((event) => [event]))).toEqual(whole)

        const tables = new Map(
          projections.flatMap((projection) => projection.tables.map((table) => [table, new Map<string, Values>()])),
        )
        for (const batch of recorded) applyInMemory(tables, changesOf(batch))
        for (const [table, rows] of tables) {
          const stored = (whole as Record<string, Values[]>)[table.name]!
          expect(stored).toHaveLength(rows.size)
          for (const row of stored) expect(row).toMatchObject(rows.get(keyOf(table, row))!)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('go out as one statement per table and kind, whose text does not depend on the values', () => {
    const { record } = createRecorder()
    const statementsOf = (count: number) => {
      const orderIds = Array.from({ length: count }, (_, index) => uuidOf(`order ${index}`))
      const placed = orderIds.map((orderId) => record(example('noctant.EngineOrderPlaced.v1', { orderId })))
      const cancelled = orderIds.map((orderId) =>
        record(example('noctant.EngineOrderCancelled.v1', { orderId: uuidOf(`other ${orderId}`) })),
      )
      return statementsFor(changesOf([...placed, ...cancelled]))
    }
    const texts = statementsOf(500).map(({ text }) => text)
    expect(texts).toHaveLength(2)
    expect(texts).toEqual(statementsOf(3).map(({ text }) => text))
  })
})
