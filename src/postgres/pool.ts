/**
 * How queries travel to Postgres: each under a name, so that it is parsed and planned once per connection; several in one
 * pipeline, as a batch or as batched reads; or as rows to copy. Below kysely, which knows of none of them, each of the latter
 * begins as a query with one value that says what is to be done.
 */
import type { Duplex } from 'node:stream'
import { CompiledQuery, type PostgresPool, type PostgresPoolClient } from 'kysely'
import { type Pool, type PoolClient, Query, type QueryConfig } from 'pg'
import { createDeadlines, type Deadlines } from '../runtime/deadlines.ts'
import type { ReadModels } from './database.ts'
import type { Pipeline } from './pipeline.ts'

/**
 * The pool, with names for the statements. A name is never taken away from a text, so that the number of statements a
 * connection holds is bounded; it is replaced where a table's shape has changed under it. What gets no answer within
 * `answerMaxMs` (0: no limit) is given up, and its connection with it: pg's own limit takes a timer for each query.
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

/** Of a query, as kysely reads it. */
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
  const giveUp = () => connection.stream.destroy(new Error(UNANSWERED))

  /** An answer, in its time. A failure that the connection does not survive is kept for its release. */
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
    const [source] = values
    try {
      if (source instanceof CopySource) return await inTime(copied(client, text, source))
      if (source instanceof Batch) return await together(source)
      if (source instanceof PinnedConnection) {
        source.send = sent
        return { command: 'SELECT', rowCount: 0, rows: [] }
      }
      return await inTime(asked(client, { name: nameOf(text), text, values }))
    } catch (error) {
      if (!isPlanOutdated(error)) throw error
      const name = rename(text)
      // Within a transaction the failure has ended it; whoever runs it may try again, under the new name.
      if (inTransaction || isPipelining(client)) throw error
      return inTime(asked(client, { name, text, values }))
    }
  }

  /** Whoever sent a pipeline that ends at an outdated plan may send the rest again, under the new name. */
  async function sent(pipeline: Pipeline): Promise<void> {
    try {
      await inTime(pipeline.send(client, nameOf))
    } catch (error) {
      if (isPlanOutdated(error)) rename(pipeline.text)
      throw error
    }
  }

  /** Sends all before the first is answered. What comes after one that failed in a transaction fails for that alone. */
  async function together({ queries }: Batch): Promise<Answer> {
    const sender: { pipeline?: boolean } = client
    sender.pipeline = true
    try {
      const answers = await Promise.allSettled(queries.map(({ sql, parameters }) => query(sql, [...parameters])))
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
      const rows = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.rows] : []))
      return { command: 'SELECT', rowCount: rows.length, rows }
    } finally {
      sender.pipeline = false
    }
  }

  return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(broken) }
}

/** pg's own mode, set for the time of a batch: otherwise it sends a query when the one before has been answered. */
const isPipelining = (client: { pipeline?: boolean }): boolean => client.pipeline === true

/** The one value of a query that stands for several, which are sent together; its rows are their rows, of each a list. */
class Batch {
  readonly queries: readonly CompiledQuery[]
  constructor(queries: readonly CompiledQuery[]) {
    this.queries = queries
  }
}

/** The one value of a query whose answer is a way to send pipelines over the connection, without a query for each. */
export class PinnedConnection {
  /** Rejects as the pipeline does. */
  send!: (pipeline: Pipeline) => Promise<void>
}

/** Takes a connection that is held for the caller: its queries and its pipelines follow each other. */
export async function pinnedConnectionOf(connection: ReadModels): Promise<PinnedConnection> {
  const pinned = new PinnedConnection()
  await connection.executeQuery(CompiledQuery.raw('pinned connection', [pinned]))
  return pinned
}

/** Runs queries one after the other in a single pipeline. Rejects with the first failure, once all have been answered. */
export async function inOneRoundTrip(
  connection: ReadModels,
  queries: readonly CompiledQuery[],
): Promise<Record<string, unknown>[][]> {
  const { rows } = await connection.executeQuery(CompiledQuery.raw('together', [new Batch(queries)]))
  return rows as Record<string, unknown>[][]
}

/** pg's own promise of an answer assigns a function literal, which keeps all that waits for it. */
const asked = (client: PoolClient, query: QueryConfig): Promise<Answer> =>
  new Promise((resolve, reject) => {
    client.query(query, (error, answer) => (error ? reject(error) : resolve(answer)))
  })

/** The one value of a query whose text copies from the client: what it copies, in COPY's text format. */
export class CopySource {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** pg knows the messages of COPY, but leaves it to others to send any. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

function copied(client: PoolClient, text: string, source: CopySource): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null) => (error ? reject(error) : resolve({ command: 'COPY', rowCount: 0, rows: [] }))
    const query = new Query({ text }, done as never)
    const handleCopyInResponse = (connection: CopyConnection) => {
      connection.sendCopyFromChunk(Buffer.from(source.text))
      connection.endCopyFrom()
    }
    client.query(Object.assign(query, { handleCopyInResponse }))
  })
}

export const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}

/** A prepared statement's columns have changed, as after the swap of a rebuilt table. */
export const isPlanOutdated = (error: unknown): boolean =>
  codeOf(error) === '0A000' && error instanceof Error && error.message.includes('cached plan')

const UNANSWERED = 'Postgres did not answer in time'

export const unavailableCode = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/
export const unavailableMessage =
  /^(Connection terminated|Postgres did not answer|Client has encountered a connection error|timeout exceeded when trying to connect|Query read timeout|Client was closed|Cannot use a pool after)/

/** The connection has ended, is about to, or is still occupied by a query without an answer. */
export const spoilsConnection = (error: Error): boolean => {
  const code = codeOf(error)
  return /^(08...|57P0[1-5])$/.test(code) || unavailableCode.test(code) || unavailableMessage.test(error.message)
}
