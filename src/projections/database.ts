/**
 * Postgres, as the read models and their readers see it: the types of all tables, and a connection pool under kysely
 * that sends every query as a named prepared statement (unnamed ones cost a third of the throughput on hot paths).
 * 64-bit integers and decimals come back as text, times as RFC 3339 text in UTC with milliseconds: as answers show them.
 */
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, type Transaction } from 'kysely'
import { Pool, type PoolClient, Query, types } from 'pg'
import type { AuditorKeyRow } from './audit/auditor-key.ts'
import type { CheckpointRow } from './checkpoint.ts'
import type { AccountRow, AttemptRow } from './noctant/account.ts'
import type { AccountCommandRow } from './noctant/account-command.ts'
import type { ApiKeyRow } from './noctant/api-key.ts'
import type { ChallengeRow } from './noctant/challenge.ts'
import type { CorrectionRow } from './noctant/correction.ts'
import type { FeedGrantRow, FeedRow } from './noctant/feed.ts'
import type { HistoricalSessionRow, HistoricalTradeRow } from './noctant/historical-session.ts'
import type { LaunchSessionRow } from './noctant/launch-session.ts'
import type { OperatorRow } from './noctant/operator.ts'
import type { OrderRow } from './noctant/order.ts'
import type { PartnerEventRow } from './noctant/partner-event.ts'
import type { PayoutRow } from './noctant/payout.ts'
import type { StatementRow } from './noctant/payout-statement.ts'
import type { PositionRow } from './noctant/position.ts'
import type { ProductRow } from './noctant/product.ts'
import type { SummaryRow } from './noctant/summary.ts'
import type { TemplateRow } from './noctant/template.ts'
import type { TradeRow } from './noctant/trade.ts'
import type { UserRow } from './noctant/user.ts'
import type {
  WebhookAttemptRow,
  WebhookDeadLetterRow,
  WebhookEndpointRow,
  WebhookOutboxRow,
} from './noctant/webhook.ts'
import type { ParkedEventRow } from './parking.ts'
import type { ProjectionRow } from './schema.ts'

export interface Database {
  opslog_checkpoints: CheckpointRow
  opslog_projections: ProjectionRow
  opslog_parked_events: ParkedEventRow
  audit_auditor_keys: AuditorKeyRow
  noctant_operators: OperatorRow
  noctant_api_keys: ApiKeyRow
  noctant_users: UserRow
  noctant_accounts: AccountRow
  noctant_attempts: AttemptRow
  noctant_summaries: SummaryRow
  noctant_positions: PositionRow
  noctant_orders: OrderRow
  noctant_trades: TradeRow
  noctant_account_commands: AccountCommandRow
  noctant_templates: TemplateRow
  noctant_products: ProductRow
  noctant_challenges: ChallengeRow
  noctant_feeds: FeedRow
  noctant_feed_grants: FeedGrantRow
  noctant_launch_sessions: LaunchSessionRow
  noctant_historical_sessions: HistoricalSessionRow
  noctant_historical_trades: HistoricalTradeRow
  noctant_corrections: CorrectionRow
  noctant_payout_statements: StatementRow
  noctant_payouts: PayoutRow
  noctant_webhook_endpoints: WebhookEndpointRow
  noctant_webhook_outbox: WebhookOutboxRow
  noctant_webhook_deliveries: WebhookAttemptRow
  noctant_webhook_dead_letters: WebhookDeadLetterRow
  noctant_partner_events: PartnerEventRow
}

/** What every query takes. */
export type ReadModels = Kysely<Database>

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
    ...(statementTimeoutMs > 0
      ? { statement_timeout: statementTimeoutMs, query_timeout: statementTimeoutMs + 1_000 }
      : {}),
    keepAlive: true,
    types: { getTypeParser: typeParser as typeof types.getTypeParser },
  })
  pool.on('error', (error) => settings.onConnectionLost?.(error))
  // The pool hears of idle connections alone; a busy one that breaks would end the process if nobody listened.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return new Kysely<Database>({
    dialect: new PostgresDialect({ pool: namedStatements(pool, settings.namedStatementsMax) }),
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

/** `2026-03-01 09:30:00.25+00` → `2026-03-01T09:30:00.250Z`, whatever the session's time zone. */
export function rfc3339(text: string): string {
  const utc = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,3}))?\+00$/.exec(text)
  if (utc) return `${utc[1]}T${utc[2]}.${(utc[3] ?? '').padEnd(3, '0')}Z`
  return new Date(text).toISOString()
}

/**
 * The pool, with names for the statements. A name is never taken away from a text, so that the number of statements a
 * connection holds is bounded; it is replaced where a table's shape has changed under it.
 */
function namedStatements(pool: Pool, namesMax: number): PostgresPool {
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
    connect: async () => namedClient(await pool.connect(), nameOf, rename),
  }
}

function namedClient(
  client: PoolClient,
  nameOf: (text: string) => string | undefined,
  rename: (text: string) => string,
): PostgresPoolClient {
  let inTransaction = false
  let broken: Error | undefined

  async function query(text: string, values: unknown[]) {
    if (/^(begin|start transaction)\b/i.test(text)) inTransaction = true
    if (/^(commit|rollback)$/i.test(text)) inTransaction = false
    try {
      const [source] = values
      if (source instanceof CopySource) return await copied(client, text, source)
      return await client.query({ name: nameOf(text), text, values })
    } catch (error) {
      if (isPlanOutdated(error)) {
        const name = rename(text)
        // Within a transaction the failure has ended it; whoever runs it may try again, under the new name.
        if (!inTransaction) return client.query({ name, text, values })
      }
      if (error instanceof Error && spoilsConnection(error)) broken = error
      throw error
    }
  }

  return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(broken) }
}

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

function copied(client: PoolClient, text: string, source: CopySource) {
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

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}

/** A prepared statement's columns have changed, as after the swap of a rebuilt table. */
const isPlanOutdated = (error: unknown): boolean =>
  codeOf(error) === '0A000' && error instanceof Error && error.message.includes('cached plan')

/**
 * SQLSTATE classes and codes (PostgreSQL manual, appendix A) with which a server says that it cannot serve now:
 * connection, resources, shutdown, failover to a standby, timeout, input and output.
 */
const unavailableState = /^(08|53|58|57P0[1-5]|57014|25006)/
const unavailableCode = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/
const unavailableMessage =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Query read timeout|Client was closed|Cannot use a pool after)/

/** The connection has ended, is about to, or is still occupied by a query without an answer. */
const spoilsConnection = (error: Error): boolean => {
  const code = codeOf(error)
  return /^(08...|57P0[1-5])$/.test(code) || unavailableCode.test(code) || unavailableMessage.test(error.message)
}

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
  work: (trx: Transaction<Database>) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction().execute(work)
    } catch (error) {
      if (!isTransient(error) || attempt >= attemptsMax) throw error
    }
  }
}
