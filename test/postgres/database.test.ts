import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { createDatabase, type ReadModels, rfc3339 } from '../../src/postgres/database.ts'
import { failureOf } from '../../src/postgres/failure.ts'
import { inTransaction } from '../../src/postgres/transaction.ts'
import { kernelTables } from '../../src/projections/kernel-tables.ts'
import { prepareSchema } from '../../src/projections/schema.ts'
import { sample } from '../sample/context.ts'
import { sampleProjections as projections } from '../sample/read-models.ts'
import { createDatabase as createEmptyDatabase, type TestDatabase } from '../support/services.ts'

let database: TestDatabase
const opened: ReadModels[] = []
beforeEach(async () => {
  database = await createEmptyDatabase()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((db) => db.destroy()))
  await database.drop()
})
const connect = (options: Partial<Parameters<typeof createDatabase>[0]> = {}) => {
  const db = createDatabase({ url: database.url, ...options })
  opened.push(db)
  return db
}
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
const preparedTexts = async (db: ReadModels) => {
  const { rows } = await sql<{ statement: string }>`SELECT statement FROM pg_prepared_statements`.execute(db)
  return rows.map(({ statement }) => statement)
}

describe('statements', () => {
  test('are prepared under a name, once per connection, however often they run', async () => {
    const db = connect({ poolMax: 1 })
    await prepareSchema(db, [sample])
    for (let run = 0; run < 5; run++) await sql`SELECT text FROM sample_notes WHERE note_id = ${run}`.execute(db)
    const texts = (await preparedTexts(db)).filter((text) => text.includes('FROM sample_notes'))
    expect(texts).toHaveLength(1)
  })

  test('are named up to a bound; beyond it they run without a name', async () => {
    const db = connect({ poolMax: 1, namedStatementsMax: 3 })
    for (let column = 0; column < 10; column++) await sql`SELECT 1 AS ${sql.ref(`c${column}`)}`.execute(db)
    expect((await preparedTexts(db)).length).toBe(3)
  })

  test('survive a change of a table’s columns', async () => {
    const db = connect({ poolMax: 1 })
    const read = () => sql`SELECT * FROM shape`.execute(db)
    await sql`CREATE TABLE shape (a integer)`.execute(db)
    await read()
    await sql`DROP TABLE shape`.execute(db)
    await sql`CREATE TABLE shape (a text, b integer)`.execute(db)
    await sql`INSERT INTO shape VALUES ('x', 1)`.execute(db)
    expect((await read()).rows).toEqual([{ a: 'x', b: 1 }])
  })

  test('follow the search path of their transaction', async () => {
    const db = connect({ poolMax: 1 })
    await sql`CREATE SCHEMA shadow`.execute(db)
    for (const table of ['public.place', 'shadow.place']) {
      await sql`CREATE TABLE ${sql.table(table)} (name text)`.execute(db)
      await sql`INSERT INTO ${sql.table(table)} VALUES (${table})`.execute(db)
    }
    const place = async (schema: string) =>
      db.transaction().execute(async (trx) => {
        await sql`SET LOCAL search_path TO ${sql.id(schema)}`.execute(trx)
        return (await sql<{ name: string }>`SELECT name FROM place`.execute(trx)).rows[0]?.name
      })
    expect([await place('public'), await place('shadow'), await place('public')]).toEqual([
      'public.place',
      'shadow.place',
      'public.place',
    ])
  })

  test('that run too long are cancelled, and count as unavailability', async () => {
    const db = connect({ poolMax: 1, statementTimeoutMs: 50 })
    expect(failureOf(await failure(sql`SELECT pg_sleep(10)`.execute(db)))).toBe('unavailable')
    expect((await sql`SELECT 1 AS one`.execute(db)).rows).toEqual([{ one: 1 }])
  })
})

