/** A connection to Postgres outside the pool: it holds a lock, or listens to notifications. */
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'

export interface SessionOptions {
  url: string
  applicationName: string
  /** Bounds the connecting and each answer; an answer that is late ends the session. */
  answerTimeoutMs: number
}

export interface Session {
  client: Client
  /** Aborts when the connection has ended. */
  ended: AbortSignal
  /** Runs one query. A query without an answer in time ends the session. */
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

/** The other side may never confirm the end of a connection. */
const CLOSE_TIMEOUT_MS = 1_000

/** Connects, or rejects with what Postgres or the network says. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const client = new Client({
    connectionString: options.url,
    application_name: options.applicationName,
    connectionTimeoutMillis: options.answerTimeoutMs,
    query_timeout: options.answerTimeoutMs,
    keepAlive: true,
  })
  const ended = new AbortController()
  client.on('error', (error) => ended.abort(error))
  client.on('end', () => ended.abort(new Error('the connection to Postgres has ended')))
  const close = async () => {
    const closed = client.end().catch((error) => ended.abort(error))
    await Promise.race([closed, delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })])
    ended.abort(new Error('the session was closed'))
  }
  await client.connect()
  return {
    client,
    ended: ended.signal,
    async query(text, values = []) {
      try {
        return (await client.query(text, values)).rows
      } catch (error) {
        if (error instanceof Error && error.message === 'Query read timeout') await close()
        throw error
      }
    },
    close,
  }
}
