/**
 * How queries travel to Postgres. Each has a name, so that a connection parses and plans it once. Several travel in one
 * pipeline, as a batch or as batched reads, and rows travel by COPY. For kysely, which knows none of these, each begins as
 * a query whose single value says what to do.
 */
import type { Duplex } from 'node:stream'
import { CompiledQuery, type PostgresPool, type PostgresPoolClient } from 'kysely'
import { type Pool, type PoolClient, Query, type QueryConfig } from 'pg'
import { createDeadlines, type Deadlines } from '../runtime/deadlines.ts'
import type { ReadModels } from './database.ts'
import { isPlanOutdated, spoilsConnection, unanswered } from './failure.ts'
import type { Pipeline } from './pipeline.ts'

/**
 * The pool, with names for the statements. A text keeps its name for ever, which bounds the statements of a connection;
 * it gets another one when a table changes its shape. A query without an answer within `answerMaxMs` (0: no limit) loses
 * its connection. pg's own limit would take a timer for each query.
 */
export function namedStatements(pool: Pool, namesMax: number, answerMaxMs: number): PostgresPool {
  const deadlines = createDeadlines(answerMaxMs)
  const names = new Map<string, string>()
  let named = 0
  const rename = (text: string) => {
    const name = `opslog_${++named}`
    names.set(text, name)
    return name
  }
  const nameOf = (text: string): string | undefined => {
    if (!/^\s*(select|insert|update|delete|with)\b/i.test(text)) return undefined
    return names.get(text) ?? (names.size < namesMax ? rename(text) : undefined)
  }
  return {
    end: () => pool.end(),
    connect: async () => namedClient(await pool.connect(), { nameOf, rename, deadlines }),
  }
}

/** The answer to a query, as kysely reads it. */
interface Answer {
  command: string
  rowCount: number | null
  rows: unknown[]
}

/** What the clients of a pool share. */
interface Shared {
  nameOf: (text: string) => string | undefined
  rename: (text: string) => string
  deadlines: Deadlines
}

function namedClient(client: PoolClient, { nameOf, rename, deadlines }: Shared): PostgresPoolClient {
  let inTransaction = false
  let broken: Error | undefined
  const { connection } = client as unknown as { connection: { stream: Duplex } }
  const giveUp = () => connection.stream.destroy(unanswered())

  /** Bounds an answer. The release reports an error that the connection does not survive. */
  async function inTime<T>(answer: Promise<T>): Promise<T> {
    const ended = deadlines.start(giveUp)
    try {
      return await answer
    } catch (error) {
      if (error instanceof Error && spoilsConnection(error)) broken = error
      throw error
    } finally {
      ended()
    }
  }

  async function query(text: string, values: unknown[]): Promise<Answer> {
    if (/^(begin|start transaction)\b/i.test(text)) inTransaction = true
    if (/^(commit|rollback)$/i.test(text)) inTransaction = false
    const [job] = values
    if (job instanceof Batch) return together(job)
    if (job instanceof CopyRows) return inTime(copied(client, text, job))
    if (job instanceof PinnedConnection) {
      job.send = sent
      return { command: 'SELECT', rowCount: 0, rows: [] }
    }
    try {
      return await inTime(asked(client, { name: nameOf(text), text, values }))
    } catch (error) {
      if (!isPlanOutdated(error)) throw error
      const name = rename(text)
      // In a transaction the failure has ended it; a second run of the transaction uses the new name.
      if (inTransaction || isPipelining(client)) throw error
      return inTime(asked(client, { name, text, values }))
    }
  }

  /** Rejects at an outdated plan as well; the caller may send the rest again, under the new name. */
  async function sent(pipeline: Pipeline): Promise<void> {
    try {
      await inTime(pipeline.send(client, nameOf))
    } catch (error) {
      if (isPlanOutdated(error)) rename(pipeline.text)
      throw error
    }
  }

  /** Sends all before the first is answered. In a transaction, those behind a failure fail because of it. */
  async function together({ queries }: Batch): Promise<Answer> {
    const sender: { pipeline?: boolean } = client
    sender.pipeline = true
    try {
      const answers = await Promise.allSettled(queries.map(({ sql, parameters = [] }) => query(sql, [...parameters])))
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
      const rows = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.rows] : []))
      return { command: 'SELECT', rowCount: rows.length, rows }
    } finally {
      sender.pipeline = false
    }
  }

  return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(broken) }
}

/** pg's own mode, set for the time of a batch: otherwise it waits for each answer before it sends the next query. */
const isPipelining = (client: { pipeline?: boolean }): boolean => client.pipeline === true

/** A text and the values of its parameters. */
export interface BatchedQuery {
  sql: string
  parameters?: readonly unknown[]
}

/** The single value of a query that stands for several, which travel together. Its rows are a list of rows for each. */
class Batch {
  readonly queries: readonly BatchedQuery[]
  constructor(queries: readonly BatchedQuery[]) {
    this.queries = queries
  }
}

/** Runs queries in order, in one round trip. Rejects with the first failure, once all have been answered. */
export async function inOneRoundTrip(
  connection: ReadModels,
  queries: readonly BatchedQuery[],
): Promise<Record<string, unknown>[][]> {
  const { rows } = await connection.executeQuery(CompiledQuery.raw('together', [new Batch(queries)]))
  return rows as Record<string, unknown>[][]
}

/** The single value of a query whose answer is a way to send pipelines over the connection, without a query for each. */
export class PinnedConnection {
  /** Rejects as the pipeline does. */
  send!: (pipeline: Pipeline) => Promise<void>
}

/** Takes a connection that the caller holds: its queries and its pipelines follow each other. */
export async function pinnedConnectionOf(connection: ReadModels): Promise<PinnedConnection> {
  const pinned = new PinnedConnection()
  await connection.executeQuery(CompiledQuery.raw('pinned connection', [pinned]))
  return pinned
}

/** pg's own promise of an answer assigns a function literal, which keeps everything that waits for it in memory. */
const asked = (client: PoolClient, query: QueryConfig): Promise<Answer> =>
  new Promise((resolve, reject) => {
    client.query(query, (error, answer) => (error ? reject(error) : resolve(answer)))
  })

/** The single value of a query whose text copies from the client: the rows, in COPY's text format. */
class CopyRows {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Runs a text that ends in `COPY … FROM STDIN`, with rows in COPY's text format. */
export async function copyRows(connection: ReadModels, sql: string, rows: string): Promise<void> {
  await connection.executeQuery(CompiledQuery.raw(sql, [new CopyRows(rows)]))
}

/** pg knows the messages of COPY, but leaves it to others to send any. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

function copied(client: PoolClient, text: string, rows: CopyRows): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null) => (error ? reject(error) : resolve({ command: 'COPY', rowCount: 0, rows: [] }))
    const query = new Query({ text }, done as never)
    const handleCopyInResponse = (connection: CopyConnection) => {
      connection.sendCopyFromChunk(Buffer.from(rows.text))
      connection.endCopyFrom()
    }
    client.query(Object.assign(query, { handleCopyInResponse }))
  })
}
