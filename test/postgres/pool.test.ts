import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { CompiledQuery, sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { batchedReadsOf } from '../../src/postgres/batched-reads.ts'
import { createDatabase, type ReadModels } from '../../src/postgres/database.ts'
import { failureOf } from '../../src/postgres/failure.ts'
import { inOneRoundTrip } from '../../src/postgres/pool.ts'
import { openSession } from '../../src/postgres/session.ts'
import { createDatabase as createEmptyDatabase } from '../support/services.ts'

let database: Awaited<ReturnType<typeof createEmptyDatabase>>
let db: ReadModels
beforeEach(async () => {
  database = await createEmptyDatabase()
  db = createDatabase({ url: database.url, poolMax: 1, onConnectionLost: () => undefined })
  await sql`CREATE TABLE things (id integer PRIMARY KEY)`.execute(db)
})
afterEach(async () => {
  await db.destroy()
  await database.drop()
})

const raw = (text: string, ...values: unknown[]) => CompiledQuery.raw(text, values)
const insert = (id: number) => raw('INSERT INTO things VALUES ($1)', id)
const ids = async () =>
  (await sql<{ id: number }>`SELECT id FROM things ORDER BY id`.execute(db)).rows.map(({ id }) => id)

/** A line to Postgres on which answers can be held back, and which knows what was sent. */
async function heldLine(url: string) {
  const { hostname, port, username, password, pathname } = new URL(url)
  const sent: Buffer[] = []
  let answers: Socket[] = []
  const server = createServer((client) => {
    const postgres = connect(Number(port), hostname)
    client.on('data', (chunk) => sent.push(chunk)).pipe(postgres)
    postgres.pipe(client)
    answers.push(postgres)
    for (const socket of [client, postgres]) socket.on('error', () => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `postgres://${username}:${password}@127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    sent: () => Buffer.concat(sent).toString('latin1'),
    hold: () => {
      for (const socket of answers) socket.pause()
    },
    release: () => {
      for (const socket of answers) socket.resume()
      answers = []
    },
    close: () => server.close(),
  }
}

describe('queries in one round trip', () => {
  test('run in order, each with its own rows', async () => {
    const queries = [
      insert(1),
      raw('SELECT count(*)::integer AS n FROM things'),
      insert(2),
      raw('SELECT $1::text AS t', 'x'),
    ]
    expect(await inOneRoundTrip(db, queries)).toEqual([[], [{ n: 1 }], [], [{ t: 'x' }]])
    expect(await ids()).toEqual([1, 2])
  })

  test('are all sent before the first is answered', async () => {
    const line = await heldLine(database.url)
    const through = createDatabase({ url: line.url, poolMax: 1, onConnectionLost: () => undefined })
    await sql`SELECT 1`.execute(through)
    line.hold()
    const answers = inOneRoundTrip(through, [raw('SELECT 1 AS first'), raw('SELECT 2 AS second')])
    await vi.waitFor(() => expect(line.sent()).toMatch(/SELECT 1 AS first.*SELECT 2 AS second/s), { timeout: 10_000 })
    line.release()
    expect(await answers).toEqual([[{ first: 1 }], [{ second: 2 }]])
    await through.destroy()
    line.close()
  })

  test('of a transaction are undone with the one that fails, and reject with its failure', async () => {
    await inOneRoundTrip(db, [insert(1)])
    const failing = [raw('begin'), insert(2), insert(1), insert(3), raw('commit')]
    await expect(inOneRoundTrip(db, failing)).rejects.toMatchObject({ code: '23505' })
    expect(await ids()).toEqual([1])
    await inOneRoundTrip(db, [raw('begin'), insert(4), raw('commit')])
    expect(await ids()).toEqual([1, 4])
  })

  test('are unavailable when the connection is cut among them, and the pool replaces it', async () => {
    const cut = raw('SELECT pg_terminate_backend(pg_backend_pid())')
    const failure = await inOneRoundTrip(db, [raw('begin'), insert(1), cut, insert(2), raw('commit')]).catch(
      (error) => error,
    )
    expect(failureOf(failure)).toBe('unavailable')
    expect(await ids()).toEqual([])
  })

  test('survive a change of a table’s columns as single ones do', async () => {
    const select = raw('SELECT * FROM things')
    await inOneRoundTrip(db, [insert(1), select])
    await sql`ALTER TABLE things ADD COLUMN more text`.execute(db)
    await inOneRoundTrip(db, [select]).catch(() => undefined)
    expect(await inOneRoundTrip(db, [select])).toEqual([[{ id: 1, more: null }]])
  })
})

describe('a server that falls silent', () => {
  test.each([
    ['a query', (through: ReadModels) => sql`SELECT 1`.execute(through)],
    ['a batch', (through: ReadModels) => inOneRoundTrip(through, [raw('SELECT 1'), raw('SELECT 2')])],
    ['a batched read', (through: ReadModels) => batchedReadsOf(through)('SELECT $1::int AS one', [1])],
    [
      'a batched read on a connection that is kept',
      async (through: ReadModels, silence: () => void) => {
        await batchedReadsOf(through)('SELECT $1::int AS one', [1])
        silence()
        await batchedReadsOf(through)('SELECT $1::int AS one', [1])
      },
    ],
  ])('does not keep %s waiting: it is unavailable, and the next one takes another connection', async (_, ask) => {
    const line = await heldLine(database.url)
    const through = createDatabase({
      url: line.url,
      poolMax: 1,
      statementTimeoutMs: 20,
      onConnectionLost: () => undefined,
    })
    try {
      await sql`SELECT 1`.execute(through)
      if (ask.length === 1) line.hold()
      const failure = await ask(through, line.hold).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(failureOf(failure)).toBe('unavailable')
      expect((await sql`SELECT 2 AS two`.execute(through)).rows).toEqual([{ two: 2 }])
    } finally {
      line.release()
      await through.destroy()
      line.close()
    }
  })

  test('ends a session that asks, which is unavailable', async () => {
    const line = await heldLine(database.url)
    const session = await openSession({ url: line.url, applicationName: 'test', answerTimeoutMs: 2_000 })
    line.hold()
    const failure = await session.query('SELECT 1').catch((error: unknown) => error)
    expect([failureOf(failure), session.ended.aborted]).toEqual(['unavailable', true])
    line.release()
    line.close()
  })
})
