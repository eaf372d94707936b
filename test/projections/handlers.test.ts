import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { applyInMemory, flush, statementsFor } from '../../src/projections/changes.ts'
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
import { boardStream } from '../sample/board.ts'
import { sampleProjections as projections } from '../sample/read-models.ts'
import { createRecorder } from '../support/examples.ts'
import { changesOf, endTheSameWhereverCut } from './batches.ts'
import { empty, type Prepared, prepared } from './support.ts'

let database: Prepared
beforeAll(async () => {
  database = await prepared(projections)
})
afterAll(() => database.drop())
beforeEach(() => empty(database.db, projections))

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
  /** Events on few notes and places, so that they get in each other's way. */
  const few = fc.constantFrom('a', 'b', 'c')
  const boardEvent = fc
    .record({
      type: fc.constantFrom('sample.NoteWritten.v1', 'sample.NotePinned.v1', 'sample.NoteTakenDown.v1'),
      noteId: few,
      tenantId: few,
      place: fc.integer({ min: 0, max: 2 }),
    })
    .map(({ type, noteId, tenantId, place }) => ({ type, data: { noteId, tenantId, text: `at ${place}`, place } }))

  test('end the same wherever they are cut, in Postgres and in memory', async () => {
    await endTheSameWhereverCut(database.db, projections, boardEvent, () => 'sample.note-all')
  })

  test('go out as one statement per table and kind, whose text does not depend on the values', () => {
    const { record } = createRecorder()
    const board = projections.filter(({ name }) => name === 'sample.board')
    const event = (type: string, place: number, tenantId: string) =>
      record({ type, data: { noteId: `note ${place}`, tenantId, place } }, boardStream(tenantId))
    const statementsOf = (count: number) => {
      const places = Array.from({ length: count }, (_, index) => index)
      const pinned = places.map((place) => event('sample.NotePinned.v1', place, 'acme'))
      const takenDown = places.map((place) => event('sample.NoteTakenDown.v1', place, 'another'))
      return statementsFor(changesOf(board, [...pinned, ...takenDown]))
    }
    const texts = statementsOf(500).map(({ text }) => text)
    expect(texts).toHaveLength(2)
    expect(texts).toEqual(statementsOf(3).map(({ text }) => text))
  })
})
