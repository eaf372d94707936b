/** Batched reads travel together, and each has its own answer. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { batchedReadsOf } from '../../src/postgres/batched-reads.ts'
import { createDatabase, type ReadModels } from '../../src/postgres/database.ts'
import { queriesOver } from '../../src/postgres/queries.ts'
import { type Prepared, prepared } from '../projections/support.ts'

const ANSWER = 'SELECT $1::int AS given, count(*)::int AS statements FROM pg_stat_activity WHERE pid = pg_backend_pid()'
const FRACTION = 'SELECT 12 / $1::int AS quotient'

describe('batched reads by key', () => {
  let database: Prepared
  let db: ReadModels
  beforeAll(async () => {
    database = await prepared([])
    db = createDatabase({ url: database.url, poolMax: 4 })
    await database.db.executeQuery(
      sql('CREATE TABLE shapes (id int PRIMARY KEY, name text, at timestamptz, big bigint)'),
    )
    await database.db.executeQuery(
      sql(
        `INSERT INTO shapes SELECT n, 'name ' || n, '2026-03-01 09:30:00.25Z', 9007199254740993 FROM generate_series(1, 300) n`,
      ),
    )
  })
  afterAll(async () => {
    await db.destroy()
    await database.drop()
  })
  const sql = (text: string) => ({ sql: text, parameters: [], query: { kind: 'RawNode' } }) as never

  it('of one turn share a pipeline: a hundred at once take a connection or two', async () => {
    const readRows = batchedReadsOf(db)
    const backends = await Promise.all(
      Array.from({ length: 100 }, () => readRows('SELECT pg_backend_pid() AS pid WHERE $1 = $1', ['x'])),
    )
    expect(new Set(backends.map(([row]) => row!.pid)).size).toBeLessThanOrEqual(2)
  })

  it('each get their own rows, typed as every other query', async () => {
    const readRows = batchedReadsOf(db)
    const asked = Array.from({ length: 300 }, (_, index) => index + 1)
    const answers = await Promise.all(asked.map((n) => readRows('SELECT * FROM shapes WHERE id = $1', [n])))
    expect(answers).toEqual(
      asked.map((id) => [{ id, name: `name ${id}`, at: '2026-03-01T09:30:00.250Z', big: '9007199254740993' }]),
    )
  })

  it('that find nothing, find nothing, between others that do', async () => {
    const readRows = batchedReadsOf(db)
    const answers = await Promise.all([7, 999, 8].map((n) => readRows('SELECT name FROM shapes WHERE id = $1', [n])))
    expect(answers).toEqual([[{ name: 'name 7' }], [], [{ name: 'name 8' }]])
  })

  it('that Postgres refuses fail alone: those behind them are sent again', async () => {
    const readRows = batchedReadsOf(db)
    const answers = await Promise.allSettled([3, 0, 4, 0, 6].map((n) => readRows(FRACTION, [n])))
    expect(answers).toMatchObject([
      { value: [{ quotient: 4 }] },
      { reason: { code: '22012' } },
      { value: [{ quotient: 3 }] },
      { reason: { code: '22012' } },
      { value: [{ quotient: 2 }] },
    ])
    expect(await readRows(ANSWER, [5])).toEqual([{ given: 5, statements: 1 }])
  })

  // Seen to fail without HOLD_MAX_MS: the others waited until the pool gave up.
  it('that never cease leave the last connection to others as well', async () => {
    const single = createDatabase({ url: database.url, poolMax: 1, connectTimeoutMs: 2_000 })
    const readRows = batchedReadsOf(single)
    let isOver = false
    const steady = async () => {
      while (!isOver) await readRows(ANSWER, [1])
    }
    const asking = Promise.all([steady(), steady(), steady()])
    for (let n = 0; n < 3; n++) await single.executeQuery(sql('SELECT 1'))
    isOver = true
    await asking
    await single.destroy()
  })

  // Seen to fail while a statement counted as known only once it had been answered: it was parsed again, under a name
  // that Postgres had by then.
  it('that fail at their very first use on a connection can be asked again there', async () => {
    const single = createDatabase({ url: database.url, poolMax: 1 })
    const readRows = batchedReadsOf(single)
    await expect(readRows(FRACTION, [0])).rejects.toMatchObject({ code: '22012' })
    expect(await readRows(FRACTION, [3])).toEqual([{ quotient: 4 }])
    await expect(readRows('SELECT $1::uuid AS id', ['no id'])).rejects.toMatchObject({ code: '22P02' })
    const id = '5f1c7c52-5f5e-5d0e-9a4b-0a3f0d7c9b11'
    expect(await readRows('SELECT $1::uuid AS id', [id])).toEqual([{ id }])
    await single.destroy()
  })

  it('of texts that cannot even be parsed leave the others as they are', async () => {
    const readRows = batchedReadsOf(db)
    const [wrong, right] = await Promise.allSettled([readRows('SELECT no_such_column', []), readRows(FRACTION, [1])])
    expect(wrong).toMatchObject({ reason: { code: '42703' } })
    expect(right).toMatchObject({ value: [{ quotient: 12 }] })
    await expect(readRows('SELECT no_such_column', [])).rejects.toMatchObject({ code: '42703' })
  })

  it('go on when a table is exchanged for one of another shape, as a rebuild does', async () => {
    const readRows = batchedReadsOf(db)
    const text = 'SELECT * FROM shapes WHERE id = $1'
    await Promise.all([1, 2, 3].map((n) => readRows(text, [n])))
    await database.db.executeQuery(sql('ALTER TABLE shapes ADD COLUMN colour text DEFAULT $$red$$'))
    const answers = await Promise.all([1, 2, 3].map((n) => readRows(text, [n])))
    expect(answers.map(([row]) => row!.colour)).toEqual(['red', 'red', 'red'])
  })

  it('fail as unavailable when the connection ends under them, and the next ones succeed', async () => {
    const readRows = batchedReadsOf(db)
    const sleeping = Array.from({ length: 3 }, (_, n) => readRows('SELECT pg_sleep(30), $1::int', [n]))
    const outcome = Promise.allSettled(sleeping)
    const end = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE $$SELECT pg_sleep(30)%$$'
    await expect
      .poll(async () => (await database.db.executeQuery(sql(end))).rows.length, { timeout: 10_000 })
      .toBeGreaterThan(0)
    for (const { status } of await outcome) expect(status).toBe('rejected')
    expect(await readRows(FRACTION, [2])).toEqual([{ quotient: 6 }])
  })

  it('of a transaction stay in it', async () => {
    const byId = queriesOver<{ shapes: { id: number; name: string } }>().preparedOne((reader, id: number) =>
      reader.selectFrom('shapes').select('name').where('id', '=', id),
    )
    await database.db.transaction().execute(async (trx) => {
      await trx.executeQuery(sql(`INSERT INTO shapes (id, name) VALUES (1000, 'seen from within')`))
      expect(await byId(trx, 1_000)).toEqual({ name: 'seen from within' })
      expect(await byId(db, 1_000)).toBeUndefined()
    })
  })
})
