/** Lists without pages in the contract are bounded all the same. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listPositions } from '../../../src/projections/noctant/position.ts'
import { listProducts } from '../../../src/projections/noctant/product.ts'
import { createRecorder, example, ids } from '../../support/examples.ts'
import { type Prepared, prepared } from '../support.ts'
import { writerOn } from './tables.ts'

let database: Prepared
beforeAll(async () => {
  database = await prepared()
  const { record } = createRecorder()
  const types = ['noctant.AccountOpened.v1', 'noctant.ProductCreated.v1', 'noctant.EnginePositionChanged.v1'] as const
  await writerOn(database.db).write(types.map((type) => record(example(type))))
})
afterAll(() => database.drop())

/** The table's one row as 1,200 others. */
const multiply = (table: string, key: string) =>
  sql`INSERT INTO ${sql.table(table)}
      SELECT (jsonb_populate_record(one, jsonb_build_object(${sql.lit(key)}, gen_random_uuid()))).*
      FROM ${sql.table(table)} one, generate_series(1, 1200)`.execute(database.db)

test('products', async () => {
  await multiply('noctant_products', 'product_id')
  expect(await listProducts(database.db, ids.operator)).toHaveLength(1_000)
})

test('positions', async () => {
  await multiply('noctant_positions', 'position_id')
  expect(await listPositions(database.db, ids.account)).toHaveLength(1_000)
})
