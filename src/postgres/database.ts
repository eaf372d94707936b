/**
 * Postgres, as the read models and their readers see it: a connection pool under kysely. Every query is a named prepared
 * statement, since unnamed ones cost a third of the throughput on hot paths. Rows hold 64-bit integers and decimals as
 * text, and times as RFC 3339 text in UTC with milliseconds, as answers show them.
 */
import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import { Pool, types } from 'pg'
import { namedStatements } from './pool.ts'

/** What every query takes. The declarations of tables say which there are (`queriesOver`). */
export type ReadModels = Kysely<object>
export type OpenTransaction = Transaction<object>

export interface DatabaseOptions {
  /** `postgres://…` */
  url: string
  /** Shown in pg_stat_activity. */
  applicationName?: string
  poolMax?: number
  connectTimeoutMs?: number
  /** Postgres cancels a statement that runs longer. One without an answer loses its connection a second later. 0: no limit. */
  statementTimeoutMs?: number
  /** An idle connection is closed after this time. */
  idleTimeoutMs?: number
  /** Distinct query texts that get a name; further ones go out unnamed. */
  namedStatementsMax?: number
  /** Called when an idle connection breaks; the pool replaces it. */
  onConnectionLost?: (error: Error) => void
}

const defaults = {
  applicationName: 'opslog',
  poolMax: 10,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  namedStatementsMax: 1_000,
}

/** Opens a pool; connections are made on demand. `destroy()` closes it. */
export function createDatabase(options: DatabaseOptions): ReadModels {
  const settings = { ...defaults, ...options }
  const { statementTimeoutMs } = settings
  const pool = new Pool({
    connectionString: settings.url,
    application_name: settings.applicationName,
    max: settings.poolMax,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    idleTimeoutMillis: settings.idleTimeoutMs,
    // Not as a startup setting: poolers know a few of those and refuse the others.
    onConnect: (client) => client.query(`SET statement_timeout = ${statementTimeoutMs}`).then(() => undefined),
    keepAlive: true,
    types: { getTypeParser: typeParser as typeof types.getTypeParser },
  })
  pool.on('error', (error) => settings.onConnectionLost?.(error))
  // The pool listens to idle connections only. Without a listener, a busy one that breaks would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined))
  // Postgres itself ends what runs too long; this bound is for a Postgres that says nothing.
  const answerMaxMs = statementTimeoutMs > 0 ? statementTimeoutMs + 1_000 : 0
  return new Kysely<object>({
    dialect: new PostgresDialect({ pool: namedStatements(pool, settings.namedStatementsMax, answerMaxMs) }),
  })
}

/** OIDs of Postgres's pg_type catalogue. */
const TIMESTAMPTZ = 1184
const BIGINT = 20
const NUMERIC = 1700

const asText = (text: string) => text

function typeParser(oid: number, format?: 'text' | 'binary') {
  if (oid === TIMESTAMPTZ) return rfc3339
  if (oid === BIGINT || oid === NUMERIC) return asText
  return types.getTypeParser(oid, format)
}

const MILLISECONDS_LENGTH = '2026-03-01 09:30:00.250+00'.length

/** `2026-03-01 09:30:00.25+00` → `2026-03-01T09:30:00.250Z`, whatever the session's time zone. */
export function rfc3339(text: string): string {
  // A year of four digits, in UTC, with three decimals or fewer. Slicing is fast, and every row shows two times or more.
  const isPlain = text[10] === ' ' && text.endsWith('+00') && text.length <= MILLISECONDS_LENGTH
  if (isPlain) return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(3, '0')}Z`
  return new Date(text).toISOString()
}
