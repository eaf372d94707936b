/** Transactions, which run again where Postgres asks for that. */
import { CompiledQuery } from 'kysely'
import type { OpenTransaction, ReadModels } from './database.ts'
import { failureOf } from './failure.ts'
import { type BatchedQuery, copyRows, inOneRoundTrip } from './pool.ts'

/** Runs `work` in a transaction, again after a conflict or a lock timeout, at most `attemptsMax` times in all. */
export const inTransaction = <T>(
  db: ReadModels,
  attemptsMax: number,
  work: (trx: OpenTransaction) => Promise<T>,
): Promise<T> => repeated(attemptsMax, () => db.transaction().execute(work))

/** The inside of a transaction whose begin and end travel with its statements. */
export interface PipelinedTransaction {
  /** The connection that holds the transaction. */
  db: ReadModels
  /** Runs a text that ends in `COPY … FROM STDIN`, with rows in COPY's text format. */
  copy(sql: string, rows: string): Promise<void>
}

/**
 * A transaction in two round trips: its begin with the `first` queries, then those that `work` answers with the commit.
 * This buys a small batch its lag: on a busy event loop each round trip waits for everything else the process does.
 * `work` gets the rows of each of the first queries, and may ask and write more on its own. Runs again as `inTransaction`.
 */
export function inPipelinedTransaction(
  db: ReadModels,
  attemptsMax: number,
  first: readonly BatchedQuery[],
  work: (trx: PipelinedTransaction, answers: readonly Record<string, unknown>[][]) => Promise<readonly BatchedQuery[]>,
): Promise<void> {
  const once = () =>
    db.connection().execute(async (connection) => {
      try {
        const [, ...answers] = await inOneRoundTrip(connection, [{ sql: 'begin' }, ...first])
        const copy = (sql: string, rows: string) => copyRows(connection, sql, rows)
        const last = await work({ db: connection, copy }, answers)
        await inOneRoundTrip(connection, [...last, { sql: 'commit' }])
      } catch (error) {
        // A commit that failed leaves nothing to undo, and a broken connection takes the transaction with it.
        await connection.executeQuery(ROLLBACK).catch(() => undefined)
        throw error
      }
    })
  return repeated(attemptsMax, once)
}

const ROLLBACK = CompiledQuery.raw('rollback')

async function repeated<T>(attemptsMax: number, transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction()
    } catch (error) {
      if (!['conflict', 'lockTimeout'].includes(failureOf(error)) || attempt >= attemptsMax) throw error
    }
  }
}