describe('values', () => {
  test('of 64 bits and decimals are text, times are RFC 3339 in UTC with milliseconds', async () => {
    const db = connect({ poolMax: 1 })
    const read = () =>
      sql`SELECT 9007199254740993::bigint AS big, 1.10::numeric AS decimal,
        '2026-03-01 09:30:00.25+00'::timestamptz AS time`.execute(db)
    const expected = [{ big: '9007199254740993', decimal: '1.10', time: '2026-03-01T09:30:00.250Z' }]
    expect((await read()).rows).toEqual(expected)
    await sql`SET TIME ZONE 'Asia/Kolkata'`.execute(db)
    expect((await read()).rows).toEqual(expected)
  })

  test.each([
    ['2026-03-01 09:30:00+00', '2026-03-01T09:30:00.000Z'],
    ['2026-03-01 09:30:00.007+00', '2026-03-01T09:30:00.007Z'],
    ['2026-03-01 15:00:00.5+05:30', '2026-03-01T09:30:00.500Z'],
    ['2026-03-01 09:30:00.25+00', '2026-03-01T09:30:00.250Z'],
    ['2026-03-01 09:30:00.251+00', '2026-03-01T09:30:00.251Z'],
    ['2026-03-01 09:30:00.251999+00', '2026-03-01T09:30:00.251Z'],
    ['2026-03-01 15:00:00+05:30', '2026-03-01T09:30:00.000Z'],
  ])('%s reads as %s', (text, expected) => {
    expect(rfc3339(text)).toBe(expected)
  })
})

describe('failures', () => {
  test('a server that is not there is unavailable', async () => {
    const db = connect({ url: `postgres://nobody:x@127.0.0.1:${await freePort()}/nothing` })
    expect(failureOf(await failure(sql`SELECT 1`.execute(db)))).toBe('unavailable')
  })

  test('a connection that is cut in mid query is unavailable, and the pool replaces it', async () => {
    const db = connect({ poolMax: 1, onConnectionLost: () => undefined })
    const other = connect({ poolMax: 1 })
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(db)
    const sleeping = failure(sql`SELECT pg_sleep(10)`.execute(db))
    await sql`SELECT pg_terminate_backend(${rows[0]!.pid})`.execute(other)
    expect(failureOf(await sleeping)).toBe('unavailable')
    expect((await sql`SELECT 1 AS one`.execute(db)).rows).toEqual([{ one: 1 }])
  })

  test('a full pool is unavailable after the time for a connection', async () => {
    const db = connect({ poolMax: 1, connectTimeoutMs: 1_000, statementTimeoutMs: 5_000 })
    const error = await db.transaction().execute(async () => failure(sql`SELECT 1`.execute(db)))
    expect(failureOf(error)).toBe('unavailable')
  })

  test('a mistake is not unavailability, nor is refused data', async () => {
    const db = connect({ poolMax: 1 })
    expect(failureOf(await failure(sql`SELECT nothing`.execute(db)))).toBe('other')
    const refused = await failure(sql`SELECT 'x'::text::integer`.execute(db))
    expect(failureOf(refused)).toBe('refusedData')
  })

  test('a deadlock is resolved by running the transaction again', async () => {
    const db = connect({ poolMax: 2 })
    await sql`CREATE TABLE pair (id integer PRIMARY KEY, n integer)`.execute(db)
    await sql`INSERT INTO pair VALUES (1, 0), (2, 0)`.execute(db)
    const bothHold = Promise.withResolvers<void>()
    let holding = 0
    const increment = (first: number, second: number) =>
      inTransaction(db, 3, async (trx) => {
        await sql`UPDATE pair SET n = n + 1 WHERE id = ${first}`.execute(trx)
        if (++holding === 2) bothHold.resolve()
        await bothHold.promise
        await sql`UPDATE pair SET n = n + 1 WHERE id = ${second}`.execute(trx)
      })
    await Promise.all([increment(1, 2), increment(2, 1)])
    expect((await sql`SELECT n FROM pair ORDER BY id`.execute(db)).rows).toEqual([{ n: 2 }, { n: 2 }])
  })

  test('a transaction that keeps failing is given up after its attempts', async () => {
    const db = connect({ poolMax: 1 })
    let attempts = 0
    const error = await failure(
      inTransaction(db, 3, async (trx) => {
        attempts += 1
        await sql`DO $$ BEGIN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END $$`.execute(trx)
      }),
    )
    expect(error).toMatchObject({ code: '40001' })
    expect(attempts).toBe(3)
  })
})

test('processes that start at once prepare the schema side by side', async () => {
  const dbs = Array.from({ length: 6 }, () => connect({ poolMax: 1 }))
  await Promise.all(dbs.map((db) => prepareSchema(db, [sample])))
  const rows = await kernelTables(dbs[0]!)
    .selectFrom('opslog_projections')
    .select(['name', 'version'])
    .orderBy('name')
    .execute()
  expect(rows).toEqual(
    projections.map(({ name, version }) => ({ name, version })).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  )
})
