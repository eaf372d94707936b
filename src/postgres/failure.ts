/** What the errors of Postgres, of pg and of the network mean (SQLSTATE codes: PostgreSQL manual, appendix A). */

/**
 * `unavailable`: Postgres cannot be reached or cannot serve now; the same query may succeed later.
 * `refusedData`: Postgres refuses the data as such, for its form, a constraint, two rows of one key or the size of a key.
 * `lockTimeout`: another session kept a lock for too long. `conflict`: the transaction collided with another one.
 */
export type PostgresFailure = 'unavailable' | 'refusedData' | 'lockTimeout' | 'conflict' | 'other'

const states: readonly [RegExp, PostgresFailure][] = [
  [/^55P03$/, 'lockTimeout'],
  // Serialisation failure and deadlock.
  [/^(40001|40P01)$/, 'conflict'],
  [/^(2[23]...|21000|54000)$/, 'refusedData'],
  // Connection, resources, shutdown, timeout, failover to a standby, input and output.
  [/^(08...|53...|58...|57P0[1-5]|57014|25006)$/, 'unavailable'],
]
const unreachable = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/
const UNANSWERED = 'Postgres did not answer in time'
/** The texts of pg's own errors, which have no code. */
const lostConnection =
  /^(Connection terminated|Postgres did not answer|Client has encountered a connection error|timeout exceeded when trying to connect|Query read timeout|Client was closed|Cannot use a pool after)/

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}

const isLost = (error: unknown): boolean =>
  unreachable.test(codeOf(error)) || (error instanceof Error && lostConnection.test(error.message))

export function failureOf(error: unknown): PostgresFailure {
  if (isLost(error)) return 'unavailable'
  return states.find(([pattern]) => pattern.test(codeOf(error)))?.[1] ?? 'other'
}

/** The error of a query that Postgres did not answer within its bound. */
export const unanswered = (): Error => new Error(UNANSWERED)

/** Postgres refused one statement, and the connection is as good as before. */
export const isOfStatement = (error: unknown): boolean => codeOf(error).length === 5 && !spoilsConnection(error)

/** The connection has ended, is about to end, or is still busy with a query without an answer. */
export const spoilsConnection = (error: unknown): boolean => /^(08...|57P0[1-5])$/.test(codeOf(error)) || isLost(error)

/** A prepared statement's columns have changed, as after the swap of a rebuilt table. */
export const isPlanOutdated = (error: unknown): boolean =>
  codeOf(error) === '0A000' && error instanceof Error && error.message.includes('cached plan')
