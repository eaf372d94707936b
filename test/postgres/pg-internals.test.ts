/**
 * The parts of pg and pg-protocol that src/postgres uses though their types do not promise them. Each test says what a
 * new version of pg would have changed.
 */
import type { Duplex } from 'node:stream'
import { Client, Pool, Query, Result } from 'pg'
import { serialize } from 'pg-protocol'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { failureOf } from '../../src/postgres/failure.ts'
import { createDatabase, type TestDatabase } from '../support/services.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

const opened: Client[] = []
afterEach(async () => {
  for (const client of opened.splice(0)) await client.end().catch(() => undefined)
})

interface Internals {
  pipeline: boolean
  connection: { stream: Duplex; parsedStatements: Record<string, string> }
}

async function connected(options: object = {}): Promise<Client & Internals> {
  const client = new Client({ connectionString: database.url, ...options })
  opened.push(client)
  client.on('error', () => undefined)
  await client.connect()
  return client as unknown as Client & Internals
}
const failed = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => new Error('it succeeded'),
    (error: Error) => error,
  )

test('pg’s Client still has a connection with a stream, and its end rejects the query under way as unavailable', async () => {
  const client = await connected()
  const query = failed(client.query('SELECT pg_sleep(60)'))
  client.connection.stream.destroy(new Error('Postgres did not answer in time'))
  expect(failureOf(await query)).toBe('unavailable')
})

test('pg’s Client still has a switchable pipeline mode: off at first, and on it sends before the first answer', async () => {
  const client = await connected()
  expect(client.pipeline).toBe(false)
  client.pipeline = true
  const sent: string[] = []
  const { stream } = client.connection
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  stream.write = (...args: unknown[]) => {
    sent.push(String(args[0]))
    return write(...args)
  }
  const answers = [client.query('SELECT $1::int AS n', [1]), client.query('SELECT $1::int AS n', [2])]
  await new Promise((resolve) => setImmediate(resolve))
  expect(sent.join('').match(/SELECT \$1::int AS n/g)).toHaveLength(2)
  expect((await Promise.all(answers)).map(({ rows }) => rows[0].n)).toEqual([1, 2])
  client.pipeline = false
  expect((await client.query('SELECT 3 AS n')).rows).toEqual([{ n: 3 }])
})

test('pg’s Connection still keeps the texts of named statements in parsedStatements', async () => {
  const client = await connected()
  await client.query({ name: 'opslog_1', text: 'SELECT 1 AS one' })
  expect(client.connection.parsedStatements.opslog_1).toBe('SELECT 1 AS one')
})

test('pg’s Result still makes rows: constructed with types, it has addFields and parseRow', () => {
  const types = { getTypeParser: () => (text: string) => `parsed ${text}` }
  const Parser = Result as unknown as new (
    mode: undefined,
    types: unknown,
  ) => { [method: string]: unknown } & {
    addFields(fields: object[]): void
    parseRow(fields: (string | null)[]): unknown
  }
  const parser = new Parser(undefined, types)
  parser.addFields([
    { name: 'a', dataTypeID: 23, format: 'text' },
    { name: 'b', dataTypeID: 25, format: 'text' },
  ])
  expect(parser.parseRow(['1', null])).toEqual({ a: 'parsed 1', b: null })
})

test('pg’s Client still drives a Submittable: submit, description, rows, completion and readiness, in this order', async () => {
  const client = await connected()
  const calls: string[] = []
  const done = Promise.withResolvers<void>()
  const submittable = {
    name: 'opslog_2',
    text: 'SELECT $1::text AS word',
    callback: () => undefined,
    submit(connection: Internals['connection']) {
      calls.push('submit')
      const { name, text } = this
      const messages = [
        serialize.parse({ name, text }),
        serialize.bind({ statement: name, values: ['hello'] }),
        serialize.describe({ type: 'P' }),
        serialize.execute({ portal: '', rows: 0 }),
        serialize.sync(),
      ]
      connection.stream.write(Buffer.concat(messages))
    },
    handleRowDescription: ({ fields }: { fields: { name: string }[] }) => calls.push(`described ${fields[0]?.name}`),
    handleDataRow: ({ fields }: { fields: unknown[] }) => calls.push(`row ${fields}`),
    handleCommandComplete: () => calls.push('complete'),
    handleError: done.reject,
    handleReadyForQuery() {
      calls.push('ready')
      done.resolve()
    },
  }
  client.query(submittable as never)
  await done.promise
  expect(calls).toEqual(['submit', 'described word', 'row hello', 'complete', 'ready'])
  expect(client.connection.parsedStatements.opslog_2).toBe('SELECT $1::text AS word')
})

test('pg’s Query still asks handleCopyInResponse, with a connection that sends and ends a copy', async () => {
  const client = await connected()
  await client.query('CREATE TEMPORARY TABLE copied (n integer)')
  await new Promise<void>((resolve, reject) => {
    const ended = (error: Error | null) => (error ? reject(error) : resolve())
    const query = new Query({ text: 'COPY copied FROM STDIN' }, ended as never)
    const handleCopyInResponse = (connection: { sendCopyFromChunk(chunk: Buffer): void; endCopyFrom(): void }) => {
      connection.sendCopyFromChunk(Buffer.from('1\n2\n'))
      connection.endCopyFrom()
    }
    client.query(Object.assign(query, { handleCopyInResponse }))
  })
  expect((await client.query('SELECT n FROM copied ORDER BY n')).rows).toEqual([{ n: 1 }, { n: 2 }])
})

test('pg-protocol still serializes the messages of the extended protocol', () => {
  const first = (message: Buffer) => message.subarray(0, 1).toString('latin1')
  expect(first(serialize.parse({ name: '', text: 'SELECT 1' }))).toBe('P')
  expect(first(serialize.bind({ statement: '', values: [null, 'x'] }))).toBe('B')
  expect(first(serialize.describe({ type: 'P' }))).toBe('D')
  expect(first(serialize.execute({ portal: '', rows: 0 }))).toBe('E')
  expect(first(serialize.sync())).toBe('S')
})

test('pg’s own errors, which have no code, still have the texts that count as unavailable', async () => {
  const bounded = await connected({ query_timeout: 20 })
  expect(await failed(bounded.query('SELECT pg_sleep(60)'))).toMatchObject({ message: 'Query read timeout' })
  const ended = await connected()
  await ended.end()
  const pool = new Pool({ connectionString: database.url })
  await pool.end()
  const cut = await connected()
  const underWay = failed(cut.query('SELECT pg_sleep(60)'))
  cut.connection.stream.destroy()
  const full = new Pool({ connectionString: database.url, max: 1, connectionTimeoutMillis: 2_000 })
  const taken = await full.connect()
  const errors = [failed(bounded.query('SELECT pg_sleep(60)')), failed(ended.query('SELECT 1')), failed(pool.connect())]
  for (const error of await Promise.all([...errors, underWay, failed(full.connect())])) {
    expect(failureOf(error), error.message).toBe('unavailable')
  }
  taken.release()
  await full.end()
})
