import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { failureOf } from '../../src/postgres/failure.ts'
import type { BatchedQuery } from '../../src/postgres/pool.ts'
import { inPipelinedTransaction, type PipelinedTransaction } from '../../src/postgres/transaction.ts'
import { createBulkWriter } from '../../src/projections/bulk.ts'
import { flush } from '../../src/projections/changes.ts'
import { boolean, integer, jsonb, numeric, text, time } from '../../src/projections/columns.ts'
import { type Change, defineTable, patch, remove, upsert, type WrittenOf } from '../../src/projections/projection.ts'
import { contentOf, type Prepared, prepared } from './support.ts'

const things = defineTable({
  name: 'things',
  key: ['id'],
  columns: {
    id: text,
    name: text.orNull,
    size: integer.orNull,
    amount: numeric.orNull,
    open: boolean.orNull,
    facts: jsonb.orNull,
    at: time.orNull,
  },
  generated: { double: integer.computed('size * 2') },
})
type Row = WrittenOf<typeof things>
const tags = defineTable({
  name: 'tags',
  key: ['id'],
  columns: { id: text, words: text.array },
})
const notes = defineTable({
  name: 'notes',
  key: ['id'],
  columns: { id: text, first: text.orNull, last: text.orNull },
  createsOnPatch: true,
  writeOnce: ['first'],
})
const projection = {
  name: 'test.thing',
  version: 1,
  onPoison: 'park' as const,
  tables: [things, tags, notes],
  handlers: {},
}

let database: Prepared
beforeEach(async () => {
  database = await prepared([projection])
})
afterEach(() => database.drop())

const thing = (index: number, row: Partial<Row> = {}): Row => ({
  id: `thing ${index}`,
  name: `Thing ${index}`,
  size: index,
  amount: `${index}.50`,
  open: index % 2 === 0,
  facts: { index, list: [index, null] },
  at: '2026-03-01T09:30:00.250Z',
  ...row,
})
const upserts = (count: number, row: Partial<Row> = {}) =>
  Array.from({ length: count }, (_, index) => upsert(things, thing(index, row)))
type Write = (trx: PipelinedTransaction, changes: readonly Change[]) => Promise<readonly BatchedQuery[]>
const copied: Write = createBulkWriter([projection])
const asJson: Write = async ({ db }, changes) => {
  await flush(db, changes)
  return []
}
const inTransaction = (work: (trx: PipelinedTransaction) => Promise<readonly BatchedQuery[]>) =>
  inPipelinedTransaction(database.db, 1, [], work)
const runInOrder = async (write: Write, batches: readonly Change[][]) => {
  for (const changes of batches) await inTransaction((trx) => write(trx, changes))
}

/** What the batches leave behind on either way; the bulk way must have copied. */
async function onBothWays(batches: readonly Change[][]): Promise<unknown> {
  await runInOrder(asJson, batches)
  const expected = await contentOf(database.db, [projection])
  await sql`TRUNCATE things, tags, notes`.execute(database.db)
  await runInOrder(copied, batches)
  expect(await contentOf(database.db, [projection])).toEqual(expected)
  return expected
}

describe('changes by COPY come to the same as changes in JSON', () => {
  test('for rows, patches and removals, batch after batch', async () => {
    const content = await onBothWays([
      upserts(500),
      Array.from({ length: 300 }, (_, index) => patch(things, { id: `thing ${index * 2}` }, { name: null, size: -1 })),
      Array.from({ length: 200 }, (_, index) => remove(things, { id: `thing ${index}` })),
      upserts(300, { name: 'again' }),
    ])
    expect(content).toMatchObject({ things: { length: 500 } })
  })

  test('for rows made by patches, whose first value stays', async () => {
    const last = (round: number) =>
      Array.from({ length: 150 }, (_, index) =>
        patch(notes, { id: `note ${index}` }, { first: `first of ${round}`, last: `last of ${round}` }),
      )
    const content = await onBothWays([last(1), last(2)])
    expect(content).toMatchObject({ notes: expect.arrayContaining([expect.objectContaining({ first: 'first of 1' })]) })
  })

  test('for text that looks like what COPY has a meaning for', async () => {
    const awkward = [
      '',
      '\\N',
      '\\.',
      '\t',
      '\n',
      '\r\n',
      'a\\tb',
      '\\',
      '"',
      "'",
      'é\u{1f600}\u2028',
      ' ',
      'null',
      '\b\f\v',
    ]
    const rows = Array.from({ length: 140 }, (_, index) => {
      const name = awkward[index % awkward.length]!
      return upsert(things, thing(index, { name, facts: { [name]: [name] } }))
    })
    await onBothWays([rows])
  })

  test('for JSON that is no object, and for nothing', async () => {
    const values = [null, 'text', '5', 5, true, [], {}, undefined]
    const rows = Array.from({ length: 160 }, (_, index) =>
      upsert(things, thing(index, { facts: values[index % values.length], at: null, open: null, amount: null })),
    )
    await onBothWays([rows])
  })

  test('for types that COPY writes otherwise', async () => {
    await onBothWays([
      Array.from({ length: 150 }, (_, index) => upsert(tags, { id: `${index}`, words: ['a,b', `${index}`] })),
    ])
  })
})

test('copies at all', async () => {
  await inTransaction(async (trx) => {
    const queries = await copied(trx, upserts(500))
    const { rows } = await sql<{ name: string }>`SELECT relname AS name FROM pg_class
      WHERE relpersistence = 't' AND relkind = 'r' AND relname LIKE 'opslog_copied%'`.execute(trx.db)
    expect(rows).toHaveLength(1)
    return queries
  })
})

test.each([
  ['a NUL', { name: 'a\0b' }],
  ['a lone surrogate', { name: 'a\ud800b' }],
  ['a lone surrogate in JSON', { facts: { name: '\udc00' } }],
  ['what is no number', { size: 'many' as unknown as number }],
])('refuses %s as data, however it travels, and leaves the connection fit for use', async (_, row) => {
  const bad = [...upserts(200), upsert(things, thing(200, row))]
  for (const write of [asJson, copied]) {
    const refusal = await runInOrder(write, [bad]).catch((error: unknown) => error)
    expect(failureOf(refusal)).toBe('refusedData')
    await runInOrder(write, [upserts(200)])
  }
})
