/**
 * Postgres, as the read models and their readers see it: a connection pool under kysely that sends every query as a named
 * prepared statement (unnamed ones cost a third of the throughput on hot paths).
 * 64-bit integers and decimals come back as text, times as RFC 3339 text in UTC with milliseconds: as answers show them.
 */
import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import { Pool, types } from 'pg'
import { codeOf, namedStatements, unavailableCode, unavailableMessage } from './pool.ts'

/** What every query takes. Which tables there are, those say who declare them (`databaseOf`). */
export type ReadModels = Kysely<object>
export type OpenTransaction = Transaction<object>

/** The same database, for queries that name these tables: the one place where their types are taken for granted. */
export const databaseOf = <Tables>(db: ReadModels): Kysely<Tables> => db as unknown as Kysely<Tables>

export interface DatabaseOptions {
  /** `postgres://…` */
  url: string
  /** Shown in pg_stat_activity. */
  applicationName?: string
  poolMax?: number
  connectTimeoutMs?: number
  /** A statement that runs longer is cancelled; one that gets no answer is given up a second later. 0: no limit. */
  statementTimeoutMs?: number
  /** An idle connection is closed after this time. */
  idleTimeoutMs?: number
  /** Distinct query texts that get a name; further ones go out unnamed. */
  namedStatementsMax?: number
  /** Told of an idle connection that broke; the pool replaces it. */
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
    // Not at the startup, where poolers know a few settings and refuse the others.
    onConnect: (client) => client.query(`SET statement_timeout = ${statementTimeoutMs}`).then(() => undefined),
    keepAlive: true,
    types: { getTypeParser: typeParser as typeof types.getTypeParser },
  })
  pool.on('error', (error) => settings.onConnectionLost?.(error))
  // The pool hears of idle connections alone; a busy one that breaks would end the process if nobody listened.
  pool.on('connect', (client) => client.on('error', () => undefined))
  // Postgres itself ends what runs too long; this is for when nothing is heard of it.
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
  // Of a year with four digits, in UTC, with three decimals or fewer. By place: every row shows two or more.
  const isPlain = text[10] === ' ' && text.endsWith('+00') && text.length <= MILLISECONDS_LENGTH
  if (isPlain) return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(3, '0')}Z`
  return new Date(text).toISOString()
}

/**
 * SQLSTATE classes and codes (PostgreSQL manual, appendix A) with which a server says that it cannot serve now:
 * connection, resources, shutdown, failover to a standby, timeout, input and output.
 */
const unavailableState = /^(08|53|58|57P0[1-5]|57014|25006)/
/** Postgres cannot be reached or cannot serve now. The same query may succeed later. */
export function isUnavailable(error: unknown): boolean {
  const code = codeOf(error)
  if (unavailableCode.test(code) || (code.length === 5 && unavailableState.test(code))) return true
  return error instanceof Error && unavailableMessage.test(error.message)
}

/** Serialisation failure, deadlock, lock timeout: the transaction is to be run again from its start. */
const isTransient = (error: unknown): boolean => ['40001', '40P01', '55P03'].includes(codeOf(error))

/**
 * Postgres refuses the data as such: for its form (class 22), for a constraint (class 23), for rows of one statement that
 * are one after all (21000), or because an index cannot hold it (54000).
 */
export const isRefusedData = (error: unknown): boolean => /^(2[23]...|21000|54000)$/.test(codeOf(error))

/** Runs `work` in a transaction, again where Postgres asks for that, at most `attemptsMax` times in all. */
export async function inTransaction<T>(
  db: ReadModels,
  attemptsMax: number,
  work: (trx: OpenTransaction) => Promise<T>,
): Promise<T> {
  return repeated(attemptsMax, () => db.transaction().execute(work))
}

/** Runs what is a transaction again where Postgres asks for that, at most `attemptsMax` times in all. */
export async function repeated<T>(attemptsMax: number, transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction()
    } catch (error) {
      if (!isTransient(error) || attempt >= attemptsMax) throw error
    }
  }
}
