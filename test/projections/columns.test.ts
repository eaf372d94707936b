import { expect, expectTypeOf, test } from 'vitest'
import { bigint, integer, jsonb, numeric, text, time, uuid } from '../../src/projections/columns.ts'
import { columnsBut, ddlOf, defineTable, type RowOf, upsert, type WrittenOf } from '../../src/projections/projection.ts'

const things = defineTable({
  name: 'things',
  key: ['thing_id'],
  columns: {
    thing_id: uuid,
    code: text.unique,
    side: text.of<'long' | 'short'>(),
    words: text.array.orNull,
    amount: numeric.with('CHECK (amount > 0)'),
    facts: jsonb.of<{ a: number }>().orNull,
    made_at: time.with('DEFAULT now()'),
  },
  generated: { length: integer.of<1 | 2>().computed('length(code)') },
  indexes: ['(made_at DESC)'],
})

test('a table’s columns say how it is made', () => {
  expect(ddlOf(things)).toStrictEqual([
    'CREATE TABLE IF NOT EXISTS things (thing_id uuid NOT NULL, code text NOT NULL UNIQUE, side text NOT NULL, ' +
      'words text[], amount numeric NOT NULL CHECK (amount > 0), facts jsonb, ' +
      'made_at timestamptz(3) NOT NULL DEFAULT now(), ' +
      'length integer GENERATED ALWAYS AS (length(code)) STORED, PRIMARY KEY (thing_id))',
    'CREATE INDEX IF NOT EXISTS things_1 ON things (made_at DESC)',
  ])
})

test('and what its rows hold', () => {
  type Written = {
    thing_id: string
    code: string
    side: 'long' | 'short'
    words: string[] | null
    amount: string
    facts: { a: number } | null
    made_at: string
  }
  expectTypeOf<WrittenOf<typeof things>>().toEqualTypeOf<Written>()
  expectTypeOf<RowOf<typeof things>['length']>().toEqualTypeOf<1 | 2>()
  expectTypeOf(columnsBut(things, 'facts', 'words')).items.toEqualTypeOf<
    'thing_id' | 'code' | 'side' | 'amount' | 'made_at' | 'length'
  >()
  expect(columnsBut(things, 'facts', 'words')).toStrictEqual([
    'thing_id',
    'code',
    'side',
    'amount',
    'made_at',
    'length',
  ])
})

test('a row is written with the table’s columns alone, and with all of them', () => {
  const table = defineTable({ name: 'pairs', key: ['id'], columns: { id: bigint, value: text.orNull } })
  expect(upsert(table, { ...{ id: '1', value: null, more: 'of the event' } })).toStrictEqual({
    kind: 'upsert',
    table,
    row: { id: '1', value: null },
  })
  // @ts-expect-error A column is missing.
  upsert(table, { id: '1' })
  // @ts-expect-error A number is no text.
  upsert(table, { id: 1, value: null })
})
