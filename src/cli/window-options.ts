/** Options of what grows without end: the last so many, after a moment, up to one. */
import { type Command, InvalidArgumentError } from 'commander'

export interface WindowOptions {
  limit?: number
  since?: string
  until?: string
}

const LIMIT_MAX = 100_000

export function countOf(value: string): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= 1 && number <= LIMIT_MAX) return number
  throw new InvalidArgumentError(`A whole number from 1 to ${LIMIT_MAX}.`)
}

/** `what`: in plural: `events`. `limit`: default; undefined: as many as there are. */
export const withWindow = (command: Command, what: string, limit?: number): Command =>
  command
    .option('--since <moment>', `${what} after a time (RFC 3339) or a log position`)
    .option('--until <moment>', `${what} up to a time or a log position`)
    .option('--limit <count>', 'the last so many', countOf, limit)
