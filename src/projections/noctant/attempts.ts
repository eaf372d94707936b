/** Lists over an account's attempts: orders and trades, which name the execution account of one attempt each. */
import { type SelectQueryBuilder, sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'
import { newestFirst, type Page } from '../keyset.ts'
import { type NoctantTables, noctantTables } from './tables.ts'

export interface AttemptsPage<Column extends string> extends Page<Column> {
  programAccountId: string
  /** One attempt, e.g. the account's current one; undefined: all of them. */
  attemptId?: string | undefined
}

/**
 * Newest first by these columns. `ofAttempt` asks for the rows of one attempt, `attempt.account_id`: each attempt's page
 * comes from an index, however many there are.
 */
export async function listOfAttempts<
  Table extends keyof NoctantTables,
  Row,
  const Columns extends readonly (keyof Row & string)[],
>(
  db: ReadModels,
  ofAttempt: SelectQueryBuilder<NoctantTables, Table, Row>,
  columns: Columns,
  page: AttemptsPage<Columns[number]>,
): Promise<(Row & { org_id: string; program_account_attempt_id: string })[]> {
  const { programAccountId, attemptId, limit } = page
  const found = newestFirst(ofAttempt, columns, page)
  const order = sql.join(columns.map((column) => sql`${sql.ref(`found.${column}`)} DESC`))
  const { rows } = await sql<Row & { org_id: string; program_account_attempt_id: string }>`
    SELECT found.*, attempt.org_id, attempt.attempt_id AS program_account_attempt_id
    FROM noctant_attempts AS attempt CROSS JOIN LATERAL (${found}) AS found
    WHERE attempt.program_account_id = ${programAccountId}
      ${attemptId === undefined ? sql`` : sql`AND attempt.attempt_id = ${attemptId}`}
    ORDER BY ${order} LIMIT ${limit}`.execute(noctantTables(db))
  return rows
}
